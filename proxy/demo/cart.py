"""The cart: its lines, its total, and the price of delivery. Amounts are added in cents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.demo.catalogue import Catalogue, Item

FREE_DELIVERY_FROM = 60.0
DELIVERY = 4.95
MAX_PIECES = 20
MAX_LINES = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One product in the cart."""

    item: Item
    quantity: int

    @property
    def total(self) -> float:
        return _sum(self.item.price * self.quantity)


@dataclass(frozen=True, slots=True)
class Cart:
    """The lines in the order they were put in. All amounts in the shop's one currency."""

    lines: tuple[Line, ...] = ()

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def subtotal(self) -> float:
        return _sum(*(line.total for line in self.lines))

    @property
    def delivery(self) -> float:
        return 0.0 if not self.lines or self.subtotal >= FREE_DELIVERY_FROM else DELIVERY

    @property
    def total(self) -> float:
        return _sum(self.subtotal, self.delivery)

    @property
    def until_free_delivery(self) -> float:
        """What is missing until delivery costs nothing; 0 when nothing is."""
        return max(_sum(FREE_DELIVERY_FROM, -self.subtotal), 0.0)


def cart_of(catalogue: Catalogue, quantities: Mapping[str, int]) -> Cart:
    """The cart of a session; products that are gone from the catalogue are gone from the cart."""
    found = ((catalogue.get(product_id), quantity) for product_id, quantity in quantities.items())
    return Cart(tuple(Line(item, quantity) for item, quantity in found if item))


def with_pieces(quantities: Mapping[str, int], product_id: str, pieces: int) -> dict[str, int]:
    """The cart's quantities with `pieces` of the product: 0 or less removes it, too many are cut, and a full cart
    takes no more lines."""
    changed = dict(quantities)
    if pieces <= 0:
        changed.pop(product_id, None)
    elif product_id in changed or len(changed) < MAX_LINES:
        changed[product_id] = min(pieces, MAX_PIECES)
    return changed


def _sum(*amounts: float) -> float:
    return sum(round(amount * 100) for amount in amounts) / 100
