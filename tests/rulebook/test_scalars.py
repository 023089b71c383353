"""Small values outside conditions."""

from __future__ import annotations

import pytest

from proxy.conditions.nodes import ListNode, Scalar
from proxy.diagnostics import Finding
from proxy.model import Place
from proxy.rulebook.scalars import read_choice, read_choices, read_path, read_span, read_whole, read_yes

HERE = Place("slots.yaml", 3, 9, 12)


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("50", 50), ("007", 7)])
def test_a_whole_number_is_read(text: str, value: int) -> None:
    assert read_whole(Scalar(text, HERE), "count", 1, 50, []) == value


@pytest.mark.parametrize("text", ["0", "51", "-1", "1.5", "four", "1e1", "٣", "9" * 30])
def test_what_is_no_whole_number_in_range_is_reported(text: str) -> None:
    findings: list[Finding] = []
    assert read_whole(Scalar(text, HERE), "count", 1, 50, findings) is None
    assert (findings[0].code, findings[0].help) == ("R304", "write a whole number from 1 to 50")


def test_a_choice_is_one_of_its_words() -> None:
    findings: list[Finding] = []
    assert read_choice(Scalar("start", HERE), "place", ["inside", "start"], findings) == "start"
    assert read_choice(Scalar("strat", HERE), "place", ["inside", "start"], findings) is None
    assert [(finding.what, finding.help) for finding in findings] == [
        ('"place" cannot be "strat"', 'did you mean "start"?')
    ]


def test_of_several_choices_those_that_are_one_count() -> None:
    findings: list[Finding] = []
    several = ListNode((Scalar("email", HERE), Scalar("fax", HERE), Scalar("app", HERE)), HERE)
    assert read_choices(several, "also on", ["email", "app"], findings) == ("email", "app")
    assert read_choices(Scalar("app", HERE), "also on", ["email", "app"], findings) == ("app",)
    assert read_choices(None, "also on", ["email", "app"], findings) == ()
    assert [finding.what for finding in findings] == ['"also on" cannot be "fax"']


def test_yes_and_no_are_told_from_what_is_neither() -> None:
    findings: list[Finding] = []
    assert [read_yes(Scalar(word, HERE), "store", findings) for word in ("yes", "no", "maybe")] == [True, False, None]
    assert read_yes(None, "store", findings) is None
    assert [finding.what for finding in findings] == ['"store" cannot be "maybe"']


def test_a_path_begins_with_a_slash() -> None:
    findings: list[Finding] = []
    assert read_path(Scalar("/c/*", HERE), "page", findings) == "/c/*" and not findings
    assert read_path(Scalar("/%E3%82%AB/*", HERE), "page", findings) == "/カ/*" and not findings
    assert read_path(Scalar("sale", HERE), "page", findings) == "sale"
    assert [finding.what for finding in findings] == ['"page" cannot be "sale"']


@pytest.mark.parametrize(
    ("text", "instead"),
    [("5 min", "5 minutes"), ("300", "300 seconds"), ("1h", "1 hour"), ("2 hrs.", "2 hours"), ("1 DAYS", None)],
)
def test_a_span_in_other_words_is_reported_with_what_to_write(text: str, instead: str | None) -> None:
    findings: list[Finding] = []
    assert read_span(Scalar(text, HERE), "fresh", findings) is None
    assert getattr(findings[0].help, "instead", None) == instead


def test_a_span_is_read_in_seconds() -> None:
    assert [read_span(Scalar(text, HERE), "fresh", []) for text in ("5 minutes", "1 day")] == [300, 86_400]
