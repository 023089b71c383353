from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from proxy.cli.affinity import MAX_LINE_BYTES, TextFile
from proxy.errors import OperatorError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "visits.txt"


def test_lines_come_as_they_are_packed_or_not(file: Path) -> None:
    for data in ("a\r\né".encode(), gzip.compress("a\r\né".encode())):
        file.write_bytes(data)
        text = TextFile(file)
        assert list(text) == ["a\r\n", "é"] and list(text.notes) == []


def test_what_is_not_utf8_is_read_as_latin1_and_told_from_its_first_line(file: Path) -> None:
    file.write_bytes(b"a\ncaf\xe9\nb\ncaf\xe9\n")
    text = TextFile(file)
    assert list(text) == ["a\n", "café\n", "b\n", "café\n"]
    assert list(text.notes) == [
        f"{file}:2: 2 lines, from here on, are not UTF-8, and read as Latin-1\n  = help: save the file as UTF-8"
    ]


def test_a_gigantic_line_is_left_out_and_those_after_it_are_read(file: Path) -> None:
    file.write_bytes(b"a\n" + b"x" * (3 * MAX_LINE_BYTES) + b"\nb\n" + b"y" * (MAX_LINE_BYTES - 1) + b"\n")
    text = TextFile(file)
    assert [line[:1] for line in text] == ["a", "b", "y"]
    (note,) = text.notes
    assert note.startswith(f"{file}:2: 1 line is longer than 1,048,576 bytes, and left out")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzip.compress(b"a,b\n" * 10_000)[:60], "is packed by gzip, and broken"),
        (b"\x1f\x8b not at all", "is packed by gzip, and broken"),
        (b"a\n\0\1\n", "is no text: there is a zero byte on line 2"),
        ("a,b\n".encode("utf-16"), "is no text: there is a zero byte on line 1"),
    ],
)
def test_what_is_no_text_is_reported_with_a_help(data: bytes, says: str, file: Path) -> None:
    file.write_bytes(data)
    with pytest.raises(OperatorError, match=says) as caught:
        list(TextFile(file))
    assert str(file) in str(caught.value) and caught.value.help
