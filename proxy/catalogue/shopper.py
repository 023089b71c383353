"""A visitor as recommendations see them: what they looked at this time, what lies in their cart, what they bought and
what they like. Read off the history once, when it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from proxy.conditions.behaviours import ADDED, BOUGHT, REMOVED, VIEWED
from proxy.model import Event, Item, Product

VISIT_GAP_SECONDS = 30 * 60.0
MOST_VIEWED = 30
LIKING = {VIEWED: 1.0, ADDED: 3.0, BOUGHT: 5.0}


@dataclass(frozen=True, slots=True)
class Shopper:
    """`visit` is what was looked at or put into the cart this time, the latest last; `viewed` all that was looked at,
    the latest first; `prices` what each of those cost then, where that is known, and `sold_out` those that could not be
    bought; `bought` how often each product was. `brands` and `categories` are shares of what they did.
    `memo` is a memory only: what strategies gave for them."""

    visit: tuple[str, ...] = ()
    viewed: tuple[str, ...] = ()
    cart: tuple[str, ...] = ()
    bought: dict[str, int] = field(default_factory=dict)
    brands: dict[str, float] = field(default_factory=dict)
    categories: dict[str, float] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    sold_out: frozenset[str] = frozenset()
    memo: dict[object, Sequence[str]] = field(default_factory=dict, repr=False, compare=False)


def shopper_of(history: Sequence[Event], known: Callable[[str], Product | None] = lambda _: None) -> Shopper:
    """The shopper whose history this is, in order. `known` looks up the products of which an event, as of an app or an
    import, says no brand and no category."""
    visit: list[str] = []
    viewed: dict[str, Item] = {}
    cart: dict[str, None] = {}
    bought: dict[str, int] = {}
    brands: dict[str, float] = {}
    categories: dict[str, float] = {}
    last_at = 0.0
    for event in history:
        if event.kind == REMOVED:
            for item in event.items:
                cart.pop(item.product, None)
            continue
        weight = LIKING.get(event.kind)
        if weight is None or not event.items:
            continue
        if event.at - last_at > VISIT_GAP_SECONDS:
            visit = []
        last_at = event.at
        for item in event.items:
            said: Item | Product = item if item.brand or item.category else known(item.product) or item
            if said.brand:
                brands[said.brand.casefold()] = brands.get(said.brand.casefold(), 0.0) + weight
            if said.category:
                categories[said.category.casefold()] = categories.get(said.category.casefold(), 0.0) + weight
            if event.kind == BOUGHT:
                bought[item.product] = bought.get(item.product, 0) + 1
                cart.pop(item.product, None)
                continue
            visit.append(item.product)
            if event.kind == VIEWED:
                viewed.pop(item.product, None)
                viewed[item.product] = item
            else:
                cart[item.product] = None
    return Shopper(
        tuple(visit[-MOST_VIEWED:]),
        tuple(reversed(viewed)),
        tuple(cart),
        bought,
        _shares(brands),
        _shares(categories),
        {id: item.price for id, item in viewed.items() if item.price},
        frozenset(id for id, item in viewed.items() if not item.quantity),
    )


def _shares(weights: dict[str, float]) -> dict[str, float]:
    whole = sum(weights.values()) or 1.0
    return {name: weight / whole for name, weight in weights.items()}
