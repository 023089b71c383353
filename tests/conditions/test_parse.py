"""From lines to conditions, form by form, as a table of what is written and what it means."""

from __future__ import annotations

import pytest

from proxy.conditions.parse import read_condition
from proxy.conditions.phrase import Kind
from proxy.conditions.vocabulary import words
from proxy.diagnostics import Finding
from proxy.model import (
    AllOf,
    AnyOf,
    Between,
    Condition,
    Contains,
    Fact,
    IsKnown,
    NoneOf,
    NotOneOf,
    OneOf,
    StartsWith,
    Test,
    WithinHours,
)
from proxy.rulebook.read import read_yaml

WORDS = words(
    segments=["VIP", "Trail runners"],
    declared={"orders": Kind.NUMBER, "days since last visit": Kind.NUMBER, "newsletter": Kind.TRUTH, "city": Kind.TEXT},
    imported=["loyalty"],
)


def read(text: str) -> tuple[Condition, list[Finding]]:
    findings: list[Finding] = []
    node = read_yaml("x", text, findings)
    assert node is not None
    return read_condition(node, WORDS, findings), findings


def meaning(condition: Condition) -> object:
    """The condition as nested pairs, without texts and places."""
    if isinstance(condition, Fact):
        return (condition.attribute, condition.test)
    return (type(condition).__name__, *(meaning(part) for part in condition.parts))


@pytest.mark.parametrize(
    ("text", "attribute", "test"),
    [
        ("country: NO", "country", OneOf(frozenset({"no"}))),
        ("country: [NL, no]", "country", OneOf(frozenset({"nl", "no"}))),
        ("country: not NL", "country", NotOneOf(frozenset({"nl"}))),
        ("country: not [NL, BE]", "country", NotOneOf(frozenset({"nl", "be"}))),
        ("country: any", "country", IsKnown()),
        ("city: none", "city", IsKnown(False)),
        ("segment: trail runners", "segment", OneOf(frozenset({"trail runners"}))),
        ("page: starts with /Shoes", "page", StartsWith(("/shoes",))),
        ("page: [/caf%C3%A9, /%e3%82%ab]", "page", OneOf(frozenset({"/café", "/カ"}))),
        ("page: not /%E3%82%AB", "page", NotOneOf(frozenset({"/カ"}))),
        ("referrer: xn--mnchen-3ya.example", "referrer", OneOf(frozenset({"münchen.example"}))),
        ("search term: [contains trail, contains run]", "search term", Contains(("trail", "run"))),
        ("orders: 3", "orders", Between(3, 3)),
        ("orders: at least 3", "orders", Between(low=3)),
        ("orders: at most 3 times", "orders", Between(high=3, unit="times")),
        ("orders: more than 3", "orders", Between(low=3, open_low=True)),
        ("orders: less than 3.5", "orders", Between(high=3.5, open_high=True)),
        ("orders: exactly 3 orders", "orders", Between(3, 3, unit="orders")),
        ("orders: between 1 and 7", "orders", Between(1, 7)),
        ("orders: not 3", "orders", NotOneOf(frozenset({"3"}))),
        ("cart total: at least 20 EUR", "cart total", Between(low=20, unit="EUR")),
        ("cart total: between 20 and 40 EUR", "cart total", Between(20, 40, unit="EUR")),
        ("newsletter: yes", "newsletter", OneOf(frozenset({"yes"}))),
        ("loyalty: gold", "loyalty", OneOf(frozenset({"gold"}))),
        ("loyalty: at least 3", "loyalty", Between(low=3)),
        ("hours: between 08:00 and 18:00", "hours", WithinHours(480, 1080)),
        ("hours: 22:00-6:30", "hours", WithinHours(1320, 390)),
        ("hours: 18:00–24:00", "hours", WithinHours(1080, 1440)),
        ("refinement: {colour: red}", "refinement.colour", OneOf(frozenset({"red"}))),
        ("campaign: spring", "campaign", OneOf(frozenset({"spring"}))),
        ("campaign: {source: newsletter}", "campaign.source", OneOf(frozenset({"newsletter"}))),
    ],
)
def test_a_line_means_a_fact(text: str, attribute: str, test: Test) -> None:
    condition, findings = read(text)
    assert not findings
    assert meaning(condition) == (attribute, test)


def test_lines_must_all_hold_groups_nest_and_unless_negates() -> None:
    condition, findings = read(
        "segment: VIP\nany of:\n  - orders: 1\n    city: Oslo\n  - country: NO\nunless:\n  device: phone\n  city: any\n"
    )
    assert not findings
    vip, oslo = ("segment", OneOf(frozenset({"vip"}))), ("city", OneOf(frozenset({"oslo"})))
    one_order, norway = ("orders", Between(1, 1)), ("country", OneOf(frozenset({"no"})))
    phone, in_a_city = ("device", OneOf(frozenset({"phone"}))), ("city", IsKnown())
    either = ("AnyOf", ("AllOf", one_order, oslo), norway)
    assert meaning(condition) == ("AllOf", vip, either, ("NoneOf", ("AllOf", phone, in_a_city)))


def test_a_list_of_different_forms_is_any_of_them() -> None:
    condition, findings = read("page: [/, starts with /shoes]\norders: [1, at least 5]")
    assert not findings
    pages = ("AnyOf", ("page", OneOf(frozenset({"/"}))), ("page", StartsWith(("/shoes",))))
    assert meaning(condition) == ("AllOf", pages, ("AnyOf", ("orders", Between(1, 1)), ("orders", Between(low=5))))


def test_a_fact_keeps_the_line_as_written() -> None:
    condition, _ = read("country: [NL, NO]")
    assert isinstance(condition, Fact)
    assert (condition.text, condition.place.line, condition.place.column) == ("country: NL, NO", 1, 1)


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("orders: at leat 3", "R303", '"at leat 3" is not an amount'),
        ("orders: 1,000", "R303", '"1,000" is not an amount'),
        ("orders: contains 3", "R303", '"contains 3" is not an amount'),
        ("orders: between 7 and 1", "R303", '"between 7 and 1" holds no amount'),
        ("orders: not at least 3", "R303", '"not at least 3" is not an amount'),
        ("days since last visit: at most 2 weeks", "R303", '"at most 2 weeks" is not an amount'),
        ("city: at least 3", "R305", '"city" is text, not an amount'),
        ("newsletter: maybe", "R304", '"newsletter" cannot be "maybe"'),
        ("country: not UK", "R304", '"country" cannot be "UK"'),
        ("hours: 18:00-25:00", "R304", '"hours" cannot be "18:00-25:00"'),
        ("hours: not between 08:00 and 18:00", "R306", '"not" does not go with "between 08:00 and 18:00"'),
        ("country: [NL, none]", "R306", '"none" stands inside a list'),
        ("country: [NL, not BE]", "R306", '"not" stands inside a list'),
        ("city: not contains burg", "R306", '"not" does not go with "contains burg"'),
        ("segment: [VIP, Trail runner]", "R302", 'there is no segment "Trail runner"'),
        ("contry: NL", "R101", 'I do not know "contry" in a condition'),
        ("campaign: {}", "R104", '"campaign" is empty'),
        ("refinement: {}", "R104", '"refinement" is empty'),
        ("country: []", "R104", '"country" should be a word or a text'),
        ("country:", "R104", '"country" is empty'),
        ("country: {a: b}", "R104", '"country" should be a word or a text'),
        ("any of: []", "R104", '"any of" is empty'),
        ("none of: VIP", "R104", '"none of" should be a list'),
        ("unless:", "R104", '"unless" is empty'),
        ("any of:\n  - VIP", "R104", 'each part of "any of" should be lines of `word: value`'),
    ],
)
def test_what_cannot_be_read_is_reported(text: str, code: str, what: str) -> None:
    _, findings = read(text)
    assert [(finding.code, finding.what) for finding in findings] == [(code, what)]
    assert findings[0].help and findings[0].place.file == "x"


def test_all_findings_come_at_once_each_at_its_own_item() -> None:
    _, findings = read("country: [NL, UK, XX]\ndevice: phon\n")
    assert [(finding.place.line, finding.place.column) for finding in findings] == [(1, 15), (1, 19), (2, 9)]


def test_parts_that_hold_for_everybody_leave_no_trace() -> None:
    condition, findings = read("all of:\n  - country: NL\n  - all of:\n      - orders: 1\n")
    assert not findings
    assert isinstance(condition, AllOf) and all(isinstance(part, Fact) for part in condition.parts)
    assert isinstance(read("none of:\n  - orders: 1\n")[0], NoneOf)
    assert isinstance(read("any of:\n  - orders: 1\n  - orders: 2\n")[0], AnyOf)


def test_a_word_like_no_other_may_be_an_attribute_that_nobody_declared() -> None:
    _, ((far,), (near,)) = zip(read("shoe size: 40"), read("contry: NL"), strict=True)
    assert "attributes.yaml" in far.note and not near.note


def test_a_value_that_was_read_before_is_told_again_where_it_is_wrong() -> None:
    lines = "any of:\n  - {country: Norway}\n  - {country: 'no'}\n"
    known, findings = words(), list[Finding]()
    for _ in range(2):
        root = read_yaml("a", lines, findings)
        assert root is not None
        condition = read_condition(root, known, findings)
    assert [(finding.code, finding.place.line) for finding in findings] == [("R304", 2)] * 2
    assert meaning(condition) == meaning(read_condition(root, words(), []))
    assert words()["country"].read == {}
