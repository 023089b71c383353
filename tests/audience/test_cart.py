"""Carts, from what visitors do."""

from __future__ import annotations

import pytest

from proxy.audience.cart import in_cart
from proxy.model import Event, Item


def did(*actions: str) -> list[Event]:
    """Events in order: `product added A 2` is two of A."""
    events = []
    for at, action in enumerate(actions):
        kind, products = action.split(": ")
        items = tuple(
            Item(word.split("*")[0], price=1.0, quantity=float(word.split("*")[1])) for word in products.split()
        )
        events.append(Event(float(at), str(at), kind, items=items))
    return events


@pytest.mark.parametrize(
    ("actions", "left"),
    [
        (["product added: A*2", "product added: A*1 B*1"], {"A": 3.0, "B": 1.0}),
        (["product added: B*1 A*2", "product removed: A*1"], {"A": 1.0, "B": 1.0}),
        (["product added: A*2", "product removed: A*2"], {}),
        (["product removed: A*1", "product added: A*1"], {"A": 1.0}),
        (["product added: A*2", "cart viewed: C*1"], {"C": 1.0}),
        (["product added: A*2", "checkout started: A*1"], {"A": 1.0}),
        (["product added: A*2", "order completed: A*2", "product added: B*1"], {"B": 1.0}),
        (["product viewed: A*1"], {}),
    ],
)
def test_a_cart_is_what_was_added_less_what_was_taken_or_bought(actions: list[str], left: dict[str, float]) -> None:
    assert {item.product: item.quantity for item in in_cart(did(*actions))} == left


def test_looking_at_a_cart_without_naming_its_products_says_nothing() -> None:
    assert in_cart([*did("product added: A*1"), Event(9.0, "9", "cart viewed")])


def test_items_taken_out_of_a_cart_need_no_price() -> None:
    out = Event(9.0, "9", "product removed", items=(Item("A", quantity=1.0),))
    (left,) = in_cart([*did("product added: A*3"), out])
    assert (left.quantity, left.price) == (2.0, 1.0)
