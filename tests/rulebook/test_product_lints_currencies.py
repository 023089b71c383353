"""Money is of one currency."""

from __future__ import annotations

import pytest

from tests.rulebook.conftest import Publish

RULE = "rules:\n  - {name: A, slot: home.hero, show: nothing new, when: {%s}}\n"
PRODUCT = '{"id": "SKU-1", "title": "Shoe", "link": "/p/SKU-1", "price": 9.5, "currency": "%s"}'


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("lifetime spend: at least 500 EUR, cart total: at least 20 €", []),
        ("lifetime spend: at least 500 EUR, cart total: at least 20", []),
        ("orders: at least 3 times", []),
        (
            "lifetime spend: at least 500 EUR, average order: at most 9 EUR, cart total: at least 20 USD",
            ["this amount is in USD, and others are in EUR"],
        ),
    ],
)
def test_amounts_of_two_currencies_are_reported(when: str, told: list[str], publish: Publish) -> None:
    found = [finding for finding in publish(RULE % when).findings if finding.code == "R311"]
    assert [finding.what for finding in found] == told


def test_the_currency_is_that_of_the_catalogue(publish: Publish) -> None:
    found = publish(RULE % "cart total: at least 20 USD", **{"products.jsonl": PRODUCT % "EUR"}).findings
    assert [(finding.code, finding.help) for finding in found] == [
        ("R311", "amounts are not converted: write it in EUR")
    ]
    assert publish(RULE % "cart total: at least 20 €", **{"products.jsonl": PRODUCT % "EUR"}).findings == []
