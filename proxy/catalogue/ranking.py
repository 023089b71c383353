"""Merchandising: what editors say about the order of products, for a row as for a listing.

Boost and bury move a product some places, pin puts it at one. Places rather than scores, so that an editor sees what "a
lot" means, and so that no card can move further than is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from math import inf
from operator import eq

from proxy.catalogue.product_index import is_within
from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.shopper import Shopper
from proxy.model import Product

# -- A list in another order: some move up or down so many places, some stand at a place, some go to the end. Who is to
# move and why is decided below.
# Its law: but for pins and what goes to the end, nothing stands further from where it was than is allowed.

LARGEST_MOVE = 20
"""No card of a listing moves further, however many boosts add up; a pin may."""

_MORE = 1.0 + 1e-9
"""Of two that would stand at one place, first the one that moves up further."""


def reordered(
    order: Sequence[str], places: Mapping[str, float], pins: Mapping[int, str], *, largest: float = LARGEST_MOVE
) -> list[str]:
    """The order after moves and pins. `places` says how far up each moves; none moves further than `largest` because
    of them, but for those that go to the end (-inf), which stay in order there. `pins` has what stands at a place, from
    1: it comes from wherever it is, and nothing else may take it."""
    pinned = {id: place for place, id in pins.items() if id in order}
    rest = [id for id in order if id not in pinned] if pinned else list(order)
    last = [id for id in rest if places.get(id) == -inf]
    if last:
        rest = [id for id in rest if places.get(id) != -inf]
    keys = [float(place) for place in range(len(rest))]
    for place, id in enumerate(rest):
        if id in places:
            keys[place] -= places[id] * _MORE
    new = [rest[place] for place in _sorted_within(int(largest), keys)] + last
    for id, place in sorted(pinned.items(), key=lambda pair: pair[1]):
        new.insert(min(place - 1, len(new)), id)
    return new


def _sorted_within(reach: int, keys: Sequence[float]) -> list[int]:
    """The places in order of their keys, none further than `reach` from where it was: at each place stands the best of
    those that may, or the one that may stand no further down. There is always but one such, the first of the rest."""
    count = len(keys)
    best = sorted(range(count), key=keys.__getitem__)
    if all(-reach <= place - was <= reach for place, was in enumerate(best)):
        return best
    ranks = [0] * count  # whole numbers are quicker to keep in order than keys
    for rank, was in enumerate(best):
        ranks[was] = rank
    waiting: list[int] = []
    is_placed = [False] * count
    new: list[int] = []
    first = entered = 0
    for place in range(count):
        while entered < count and entered <= place + reach:
            heappush(waiting, ranks[entered])
            entered += 1
        while is_placed[first]:
            first += 1
        taken = first
        if first + reach > place:
            while is_placed[taken := best[heappop(waiting)]]:
                pass
        is_placed[taken] = True
        new.append(taken)
    return new


STRENGTHS = {"a little": 3.0, "a lot": 10.0}
"""In places."""
TO_THE_END = "to the end"
"""How far a bury may say: behind all others, however far that is."""
MOST_NAMED = 5
OTHERS = "but others move more"
"""Why a product goes up that is buried, or down that is boosted."""
BY_ID = {"product", "words"}
"""What fits a product of which no catalogue tells."""

Get = Callable[[str], Product | None]
"""Looks a product up by its id; None for one that is not in the catalogue."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A boost (`places` above 0) or a bury of the products that fit. By `affinity`, the places are multiplied by the
    visitor's share of the brand or category, relative to their favourite; by `score`, by the popularity relative to the
    best. -inf moves to the end."""

    fit: ProductTest
    places: float

    def over(self, products: Iterable[Product], shopper: Shopper, now: float) -> dict[str, float]:
        """How many places up it moves each product that it moves."""
        if self.fit.by not in ("affinity", "score"):
            fits, places = self.fit.test(shopper, now), self.places
            return {product.id: places for product in products if fits(product)}
        degree = _popularity(products) if self.fit.by == "score" else _affinity(self.fit.values, shopper)
        return {product.id: self.places * share for product in products if (share := degree(product))}


def _popularity(products: Iterable[Product]) -> Callable[[Product], float]:
    """From 0 to 1, the most popular of these."""
    most = max((product.popularity for product in products), default=0.0) or 1.0
    return lambda product: product.popularity / most


def _affinity(kinds: frozenset[str], shopper: Shopper) -> Callable[[Product], float]:
    """From 0 to 1, the visitor's favourite brand or category."""
    brands = _of_the_favourite(shopper.brands) if "brand" in kinds else {}
    categories = _of_the_favourite(shopper.categories) if "category" in kinds else {}
    if not categories:
        return lambda product: brands.get(product.brand.casefold(), 0.0)

    @cache
    def of_category(name: str) -> float:
        return min(sum(share for category, share in categories.items() if is_within(name, category)), 1.0)

    return lambda product: max(brands.get(product.brand.casefold(), 0.0), of_category(product.category))


def _of_the_favourite(shares: Mapping[str, float]) -> dict[str, float]:
    most = max(shares.values(), default=1.0)
    return {name: share / most for name, share in shares.items()}


@dataclass(frozen=True, slots=True)
class Move:
    """A product that stands elsewhere than it came: both places, from 1, and each reason."""

    product: str
    was: int
    now: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a rule does to the order of one of the shop's own lists."""

    shifts: tuple[Shift, ...] = ()
    pins: tuple[tuple[int, str], ...] = ()
    largest: float = LARGEST_MOVE

    @property
    def reads_history(self) -> bool:
        """True when two visitors may see different orders."""
        return any(shift.fit.reads_history for shift in self.shifts)

    def order(self, products: Sequence[str], get: Get, shopper: Shopper, now: float) -> list[str]:
        """The list in the order for this visitor."""
        return self._moved(products, self._weights(products, get, shopper, now))

    def explained(
        self, products: Sequence[str], get: Get, shopper: Shopper, now: float
    ) -> tuple[list[str], list[Move]]:
        """The same order, and each product that the rule moves, with why; not those that only make room."""
        weights = self._weights(products, get, shopper, now)
        order = self._moved(products, weights)
        was = {product: place for place, product in enumerate(products, start=1)}
        why = {product: [f"pinned at {place}"] for place, product in self.pins}
        pinned = frozenset(why)
        for shift, moves in zip(self.shifts, weights, strict=True):
            for id, places in moves.items():
                if id not in pinned:
                    why.setdefault(id, []).append(shift_text(shift, places))
        moved, asked = list[Move](), summed_moves(weights)
        for place, id in enumerate(order, start=1):
            if id in why and was[id] != place:
                is_held = id not in pinned and (was[id] - place) * asked[id] < 0
                moved.append(Move(id, was[id], place, (*why[id], *((OTHERS,) if is_held else ()))))
        return order, moved

    def without_effect(
        self, products: Sequence[str], order: Sequence[str], get: Get, shopper: Shopper, now: float
    ) -> Iterator[str]:
        """What of the rule changes nothing in this list, a line each."""
        for at, id in self.pins:
            if id not in products:
                yield f"{id} is pinned at {at}, but not in this list"
            elif products.index(id) == order.index(id):
                yield f"{id} is pinned at {at}, where the shop has it"
        for shift, moves in zip(self.shifts, self._weights(products, get, shopper, now), strict=True):
            if not moves:
                why = {"affinity": "is known of this visitor", "score": "popular is among these"}
                yield f"{shift.fit} moves nothing: nothing {why.get(shift.fit.by, 'in this list is so')}"

    def told(
        self, products: Sequence[str], get: Get, shopper: Shopper, now: float
    ) -> tuple[list[str], tuple[str, ...]]:
        """The same order, and where each product goes and why, a line each."""
        order, moves = self.explained(products, get, shopper, now)
        idle = self.without_effect(products, order, get, shopper, now)
        return order, (*moves_text(products, order, moves, get), *idle)

    def _weights(self, products: Sequence[str], get: Get, shopper: Shopper, now: float) -> list[dict[str, float]]:
        return weights(self.shifts, products, get, shopper, now)

    def _moved(self, products: Sequence[str], weights: Iterable[Mapping[str, float]]) -> list[str]:
        return reordered(products, summed_moves(weights), dict(self.pins), largest=self.largest)


@dataclass(frozen=True, eq=False, slots=True)
class Contrast:
    """What visitors meet instead of one another in a list, None for the shop's own order: the variants of an
    experiment, and what somebody is held out of. Only who stands before a list in which these differ has met any."""

    arrangements: tuple[Arrangement | None, ...]

    def is_seen(self, products: Sequence[str], get: Get, shopper: Shopper, now: float) -> bool:
        """Whether the list's order depends on which of these it is, for this visitor."""
        first, *others = [
            list(products) if one is None else one.order(products, get, shopper, now) for one in self.arrangements
        ]
        return any(order != first for order in others)


def weights(
    shifts: Iterable[Shift], ids: Sequence[str], get: Get, shopper: Shopper, now: float
) -> list[dict[str, float]]:
    """For each shift, how many places up it moves each product that it moves."""
    found = [get(id) for id in ids]
    known = [product for product in found if product]
    anyhow = [product or Product(id, "", "") for id, product in zip(ids, found, strict=True)]
    return [shift.over(anyhow if shift.fit.by in BY_ID else known, shopper, now) for shift in shifts]


def summed_moves(weights: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """How many places up each product moves in all."""
    total: dict[str, float] = {}
    for moves in weights:
        for id, places in moves.items():
            total[id] = total.get(id, 0.0) + places
    return total


def shift_text(shift: Shift, places: float = 0.0) -> str:
    """How far it moves what, as `+10 places by brand northwind`: a product so many `places`, or at most."""
    far = places or shift.places
    if far == -inf:
        return f"{TO_THE_END} by {shift.fit}"
    return f"{far:+.3g} {'place' if abs(far) == 1 else 'places'} by {shift.fit}"


def moves_text(products: Sequence[str], order: Sequence[str], moves: Sequence[Move], get: Get) -> Iterator[str]:
    """Where each product of a list goes and why, a line each; how many made room, and which nothing is known of."""
    stayed = sum(map(eq, products, order))
    for move in moves:
        known = get(move.product)
        title = f"  {known.title}" if known else ""
        yield f"{move.product}{title}: {move.was} → {move.now}, {', '.join(move.why)}"
    room = len(products) - stayed - len(moves)
    made_room = f"{room} made room for others, " if room else ""
    yield f"{made_room}{stayed} stay where the shop has them"
    unknown = [id for id in products if get(id) is None]
    if unknown:
        named = ", ".join(unknown[:MOST_NAMED]) + (", ..." if len(unknown) > MOST_NAMED else "")
        yield f"{len(unknown)} of {len(products)} are not in the catalogue, so only their ids count: {named}"
