"""What imports share: lines in bounded memory."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from proxy.audience.rows import MAX_LINE_BYTES, Note
from proxy.cli.importing import Taken, TextReport, opened, read_lines, with_a_bar
from proxy.errors import OperatorError


def test_a_line_without_end_is_cut_and_the_next_is_whole() -> None:
    file = io.BytesIO(b"a\n" + b"x" * (3 * MAX_LINE_BYTES) + b"\nb\n")
    lines = list(read_lines(file))
    assert [len(line) for line in lines] == [2, MAX_LINE_BYTES + 1, 2]


def test_where_nobody_looks_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(with_a_bar(io.BytesIO(b"a\nb\n"), "orders")) == [b"a\n", b"b\n"]
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        opened(tmp_path / "not there")


def test_repeated_repairs_are_shown_a_few_times_and_counted_and_refusals_each_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = TextReport("people.csv")
    for line in range(2, 1_202):
        report.note(Note(line, "newsletter", f"`{'ja' if line % 2 else 'JA'}` read as true"))
    for line in range(10, 17):
        report.note(Note(line, "", "2 values for 6 columns", is_refusal=True))
        report.note(Note(line, "", f"replaced by line {line + 90}, which is of the same visitor"))
    report.end(Taken("order"), dry_run=False)
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["people.csv:2: newsletter: `JA` read as true", "people.csv:3: newsletter: `ja` read as true"]
    assert sum("refused: 2 values for 6 columns" in line for line in told) == 7
    assert told[-4:-1] == [
        "people.csv: newsletter: 1,195 more as in line 2",
        "people.csv: whole rows: 2 more as in line 10",
        "(`--format json` lists them all)",
    ]
    assert len(told) == 5 + 5 + 7 + 4


def test_the_totals_are_a_sentence() -> None:
    totals = Taken("order", imported=5, changed=3, refused=1, too_old=2, visitors=4, lost=1)
    assert totals.sentence(is_stored=True) == (
        "5 orders of 4 visitors imported: 3 new; 1 row refused, 2 too old. 1 visitor did nothing since then: left out."
    )
