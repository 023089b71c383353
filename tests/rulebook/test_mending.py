"""Edits put into files by position."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.diagnostics import Edit, Finding, Suggestion, did_you_mean
from proxy.model import Place
from proxy.rulebook.check import check
from proxy.rulebook.mending import mended, quoted, spliced, with_edits
from proxy.rulebook.read import read_yaml
from tests.rulebook.conftest import FILES


def found(line: int, column: int, end: int, help: str) -> Finding:
    return Finding("R101", "what", Place("a", line, column, end), help)


def test_what_a_help_names_becomes_an_edit_of_those_words_alone() -> None:
    sources = {"a": "rules:\n  - priorty: 'not VIPS'  # why\n"}
    key = found(2, 5, 12, did_you_mean("priorty", ["priority"]))
    value = found(2, 14, 24, did_you_mean("VIPS", ["VIP"]))
    edited = with_edits([key, value], sources)
    assert [finding.edits for finding in edited] == [(Edit(2, 5, 12, "priority"),), (Edit(2, 19, 23, "VIP"),)]
    assert spliced(sources["a"], [edit for finding in edited for edit in finding.edits]) == (
        "rules:\n  - priority: 'not VIP'  # why\n"
    )
    assert all(type(finding.help) is str for finding in edited)


def test_a_help_that_names_nothing_or_words_that_are_not_there_has_no_edit() -> None:
    sources = {"a": "priorty: |\n  long\n"}
    assert not with_edits([found(1, 1, 8, "write it out")], sources)[0].edits
    assert not with_edits([found(1, 10, 11, Suggestion("help", "long", "short"))], sources)[0].edits
    assert not with_edits([found(9, 1, 2, Suggestion("help", "long", "short"))], sources)[0].edits


def test_what_is_not_plain_is_put_in_quotes() -> None:
    assert [quoted(text) for text in ("home.hero", "at least 3", "[NL, BE]", "08:00-17:00", "/a/b")] == [
        "home.hero", "at least 3", "[NL, BE]", "08:00-17:00", "/a/b",
    ]  # fmt: skip
    assert quoted("Sale: now") == '"Sale: now"' and quoted('a "b"') == "'a \"b\"'" and quoted("@x") == '"@x"'


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30))
def test_quoted_text_reads_as_itself(text: str) -> None:
    node = read_yaml("a", f"x: {quoted(text)}", [])
    assert quoted(text).startswith("[") or getattr(node, "entries")[0].value.text == text  # noqa: B009


WRONG = (
    "# the winter sale\r\nrules:\r\n  - name: Sale   # bläh\r\n    slot: home.heroo\r\n    priorty:   hihg\r\n"
    "    show: nothing new\r\n\r\n\r\n"
)


def test_everything_but_the_edits_stays_to_the_byte() -> None:
    raw = b"\xef\xbb\xbf" + WRONG.encode()
    files = {**{name: text.encode() for name, text in FILES.items()}, "a.rules.yaml": raw}
    now, done = mended(files, lambda files: check(files).findings)
    wanted = raw.replace(b"heroo", b"hero").replace(b"priorty", b"priority").replace(b"hihg", b"high")
    assert now == {**files, "a.rules.yaml": wanted}
    assert [(change.before, change.after) for change in done] == [
        ("home.heroo", "home.hero"), ("priorty", "priority"), ("hihg", "high"),
    ]  # fmt: skip


def test_mending_goes_on_until_nothing_is_left_and_stops_when_it_turns_in_a_circle() -> None:
    def circling(files: dict[str, bytes]) -> list[Finding]:
        other = "b" if files["a"] == b"a" else "a"
        return [Finding("X", "what", Place("a", 1, 1, 2), "help", edits=(Edit(1, 1, 2, other),))]

    now, done = mended({"a": b"a"}, circling)  # type: ignore[arg-type]
    assert len(done) <= 2 and now["a"] in (b"a", b"b")


def test_edits_that_touch_are_made_one_after_the_other_and_those_beside_the_text_never() -> None:
    def check(files: dict[str, bytes]) -> list[Finding]:
        edits = [(Edit(1, 1, 3, "x"),), (Edit(1, 2, 4, "y"),), (Edit(1, 90, 91, "z"),), (Edit(7, 1, 1, "z"),)]
        place = Place("a", 1, 1, 2)
        return [Finding("X", "what", place, "help", edits=e) for e in edits] if files["a"] == b"abc" else []

    assert mended({"a": b"abc"}, check)[0] == {"a": b"xc"}  # type: ignore[arg-type]
    assert mended({"a": b"\xff"}, check)[0] == {"a": b"\xff"}  # type: ignore[arg-type]


DECLARED = {"a.rules.yaml": "segments:\n  Trial runners: {}\nrules: []\n"}


def misspelt(line: int, meant: str = "Trial runners", code: str = "R302") -> Finding:
    help = Suggestion(f'did you mean "{meant}"?', "Trail runners", meant)
    return Finding(code, "there is no segment", Place("b.rules.yaml", line, 1, 14), help)


@pytest.mark.parametrize(
    ("uses", "more", "is_mended"),
    [
        (1, "", True),
        (2, "", False),
        (2, "  - {segment: Trial runners}\n", True),
        (2, "  - {segment: Trial runners-2}\n", False),
    ],
)
def test_a_name_that_stands_only_where_it_is_declared_is_not_written_over_what_several_places_say(
    uses: int, more: str, is_mended: bool
) -> None:
    sources = DECLARED | {"b.rules.yaml": "Trail runners\n" * uses + more}
    told = with_edits([misspelt(line) for line in range(1, uses + 1)], sources)
    assert [bool(finding.edits) for finding in told] == [is_mended] * uses
    assert all(("if it is misspelt there" in finding.help) != is_mended for finding in told)


def test_a_declared_attribute_may_be_the_slip_and_a_word_of_ours_is_not() -> None:
    for meant, is_mended in (("trial tier", False), ("orders", True)):
        sources = {"attributes.yaml": f"attributes:\n  {meant}: text\n", "b.rules.yaml": "Trail runners\n" * 2}
        told = with_edits([misspelt(line, meant, "R101") for line in (1, 2)], sources)
        assert [bool(finding.edits) for finding in told] == [is_mended] * 2
