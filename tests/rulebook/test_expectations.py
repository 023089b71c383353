"""Editors' tests, as they are read."""

from __future__ import annotations

import pytest

from proxy.cases import run_cases
from proxy.rulebook.expectations import Case
from tests.rulebook.conftest import Publish

HEAD = (
    "timezone: Europe/Oslo\nsegments: {VIP: {}, Trail runners: {}}\n"
    "rules:\n  - {name: Sale, slot: home.hero, show: nothing new}\ntests:\n  - name: A test\n    "
)


def case(publish: Publish, *lines: str) -> Case:
    loaded = publish(HEAD + "\n    ".join(lines))
    assert loaded.publication is not None, loaded.findings
    return loaded.publication.cases[0]


def test_a_visitor_is_described_in_the_words_of_conditions(publish: Publish) -> None:
    read = case(
        publish,
        "visitor:",
        "  segments: [VIP]",
        "  unverified segments: Trail runners",
        "  country: NO",
        "  language: nl-BE",
        "  orders: 4 times",
        "  newsletter: yes",
        "  tags: [a, b]",
        "  city: 5020",
        "  campaign: {source: newsletter}",
        "  refinement: {colour: red}",
        "  visitor: new",
        "page: /shoes",
        "at: 2026-11-25 12:00",
        "expect: {home.hero: Sale, all.topbar: nothing new}",
    )
    assert read.attributes == {
        "segment": frozenset({"VIP", "Trail runners"}),
        "country": "NO",
        "language": frozenset({"nl-BE", "nl"}),
        "orders": 4.0,
        "newsletter": True,
        "tags": frozenset({"a", "b"}),
        "city": "5020",
        "campaign.source": "newsletter",
        "refinement.colour": frozenset({"red"}),
        "visitor": "new",
        "page": "/shoes",
    }
    assert read.unverified == frozenset({"Trail runners"})
    assert read.at == 1795604400.0  # noon in Oslo
    assert [(expected.slot, expected.rule) for expected in read.expect] == [("home.hero", "Sale"), ("all.topbar", "")]
    assert str(read.place) == "a.rules.yaml:6"


def test_without_words_it_is_somebody_unknown_on_the_home_page_now(publish: Publish) -> None:
    read = case(publish, "expect: {home.hero: nothing new}")
    assert read.attributes == {"segment": frozenset(), "page": "/"} and read.at is None


@pytest.mark.parametrize(
    ("lines", "code", "what"),
    [
        ("visitor: {segments: [VIPS]}", "R302", 'there is no segment "VIPS"'),
        ("visitor: {weekday: monday}", "R101", 'I do not know "weekday" in a test\'s visitor'),
        ("visitor: {orders: at least 4}", "R303", '"at least 4" is not an amount'),
        ("visitor: {device: phon}", "R304", '"device" cannot be "phon"'),
        ("visitor: {refinement: red}", "R104", '"refinement" should be lines of `word: value`'),
        ("visitor: {campaign: {sorce: x}}", "R101", 'I do not know "sorce" in "campaign"'),
        ("visitor: {location: Utrech}", "R304", 'I do not know where "Utrech" is'),
        ("page: shoes", "R304", '"page" cannot be "shoes"'),
        ("at: noon", "R402", '"noon" is not a date'),
        ("expect: {home.heroo: Sale}", "R301", 'no page has a slot "home.heroo"'),
        ("expect: {home.hero: Sail}", "R601", 'there is no rule "Sail"'),
        ("expect: {all.topbar: Sale}", "R602", 'the rule "Sale" is not for all.topbar'),
        ("expect: {home.hero: {contain: SKU-1}}", "R101", 'I do not know "contain" in a slot that is expected'),
        ("expect: {home.hero: {titel: Hi}}", "R101", 'I do not know "titel" in a slot that is expected'),
        ("expect: {home.hero: {rule: Sail, title: Hi}}", "R601", 'there is no rule "Sail"'),
        ("expect: {all.topbar: {rule: Sale, says: Hi}}", "R602", 'the rule "Sale" is not for all.topbar'),
        ("expect: {home.hero: {rule: nothing new, title: Hi}}", "R304", '"rule" cannot be "nothing new"'),
        ("expect: {home.hero: {title: [Hi, Ho]}}", "R104", '"title" should be a word or a text'),
    ],
)
def test_what_is_wrong_with_a_test_is_reported(lines: str, code: str, what: str, publish: Publish) -> None:
    text = HEAD + lines + ("" if lines.startswith("expect") else "\n    expect: {home.hero: Sale}")
    assert [(finding.code, finding.what) for finding in publish(text).findings] == [(code, what)]


def test_a_visitor_of_a_test_is_in_a_town_by_its_name(publish: Publish) -> None:
    near = "rules:\n  - {name: Near, slot: home.hero, show: nothing new, when: {location: within 15 km of Utrecht}}\n"
    test = "tests:\n  - {name: T, visitor: {location: %s}, expect: {home.hero: Near}}\n"
    for town, passes in (("utrecht", True), ("Amsterdam", False)):
        loaded = publish(near + test % town)
        assert loaded.publication
        assert [outcome.passed for outcome in run_cases(loaded.publication, 0.0)] == [passes]


def test_a_rule_without_a_name_is_expected_by_nobody(publish: Publish) -> None:
    nameless = HEAD.replace("rules:\n", "rules:\n  - {slot: home.hero, show: nothing new}\n")
    assert nameless != HEAD
    found = publish(nameless + "expect: {home.hero: Sail}").findings
    assert [(finding.code, finding.what) for finding in found] == [
        ("R103", 'this rule has no "name"'),
        ("R601", 'there is no rule "Sail"'),
    ]


def test_a_row_may_be_expected_by_its_products(publish: Publish) -> None:
    loaded = publish(HEAD + "expect: {home.hero: {contains: [A, B], never: C}}", **{"products.jsonl": ""})
    assert loaded.publication is not None
    (expectation,) = loaded.publication.cases[0].expect
    assert (expectation.contains, expectation.never, expectation.is_of_products) == (("A", "B"), ("C",), True)
    known = {"products.jsonl": '{"id": "SKU-1", "title": "Boot", "link": "/p/1"}'}
    (finding,) = publish(HEAD + "expect: {home.hero: {contains: SKU-2}}", **known).findings
    assert (finding.code, finding.help) == ("R502", 'did you mean "SKU-1"?')


def test_a_list_is_given_in_the_shops_order_and_begins_with_products(publish: Publish) -> None:
    rule = "rules:\n  - {name: A, listing: search, pin: {product: SKU-9}}\n"
    test = "tests:\n  - name: x\n    expect: {'listing:search': %s}\n"
    loaded = publish(rule + test % "{of: [SKU-1, SKU-9], begins with: [SKU-9]}")
    assert loaded.publication is not None, loaded.findings
    (expectation,) = loaded.publication.cases[0].expect
    assert (expectation.slot, expectation.given, expectation.begins) == (
        "listing:search",
        ("SKU-1", "SKU-9"),
        ("SKU-9",),
    )
    for wrong, code, what in (
        ("{of: [SKU-1], begins with: [SKU-9]}", "R304", '"SKU-9" is not in the list this test gives'),
        ("{of: [SKU-1, SKU-9]}", "R103", 'this list of products has no "begins with"'),
        ("{contains: SKU-1}", "R101", 'I do not know "contains" in a list of products'),
    ):
        found = [finding for finding in publish(rule + test % wrong).findings if not finding.is_warning]
        assert [(finding.code, finding.what) for finding in found] == [(code, what)]


@pytest.mark.parametrize(
    ("written", "help"), [("Sail", 'did you mean "Sale"?'), ("default", "write one of: nothing new, Sale")]
)
def test_an_expectation_without_rule_names_those_of_the_slot(publish: Publish, written: str, help: str) -> None:
    other = "  - {name: Elsewhere, slot: all.topbar, show: nothing new}\ntests:"
    (found,) = publish(HEAD.replace("tests:", other) + f"expect: {{home.hero: {written}}}").findings
    assert (found.code, found.help) == ("R601", help)


def test_a_slot_may_be_expected_by_its_words_beside_its_rule(publish: Publish) -> None:
    lines = ("visitor: {first name: Anna}", "expect: {home.hero: {rule: Sale, title: 'Hi, Anna', says: Hi}}")
    read = case(publish, *lines)
    (expectation,) = read.expect
    assert (expectation.rule, expectation.is_of_any_rule) == ("Sale", False)
    assert expectation.words == (("title", "Hi, Anna"), ("says", "Hi"))
    assert read.attributes["first name"] == "Anna"  # which a login tells, declared or not
    (expectation,) = case(publish, "expect: {home.hero: {text: Hi}}").expect
    assert expectation.is_of_any_rule and not expectation.is_of_products
    (expectation,) = case(publish, "expect: {home.hero: {rule: nothing new}}").expect
    assert not expectation.is_of_any_rule
