from __future__ import annotations

import pytest

from proxy.events.properties import MAX_DETAILS, details_of, items_of, number, text, value_of
from proxy.model import Item


def test_products_of_a_list() -> None:
    said = {"products": [{"product_id": "a", "category": "Shoes > Trail", "brand": "Hoka", "price": 10, "quantity": 2}]}
    assert items_of(said) == (Item("a", "Shoes/Trail", "Hoka", 10.0, 2.0),)


def test_the_product_that_the_properties_are_about() -> None:
    assert items_of({"sku": 17, "price": "12.50"}) == (Item("17", price=12.5),)


def test_a_price_as_the_shop_writes_it_is_a_price() -> None:
    assert items_of({"sku": "a", "price": "2,50 EUR", "quantity": "3"}) == (Item("a", price=2.5, quantity=3.0),)


def test_ga4_items_with_their_category_in_parts() -> None:
    said = {"items": [{"item_id": "a", "item_category": "shoes", "item_category2": "trail", "item_brand": "Hoka"}]}
    assert items_of(said) == (Item("a", "shoes/trail", "Hoka"),)


@pytest.mark.parametrize(
    "said", [{}, {"products": "shoes"}, {"products": [1, None, {}]}, {"id": "an event's own"}, {"items": {}}]
)
def test_no_products_are_no_items(said: dict[str, object]) -> None:
    assert items_of(said) == ()


def test_nonsense_in_a_product_is_nothing_worse() -> None:
    said = {"products": [{"product_id": "x" * 900, "price": -3, "quantity": "none", "brand": ["Hoka"]}]}
    assert items_of(said) == (Item("x" * 64),)


@pytest.mark.parametrize("much", [1e308, 10**300, "1e300", 2e12], ids=["float", "int", "text", "just too much"])
def test_more_than_anybody_has_is_none_so_that_all_of_it_has_a_sum(much: object) -> None:
    said = {"products": [{"product_id": id, "price": much, "quantity": much} for id in "ab"]}
    assert items_of(said) == (Item("a"), Item("b")) and value_of(said, items_of(said)) == 0.0
    assert value_of({"revenue": much}, ()) == 0.0


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"revenue": 9, "total": 10, "value": 11}, 9.0),
        ({"total": "10.5", "value": 11}, 10.5),
        ({"value": 0}, 0.0),
        ({}, 25.0),
        ({"value": "a lot"}, 0.0),
        ({"revenue": "", "total": 11}, 11.0),
        ({"total": "12,50"}, 12.5),
        ({"total": " € 1.234,50 "}, 1_234.5),
        ({"total": "1,234.50"}, 1_234.5),
    ],
)
def test_money_is_as_said_else_what_the_products_cost(said: dict[str, object], value: float) -> None:
    assert value_of(said, (Item("a", price=10.0, quantity=2.0), Item("b", price=5.0))) == value


def test_texts_numbers_and_truths_are_kept_beside_the_event() -> None:
    said = {
        "currency": "EUR",
        "creative": "B",
        "position": "home.hero",
        "gift": True,
        "floor": 2,
        "list": [1],
        "no": None,
    }
    assert details_of(said) == {"currency": "EUR", "variant": "B", "slot": "home.hero", "gift": True, "floor": 2.0}


def test_what_is_kept_is_bounded() -> None:
    kept = details_of({"x" * 65: 1, "long": "é" * 500, **{f"p{number}": 1 for number in range(100)}})
    assert len(kept) == MAX_DETAILS
    assert kept["long"] == "é" * 200


@pytest.mark.parametrize(("value", "read"), [(" a ", "a"), (3, "3"), (2.5, "2.5"), (True, ""), (None, ""), ([], "")])
def test_a_text_or_a_number_is_a_text(value: object, read: str) -> None:
    assert text({"x": value}, "x") == read


@pytest.mark.parametrize(
    ("value", "read"), [("1e3", 1000.0), (True, 0.0), ("inf", 0.0), ("NaN", 0.0), (10**400, 0.0), (None, 0.0)]
)
def test_only_a_number_is_a_number(value: object, read: float) -> None:
    assert number(value) == read
