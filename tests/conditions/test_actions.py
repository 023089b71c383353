"""Actions, from the lines under them to what is measured and how often."""

from __future__ import annotations

from math import inf

import pytest

from proxy.conditions.parse import read_condition
from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding
from proxy.model import (
    Between,
    Condition,
    Contains,
    Fact,
    Measure,
    NotOneOf,
    OneOf,
    Period,
    Reading,
    StartsWith,
    Test,
    Then,
)
from proxy.rulebook.read import read_yaml

DAY = 86_400.0


def read(text: str) -> tuple[Condition, list[Finding]]:
    findings: list[Finding] = []
    node = read_yaml("x", text, findings)
    assert node is not None
    return read_condition(node, words(), findings), findings


def viewed(within: float = inf, *where: tuple[str, Test], **more: object) -> Measure:
    return Measure(Reading.COUNT, ("product viewed",), within, where, **more)  # type: ignore[arg-type]


ONCE = Between(low=1)
TRAIL = ("category", OneOf(frozenset({"shoes/trail"})))


@pytest.mark.parametrize(
    ("parts", "measure", "times"),
    [
        ("{within: 14 days}", viewed(14 * DAY), ONCE),
        ("{category: shoes/trail, times: at least 3, within: 14 days}", viewed(14 * DAY, TRAIL), Between(low=3)),
        ("{category: Shoes/Trail, times: 2}", viewed(inf, TRAIL), Between(2, 2)),
        ("{category: shoes/trail, times: between 1 and 3 times}", viewed(inf, TRAIL), Between(1, 3, unit="times")),
        ("{category: shoes/trail, times: none}", viewed(inf, TRAIL), Between(0, 0)),
        ("{category: shoes/trail, times: any}", viewed(inf, TRAIL), ONCE),
        ("{brand: [A, B]}", viewed(inf, ("brand", OneOf(frozenset({"a", "b"})))), ONCE),
        ("{brand: not A}", viewed(inf, ("brand", NotOneOf(frozenset({"a"})))), ONCE),
        ("{product: starts with SKU}", viewed(inf, ("product", StartsWith(("sku",)))), ONCE),
        ("{within: this visit}", viewed(period=Period.VISIT), ONCE),
        (
            "{then not: bought within 2 hours}",
            viewed(then=Then(("order completed",), 7_200, wanted=False)),
            ONCE,
        ),
        (
            "{then: added to cart it within 1 day}",
            viewed(then=Then(("product added",), DAY, same_product=True)),
            ONCE,
        ),
    ],
)
def test_an_action_is_how_often_something_was_done(parts: str, measure: Measure, times: Test) -> None:
    condition, findings = read(f"viewed: {parts}")
    assert not findings and isinstance(condition, Fact)
    assert (condition.measure, condition.test) == (measure, times)


def test_banners_that_were_shown_and_clicked_are_subjects() -> None:
    for word, kind in (("shown", "banner shown"), ("clicked", "banner clicked")):
        condition, findings = read(f"{word}: {{banner: Winter sale, times: at least 3, within: 14 days}}")
        named = ("subject", OneOf(frozenset({"winter sale"})))
        assert not findings and isinstance(condition, Fact)
        assert condition.measure == Measure(Reading.COUNT, (kind,), 14 * DAY, (named,))


def test_words_of_a_search_and_pages_are_subjects() -> None:
    condition, findings = read("searched: {for: contains trail}")
    assert not findings and isinstance(condition, Fact) and condition.measure
    assert condition.measure.where == (("subject", Contains(("trail",))),)
    assert condition.text == "searched: for contains trail"


def test_how_often_is_no_part_of_what_is_measured() -> None:
    often, once = (read(f"viewed: {{category: shoes, times: {times}}}")[0] for times in ("at least 3", "1"))
    assert isinstance(often, Fact) and isinstance(once, Fact)
    assert often.attribute == once.attribute == "viewed: category shoes"
    assert often.text == "viewed: category shoes, times at least 3"


@pytest.mark.parametrize(
    ("text", "code", "help"),
    [
        ("viewed: {categry: shoes}", "R101", 'did you mean "category"?'),
        ("viewed: {within: 14}", "R304", "14 days"),
        ("viewed: {then not: bought}", "R304", "bought within 2 hours"),
        ("viewed: {times: lots}", "R303", "at least 3"),
        ("viewed: {brand: [A, contains B]}", "R306", "one form"),
        ("viewed: {times: [1, at least 5]}", "R306", "one amount"),
        ("viewed: shoes", "R104", "write: `viewed: {product: shoes}`; or category, brand"),
        ("viewed: 1 time", "R104", "write: `viewed: {times: 1 time}`"),
        (
            "viewed: at least 3 times within 2 days",
            "R104",
            "write: `viewed: {times: at least 3 times, within: 2 days}`",
        ),
        ("viewed: once in the last 2 days", "R104", "write: `viewed: {times: at least 1, within: 2 days}`"),
        ("viewed: never", "R104", "write: `viewed: {times: none}`"),
        ("viewed: within 2 days", "R104", "write: `viewed: {within: 2 days}`"),
        ("viewed: 1042", "R104", "write: `viewed: {product: 1042}`; or category, brand"),
        ("viewed: made in Norway", "R104", "write: `viewed: {product: made in Norway}`"),
        ("searched: tents in the last 2 days", "R104", "write: `searched: {for: tents, within: 2 days}`"),
        ("searched: shoes", "R104", "write: `searched: {for: shoes}`"),
        ("viewed: {within: [1 day, 2 days]}", "R104", "this takes no list"),
        ("orders in the last 30 dayz: 1", "R101", 'did you mean "orders in the last 30 days"?'),
        ("order in the last 7 days: 1", "R101", 'did you mean "orders in the last 7 days"?'),
        ("orders in the last N days: 1", "R101", 'did you mean "orders in the last 30 days"?'),
    ],
)
def test_a_mistake_is_reported_with_what_to_write(text: str, code: str, help: str) -> None:
    _, findings = read(text)
    assert [finding.code for finding in findings] == [code]
    assert help in findings[0].help


@pytest.mark.parametrize(("time", "seconds"), [("365 days", 365 * DAY), ("2 weeks", 14 * DAY), ("12 hours", DAY / 2)])
def test_a_trait_may_have_any_length_of_time_in_its_name(time: str, seconds: float) -> None:
    condition, findings = read(f"orders in the last {time}: at least 4")
    assert not findings and isinstance(condition, Fact)
    assert condition.attribute == f"orders in the last {time}"
    assert condition.measure == Measure(Reading.COUNT, ("order completed",), seconds)
