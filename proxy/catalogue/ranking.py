"""Merchandising: what editors say about the order of products, for a row as for a listing.

Boost and bury move a product some places, pin puts it at one. Places rather than scores, so that an editor sees what "a
lot" means, and so that no card can move further than is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import Literal

from proxy.catalogue.hub import is_within
from proxy.catalogue.shopper import Shopper
from proxy.model import Product

STRENGTHS = {"a little": 3.0, "a lot": 10.0}
"""In places."""
LARGEST_MOVE = 20
"""No card of a listing moves further, however many boosts add up; a pin may."""
TO_THE_END = "to the end"
"""How far a bury may say: behind all others, however far that is."""
MOST_NAMED = 5
MADE_ROOM = ("made room for others",)
BY_ID = {"product", "words"}
"""What fits a product of which no catalogue tells."""

By = Literal["product", "category", "tag", "brand", "price", "in stock", "out of stock", "words", "affinity", "score"]


@dataclass(frozen=True, slots=True)
class Fit:
    """What a product must be: one of `values`, or of a price from `low` to `high`. `words` are products that a
    visitor's own words mean (`products in cart`)."""

    by: By
    values: frozenset[str] = frozenset()
    low: float = 0.0
    high: float = float("inf")

    def holds(self, product: Product, shopper: Shopper, now: float) -> bool:
        """Whether the product is so, for this visitor at this moment."""
        match self.by:
            case "in stock":
                return product.in_stock
            case "out of stock":
                return not product.in_stock
            case "product":
                return product.id.casefold() in self.values
            case "category":
                return any(is_within(product.category, category) for category in self.values)
            case "tag":
                return any(tag.casefold() in self.values for tag in product.tags)
            case "brand":
                return product.brand.casefold() in self.values
            case "price":
                return self.low <= product.price_at(now) <= self.high
            case "words":
                return (
                    ("products in cart" in self.values and product.id in shopper.cart)
                    or ("products viewed" in self.values and product.id in shopper.viewed)
                    or ("products bought" in self.values and product.id in shopper.bought)
                )
        return False

    @property
    def reads_history(self) -> bool:
        """True when it holds for one visitor and not for another."""
        return self.by in ("words", "affinity")

    def __str__(self) -> str:
        match self.by:
            case "in stock" | "out of stock" | "score":
                return self.by
            case "price":
                if self.high == inf:
                    return f"price from {self.low:g}"
                return f"price {self.low:g} to {self.high:g}" if self.low > 0 else f"price up to {self.high:g}"
            case "words":
                return ", ".join(sorted(self.values))
        return f"{self.by} {', '.join(sorted(self.values))}"


@dataclass(frozen=True, slots=True)
class Shift:
    """A boost (`places` above 0) or a bury of what fits. By `affinity` it is as many of the places as the visitor's
    share of the brand or category is of their favourite's; by `score`, as the product's popularity is of the best.
    -inf is to the end."""

    fit: Fit
    places: float

    def of(self, product: Product, shopper: Shopper, now: float, most_popular: float = 1.0) -> float:
        """How many places it moves the product up."""
        if self.fit.by == "affinity":
            return self.places * _affinity(product, shopper, self.fit.values)
        if self.fit.by == "score":
            return self.places * (product.popularity / most_popular if most_popular else 0.0)
        return self.places if self.fit.holds(product, shopper, now) else 0.0


def _affinity(product: Product, shopper: Shopper, kinds: frozenset[str]) -> float:
    """From 0 to 1."""
    found = 0.0
    if "brand" in kinds and shopper.brands:
        found = shopper.brands.get(product.brand.casefold(), 0.0) / max(shopper.brands.values())
    if "category" in kinds and shopper.categories:
        shares = shopper.categories
        mine = sum(share for category, share in shares.items() if is_within(product.category, category))
        found = max(found, mine / max(shares.values()))
    return min(found, 1.0)


@dataclass(frozen=True, slots=True)
class Move:
    """A product that stands elsewhere than it came: both places, from 1, and each reason."""

    product: str
    was: int
    now: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a rule does to a list of the shop's own."""

    shifts: tuple[Shift, ...] = ()
    pins: tuple[tuple[int, str], ...] = ()
    largest: float = LARGEST_MOVE

    @property
    def reads_history(self) -> bool:
        """True when two visitors may see different orders."""
        return any(shift.fit.reads_history for shift in self.shifts)

    def order(
        self, products: Sequence[str], get: Callable[[str], Product | None], shopper: Shopper, now: float
    ) -> list[str]:
        """The list in the order for this visitor."""
        places = shifts_of(self.shifts, products, get, shopper, now)
        return moved(products, places, dict(self.pins), largest=self.largest)

    def moves(
        self,
        products: Sequence[str],
        order: Iterable[str],
        get: Callable[[str], Product | None],
        shopper: Shopper,
        now: float,
    ) -> list[Move]:
        """Which of the products the order has elsewhere, and why, first those that stand first now."""
        was = {product: place for place, product in enumerate(products, start=1)}
        pinned = {product: f"pinned at {place}" for place, product in self.pins}
        moved_ones = [(id, place) for place, id in enumerate(order, start=1) if was[id] != place]
        told: dict[str, list[str]] = {id: [pinned[id]] if id in pinned else [] for id, _ in moved_ones}
        for shift in self.shifts:
            for id, places in shifts_of((shift,), products, get, shopper, now).items():
                if id in told and id not in pinned:
                    far = f"{places:+.3g} place{'s' * (abs(places) != 1)}" if places > -inf else TO_THE_END
                    told[id].append(f"{far} by {shift.fit}")
        return [Move(id, was[id], place, tuple(told[id]) or MADE_ROOM) for id, place in moved_ones]


def moves_told(moves: Iterable[Move], products: Sequence[str], get: Callable[[str], Product | None]) -> Iterator[str]:
    """Where each product of a list goes and why, a line each; how many made room, and which nothing is known of."""
    made_room, moved_ones = 0, 0
    for move in moves:
        if move.why == MADE_ROOM:
            made_room += 1
            continue
        moved_ones += 1
        known = get(move.product)
        title = f"  {known.title}" if known else ""
        yield f"{move.product}{title}: {move.was} → {move.now}, {', '.join(move.why)}"
    stayed = len(products) - made_room - moved_ones
    yield f"{made_room} made room for others, {stayed} stay where the shop has them"
    unknown = [id for id in products if get(id) is None]
    if unknown:
        named = ", ".join(unknown[:MOST_NAMED]) + (", ..." if len(unknown) > MOST_NAMED else "")
        yield f"{len(unknown)} of {len(products)} are not in the catalogue, so only their ids count: {named}"


def moved(
    order: Sequence[str], places: Mapping[str, float], pins: Mapping[int, str], *, largest: float = LARGEST_MOVE
) -> list[str]:
    """The order after shifts and pins. `places` says how far up each moves; none moves further than `largest` because
    of them, but for those that go to the end (-inf), which stay in order there. `pins` has what stands at a place, from
    1: it comes from wherever it is, and nothing else may take it."""
    pinned = {id: place for place, id in pins.items() if id in order}
    ups = {id: places.get(id, 0.0) for id in order if id not in pinned}
    last = [id for id, up in ups.items() if up == -inf]
    rest = [id for id, up in ups.items() if up > -inf]
    # Of two that would stand at one place, first the one that moves up further.
    keys = [(place - ups[id], -ups[id]) for place, id in enumerate(rest)]
    new = [rest[place] for place in _sorted_within(int(largest), keys)] + last
    for id, place in sorted(pinned.items(), key=lambda pair: pair[1]):
        new.insert(min(place - 1, len(new)), id)
    return new


def _sorted_within(reach: int, keys: Sequence[tuple[float, float]]) -> list[int]:
    """The places in order of their keys, none further than `reach` from where it was: at each place stands the best of
    those that may, or the one that may stand no further down. There is always but one such, the first of the rest."""
    best = sorted(range(len(keys)), key=keys.__getitem__)
    if all(abs(place - was) <= reach for place, was in enumerate(best)):
        return best
    waiting: list[tuple[tuple[float, float], int]] = []
    new: dict[int, None] = {}
    first = 0
    for place in range(len(keys)):
        for was in range(len(keys))[place + reach if place else 0 : place + reach + 1]:
            heappush(waiting, (keys[was], was))
        while first in new:
            first += 1
        taken = first
        while first + reach > place and (taken := heappop(waiting)[1]) in new:
            pass
        new[taken] = None
    return list(new)


def shifts_of(
    shifts: Iterable[Shift], products: Iterable[str], get: Callable[[str], Product | None], shopper: Shopper, now: float
) -> dict[str, float]:
    """How many places up each product moves in all; those that stay are left out."""
    all_shifts = tuple(shifts)
    by_id = tuple(shift for shift in all_shifts if shift.fit.by in BY_ID)
    known = {id: get(id) for id in products}
    most = max((product.popularity for product in known.values() if product), default=0.0)
    found = {
        id: sum(
            shift.of(product or Product(id, "", ""), shopper, now, most) for shift in (all_shifts if product else by_id)
        )
        for id, product in known.items()
    }
    return {id: places for id, places in found.items() if places}
