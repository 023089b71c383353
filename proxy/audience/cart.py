"""What lies in a visitor's cart, from what they did: adding, taking out, looking at the whole cart, ordering."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from proxy.conditions.behaviours import ADDED, BOUGHT, REMOVED
from proxy.model import Event, Item

WHOLE = ("cart viewed", "checkout started")  # these name all that is in it


def in_cart(events: Iterable[Event]) -> tuple[Item, ...]:
    """The items in the cart after these events, in order of products, each with its quantity."""
    cart: dict[str, Item] = {}
    for event in events:
        if event.kind == BOUGHT:
            cart = {}
        elif event.kind in WHOLE and event.items:
            cart = {item.product: item for item in event.items}
        elif event.kind in (ADDED, REMOVED):
            for item in event.items:
                _change(cart, item, -1 if event.kind == REMOVED else 1)
    return tuple(cart[product] for product in sorted(cart))


def _change(cart: dict[str, Item], item: Item, sign: int) -> None:
    known = cart.get(item.product)
    quantity = (known.quantity if known else 0.0) + sign * item.quantity
    if quantity > 0:
        cart[item.product] = replace(known if known and sign < 0 else item, quantity=quantity)
    else:
        cart.pop(item.product, None)
