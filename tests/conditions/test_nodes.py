"""Nodes of another form than needed are told, and told apart from empty ones."""

from __future__ import annotations

import pytest

from proxy.conditions.nodes import (
    Entry,
    ListNode,
    MapNode,
    Node,
    Scalar,
    as_list,
    as_map,
    as_text,
    is_nothing,
    one_or_more,
    unknown_word,
)
from proxy.diagnostics import Finding
from proxy.model import Place

HERE = Place("a.rules.yaml", 3, 5, 9)
WORD = Scalar("VIP", HERE)
LINES = MapNode((Entry(Scalar("a", HERE), WORD),), HERE)


@pytest.mark.parametrize(
    ("node", "what"),
    [
        (WORD, "this should be lines of `word: value`"),
        (ListNode((WORD,), HERE), "this should be lines of `word: value`"),
        (MapNode((), HERE), "this is empty"),
        (Scalar("", HERE), "this is empty"),
    ],
)
def test_lines_are_needed(node: Node, what: str) -> None:
    findings: list[Finding] = []
    assert as_map(node, "this", findings) is None
    assert [(finding.code, finding.what, finding.place) for finding in findings] == [("R104", what, HERE)]


def test_what_fits_is_handed_back_without_a_finding() -> None:
    findings: list[Finding] = []
    assert as_map(LINES, "x", findings) is LINES and as_text(WORD, "x", findings) is WORD
    assert as_list(ListNode((), HERE), "x", findings) == ListNode((), HERE)
    assert not findings


def test_a_word_that_is_not_there_has_no_form_to_be_told_of() -> None:
    findings: list[Finding] = []
    assert (as_map(None, "x", findings), as_list(None, "x", findings), as_text(None, "x", findings)) == (None,) * 3
    assert not findings


def test_one_stands_for_a_list_of_one() -> None:
    assert one_or_more(ListNode((WORD, LINES), HERE)) == (WORD, LINES)
    assert one_or_more(WORD) == (WORD,) and one_or_more(LINES) == (LINES,)
    assert one_or_more(None) == ()


def test_an_empty_list_is_something() -> None:
    assert is_nothing(Scalar("", HERE)) and is_nothing(MapNode((), HERE))
    assert not is_nothing(ListNode((), HERE)) and not is_nothing(WORD) and not is_nothing(LINES)


def test_a_text_of_blanks_is_no_text() -> None:
    findings: list[Finding] = []
    assert as_text(Scalar("  ", HERE), "x", findings) is None
    assert findings[0].code == "R104"


@pytest.mark.parametrize("word", ["50 EUR", "5%", "5", "2 und 3"])
def test_what_a_comma_made_a_word_of_is_told_so(word: str) -> None:
    finding = unknown_word(Scalar(word, HERE), "an event", ["viewed", "value"])
    assert finding.what == f'I do not know "{word}" in an event' and "a comma ends a line" in finding.help


def test_an_unknown_word_names_the_nearest_known() -> None:
    finding = unknown_word(Scalar("titel", HERE), "a banner", ["title", "text"])
    assert (finding.code, finding.what) == ("R101", 'I do not know "titel" in a banner')
    assert finding.help == 'did you mean "title"?'


@pytest.mark.parametrize(
    ("node", "help"),
    [
        (ListNode((WORD, WORD), HERE), "write one of them: this takes no list"),
        (MapNode((Entry(WORD, Scalar("", HERE)),), HERE, in_braces=True), "write a list in brackets: [VIP]"),
        (MapNode((Entry(WORD, WORD),), HERE, in_braces=True), "write it after the colon, on the same line"),
    ],
)
def test_a_list_where_one_text_belongs_is_told_as_what_it_is(node: Node, help: str) -> None:
    findings: list[Finding] = []
    assert as_text(node, "this", findings) is None
    assert findings[0].help == help


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [("start", ("from", "until"), "from"), ("bis", ("from", "until"), "until"), ("start", ("starts with", "x"), "")],
)
def test_a_word_of_another_program_or_language_is_named_as_it_is_called_here(
    word: str, known: tuple[str, ...], meant: str
) -> None:
    finding = unknown_word(Scalar(word, HERE), "a rule", known)
    assert (finding.help == f'did you mean "{meant}"?') == bool(meant)
    assert "looks the same" not in finding.help
