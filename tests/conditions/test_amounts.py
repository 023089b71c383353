"""Amounts as they are read; the forms are tried in test_parse.py."""

from __future__ import annotations

import pytest

from proxy.conditions.amounts import amount, is_amount_form, no_amount
from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Kind, Phrase
from proxy.diagnostics import Suggestion
from proxy.model import Between, Place

ORDERS = Phrase("orders in the last N days", "orders", Kind.NUMBER, "")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("at least 500 EUR", Between(low=500.0, unit="EUR")),
        ("exactly 1 time", Between(1.0, 1.0, unit="time")),
        ("between 2 and 3.5", Between(2.0, 3.5)),
        ("3 days", Between(3.0, 3.0, unit="days")),
        ("3 weeks", None),
        ("lots", None),
    ],
)
def test_a_unit_is_a_currency_a_count_or_a_word_of_the_phrase(text: str, read: Between | None) -> None:
    assert amount(ORDERS, text) == read


def test_a_number_alone_is_no_form() -> None:
    assert is_amount_form("at least 3") and is_amount_form("between 1 and 3") and not is_amount_form("3")


def test_what_is_no_amount_is_corrected_only_for_a_phrase() -> None:
    word = Scalar("at leat 3", Place("x", 1, 1, 10))
    assert isinstance(no_amount(word, ORDERS).help, Suggestion) and not isinstance(no_amount(word).help, Suggestion)
