"""What a file that cannot be read was meant to be."""

from __future__ import annotations

import time

import pytest

from proxy.rulebook.check import check
from proxy.rulebook.mending import in_quotes, mended, spliced
from proxy.rulebook.repairs import repair
from tests.rulebook.conftest import FILES


@pytest.mark.parametrize(
    ("text", "line", "opening", "right"),
    [
        ("a:\n\tb: 1\n\tc: 2\n", 1, None, "a:\n  b: 1\n  c: 2\n"),
        ("a:\n\t  b:\n\t\tc: 2\n", 1, None, "a:\n      b:\n        c: 2\n"),
        ("- a:\n\t\tb: 2\n\tc: 1\n", 1, None, "- a:\n    b: 2\n  c: 1\n"),
        ('a: "b\nc: d\n', 0, 0, 'a: "b"\nc: d\n'),
        ("a: {title: Sale: now, link: /}\n", 0, 0, 'a: {title: "Sale: now", link: /}\n'),
        ("a: {title: G, strategy: with tag: gift}\n", 0, 0, "a: {title: G, strategy: {with tag: gift}}\n"),
        ("a: [1, 2\nb: 1\n", 0, 0, "a: [1, 2]\nb: 1\n"),
        ("a: [1, 2,\nb: 1\n", 0, 0, "a: [1, 2]\nb: 1\n"),
        ("title: Save 50%: now\n", 0, None, 'title: "Save 50%: now"\n'),
        ("- @foo\n- b\n", 0, None, '- "@foo"\n- b\n'),
        ("slot:a\nname: b\n", 1, None, "slot: a\nname: b\n"),
        ("a: 1\npriority high\nb: 2\n", 2, None, "a: 1\npriority: high\nb: 2\n"),
        ("when: country: NO\n", 0, None, "when:\n  country: NO\n"),
        ("show: banner: {title: Sale}\n", 0, None, "show:\n  banner: {title: Sale}\n"),
        ("- page: /a\n  at 2026-11-25 08:00\n  b: 2\n", 2, None, "- page: /a\n  at: 2026-11-25 08:00\n  b: 2\n"),
        ("a:\n    b\n      c: 1\n", 2, 1, "a:\n    b:\n      c: 1\n"),
        ("- a: 1\n b: 2\n  c:\n    d: 1\n", 1, None, "- a: 1\n  b: 2\n  c:\n    d: 1\n"),
        ("a:\n    b: 1\n  c: 2\n", 2, None, "a:\n    b: 1\n    c: 2\n"),
        ("- a: 1\n   b:\n     - c\n  d: 2\n", 1, None, "- a: 1\n  b:\n    - c\n  d: 2\n"),
    ],
)
def test_the_likeliest_repair_with_which_the_file_reads_on(
    text: str, line: int, opening: int | None, right: str
) -> None:
    assert spliced(text, repair(text, line, opening)) == right


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x: (a) [b\n}{][\n", 1),
        ("slots:\n  - a\n  home.hero:\n    page: /\n", 2),  # a name is no word that begins a line
    ],
)
def test_what_nothing_mends_is_left_alone(text: str, line: int) -> None:
    assert repair(text, line, None) == ()


def test_a_line_that_is_no_word_and_value_does_not_become_part_of_the_text_above() -> None:
    rules = "rules:\n  - name: A\n    slot: home.hero\n    to be done\n    show: nothing new\n"
    files = {"a.rules.yaml": rules.encode(), "slots.yaml": b"slots: {home.hero: {}}"}
    assert mended(files, lambda files: check(files).findings)[0] == files


def test_a_text_is_not_cut_in_two_where_a_bracket_is_missing() -> None:
    text = "bury: tag: end of line, by: to the end}\n"
    assert "bury:\n" not in spliced(text, repair(text, 0, None))


def test_a_large_file_is_not_read_again_and_again() -> None:
    text = "- a: 1\n" * 140_000 + "- @\n  b\n c: [\n"
    begun = time.process_time()
    repair(text, 140_000, None)
    assert time.process_time() - begun < 20  # one reading takes a second or two


def test_quotes_hold_anything() -> None:
    assert in_quotes('it\'s "b" \\') == '"it\'s \\"b\\" \\\\"' and in_quotes('a "b" \\') == "'a \"b\" \\'"


@pytest.mark.parametrize(
    "run",
    [" ", "\t", "- ", "a ", "a: ", ": ", "-", "'", '"', "{", "}", "] ", ",", "{a ", "{a: b: c, ", "\u00a0", "a\u00a0"],
)
def test_a_very_long_line_is_read_in_linear_time(run: str) -> None:
    """Whoever checks it in a worker has all requests wait."""
    row = run * (64_000 // len(run))
    for text in (f"{row}: x\nrules: []\n", f"rules:\n  - name: A\n{row}\n", f"rules:\n  - name: {row}\n"):
        begun = time.thread_time()
        check({**{name: said.encode() for name, said in FILES.items()}, "a.rules.yaml": text.encode()})
        assert time.thread_time() - begun < 2
