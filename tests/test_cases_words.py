"""Editors' tests of the words a visitor reads."""

from __future__ import annotations

import pytest

from proxy.cases import coverage, run_cases, untested
from proxy.rulebook.compile import load
from tests.test_cases import NOW

RULES = """\
timezone: Europe/Amsterdam
rules:
  - name: Christmas
    slot: home.hero
    show: {banner: {title: "{first name|Hello}, {days until 2026-12-24, day/days|today} until Christmas"}}
  - name: Shipping
    slot: all.topbar
    show: {banner: shipping}
  - name: Row
    slot: cart.extras
    show: {products: {title: "For {first name|you}", strategy: {chosen: SKU-1}}}
tests:
  - name: T
    visitor: VISITOR
    at: 2026-12-01
    expect: EXPECTED
"""
FILES = {
    "banners/shipping.html": b'<p>Only <b>{{ 50 - cart_total|default("50") }}</b> euros to go</p>',
    "slots.yaml": b"slots: {home.hero: {}, all.topbar: {}, cart.extras: {}}",
    "products.jsonl": b'{"id": "SKU-1", "title": "Boot", "link": "/p/1", "price": 12.5, "currency": "EUR"}',
}
ANNA = "{first name: Anna}"
SAYS_24 = 'all.topbar should say "24 euros to go", but shows "Only 25 euros to go"'


def faults(visitor: str, expected: str) -> list[str]:
    text = RULES.replace("VISITOR", visitor).replace("EXPECTED", expected)
    loaded = load({**FILES, "a.rules.yaml": text.encode()})
    assert loaded.publication is not None, loaded.findings
    (outcome,) = run_cases(loaded.publication, NOW)
    return [line for fault in outcome.faults for line in (str(fault), *fault.reasons)]


@pytest.mark.parametrize(
    ("visitor", "expected"),
    [
        (ANNA, '{home.hero: {rule: Christmas, title: "Anna, 23 days until Christmas"}}'),
        ("{visitor: new}", '{home.hero: {title: "Hello, 23 days until Christmas"}}'),
        ("{cart total: 25 EUR}", '{all.topbar: {rule: Shipping, says: "Only 25 euros to go"}}'),
        ("{cart: SKU-1}", "{all.topbar: {says: 37.50 euros}}"),
        ("{cart: SKU-1}", "{all.topbar: {says: [37.50 euros, Only]}}"),
        (ANNA, "{cart.extras: {rule: Row, title: For Anna, contains: SKU-1, says: Boot}}"),
    ],
)
def test_the_words_of_a_slot_are_those_that_a_page_would_have(visitor: str, expected: str) -> None:
    assert faults(visitor, expected) == []


@pytest.mark.parametrize(
    ("visitor", "expected", "told"),
    [
        (
            ANNA,
            '{home.hero: {rule: Christmas, title: "Anna, 24 days until Christmas"}}',
            [
                'home.hero should have the title "Anna, 24 days until Christmas", '
                'but shows "Anna, 23 days until Christmas"',
                'by "Christmas"',
            ],
        ),
        ("{cart total: 25 EUR}", "{all.topbar: {says: 24 euros to go}}", [SAYS_24, 'by "Shipping"']),
        (
            "{cart total: 25 EUR}",
            "{all.topbar: {says: [Only 25, 24 euros to go, Hi]}}",
            [
                'all.topbar should say "24 euros to go" and say "Hi", but shows "Only 25 euros to go"',
                'by "Shipping"',
            ],
        ),
        (
            "{cart total: 25 EUR}",
            "{all.topbar: {title: Hi, button: Go}}",
            [
                'all.topbar should have the title "Hi" and have the button "Go", but shows no title, no button',
                'by "Shipping"',
                'it says "Only 25 euros to go", which a test finds by "says"',
            ],
        ),
        (
            ANNA,
            "{cart.extras: {rule: Row, title: For Ben, contains: SKU-1}}",
            ['cart.extras should have the title "For Ben", but shows "For Anna"', 'by "Row"'],
        ),
    ],
)
def test_other_words_fail_a_test_with_what_is_read_instead(visitor: str, expected: str, told: list[str]) -> None:
    assert faults(visitor, expected) == told


def test_where_the_pages_own_is_shown_there_are_no_words() -> None:
    text = RULES.replace("at: 2026-12-01", "at: 2027-01-01").replace(
        "slot: home.hero", "slot: home.hero\n    until: 2026-12-25"
    )
    text = text.replace("VISITOR", ANNA).replace("EXPECTED", "{home.hero: {title: Hi}}")
    loaded = load({**FILES, "a.rules.yaml": text.encode()})
    assert loaded.publication is not None, loaded.findings
    (fault,) = run_cases(loaded.publication, NOW)[0].faults
    assert str(fault) == 'home.hero should have the title "Hi", but shows nothing new'


def test_a_test_that_names_no_rule_is_one_of_the_rule_that_was_shown() -> None:
    other = "slot: all.topbar\n    priority: low\n    show: nothing new\n  - name: Row"
    text = RULES.replace("name: Row", f"name: Lower\n    {other}", 1).replace("VISITOR", "{cart total: 25 EUR}")
    loaded = load({**FILES, "a.rules.yaml": text.replace("EXPECTED", "{all.topbar: {says: 25 euros}}").encode()})
    assert loaded.publication is not None, loaded.findings
    outcomes = run_cases(loaded.publication, NOW)
    assert [rule.name for rule in untested(loaded.publication, outcomes)] == ["Christmas", "Lower", "Row"]
    assert "Shipping".ljust(60) + "  1 test" in coverage(loaded.publication, outcomes)
