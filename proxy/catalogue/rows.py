"""A row of products for one visitor: the strategies asked in turn, what editors allow of it, and the reason for each.

Candidates are worked out once for what a visitor did, when their event comes and not when a page waits; what is shown
of them is looked up as it is now, filtered and cut to length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from proxy.catalogue.asking import Asking
from proxy.catalogue.hub import EVERYTHING
from proxy.catalogue.ranking import Fit, Shift, summed, weights
from proxy.catalogue.reorder import moved
from proxy.catalogue.shop import RANKED_FOR_SECONDS
from proxy.catalogue.strategies import Source, source
from proxy.model import Product

DEFAULT_COUNT = 4
_MOST_REMEMBERED = 64
_TOLD_BY = {"page": "; known from its page alone", "change": "; changed since the catalogue was read"}
IN_STOCK = Fit("in stock")
LAST_RESORT = source("popular in", [EVERYTHING])


@dataclass(frozen=True, slots=True)
class Ask:
    """What an editor asks of a row. Each of `only` must hold of a product, none of `never`. `pins` are products by
    their place from 1. Of one brand or category there are `most_per_brand`, `most_per_category` at most; 0: any."""

    sources: tuple[Source, ...]
    count: int = DEFAULT_COUNT
    only: tuple[Fit, ...] = ()
    never: tuple[Fit, ...] = ()
    shifts: tuple[Shift, ...] = ()
    pins: tuple[tuple[int, str], ...] = ()
    most_per_brand: int = 0
    most_per_category: int = 0

    @property
    def reads_history(self) -> bool:
        """True when two visitors may be shown different products."""
        asked = (*self.only, *self.never, *(shift.fit for shift in self.shifts))
        return any(source.reads_history for source in self.sources) or any(fit.reads_history for fit in asked)

    @property
    def of_orders(self) -> bool:
        """True when each order may change what is shown."""
        return any(source.strategy.of_orders for source in self.sources)

    @property
    def may_fall_back(self) -> bool:
        """True where popular products may stand in for what was asked: not for exactly these, nor for the visitor's
        own."""
        follows = any(source.reads_history or source.reads_page for source in self.sources)
        return follows and not any(source.strategy.is_personal for source in self.sources)

    @property
    def reads_page(self) -> bool:
        """True when another page may show different products."""
        return any(source.reads_page or source.reads_history for source in self.sources)


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one strategy: how many products it `found` and `gave`, the others being in the row already, sold
    out, or not allowed."""

    source: Source
    found: int
    gave: int
    is_last_resort: bool = False

    def __str__(self) -> str:
        label = " (nothing was known for the others)" if self.is_last_resort else ""
        return f'"{self.source}" found {self.found} and gave {self.gave}{label}'


@dataclass(frozen=True, slots=True)
class Row:
    """The products chosen, each with the source that gave it (None: pinned), and what became of every source asked."""

    products: tuple[Product, ...]
    sources: tuple[Source | None, ...]
    steps: tuple[Step, ...]

    def told(self, ask: Asking) -> Iterator[str]:
        """Why each product is there, a line each, and who told of it where that was not the catalogue."""
        for product, found in zip(self.products, self.sources, strict=True):
            because = found.strategy.because(ask, found.words, product.id) if found else "pinned by the rule"
            told = _TOLD_BY.get(ask.shop.hub.origin(product.id), "")
            yield f"{product.id}  {product.title}: {because}" + (f' ("{found}")' if found else "") + told


def choose(spec: Ask, ask: Asking, shown: Iterable[str] = ()) -> Row:
    """The row. `shown` are products that stand on the page already. What was bought before is left out, unless asked
    for by `buy again`; so is the product whose page it is."""
    choice = _Choice(spec, ask, {*shown, ask.here})
    for found in spec.sources:
        if choice.is_full:
            break
        choice.take(found)
    if not choice.row and spec.may_fall_back:
        choice.take(LAST_RESORT, is_last_resort=True)
    return choice.done()


def candidates(found: Source, ask: Asking) -> Sequence[str]:
    """What the source gives; for a visitor worked out once, until they do something else or more was learnt."""
    if not found.reads_history:
        return found.strategy.select(ask, found.words)
    shopper, shop = ask.shopper, ask.shop
    learnt = shop.baskets.count if found.strategy.of_orders else shop.covisits.latest_at // RANKED_FOR_SECONDS
    key = (found.strategy.phrase, found.words, ask.here if ask.here not in shopper.visit[-1:] else "", learnt)
    known = shopper.memo.get(key)
    if known is None:
        if len(shopper.memo) >= _MOST_REMEMBERED:
            shopper.memo.clear()
        known = shopper.memo[key] = found.strategy.select(ask, found.words)
    return known


@dataclass(slots=True)
class _Choice:
    """The row as it fills."""

    spec: Ask
    ask: Asking
    shown: set[str]
    row: dict[str, Product] = field(default_factory=dict)
    sources: dict[str, Source | None] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    per_brand: Counter[str] = field(default_factory=Counter)
    per_category: Counter[str] = field(default_factory=Counter)
    only: list[Callable[[Product], bool]] = field(default_factory=list)
    never: list[Callable[[Product], bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        shopper, now = self.ask.shopper, self.ask.now
        self.only = [fit.test(shopper, now) for fit in self.spec.only]
        self.never = [fit.test(shopper, now) for fit in self.spec.never]
        for _, id in self.spec.pins:
            product = self.ask.shop.hub.get(id)
            if product and id not in self.shown and product.in_stock and len(self.row) < self.spec.count:
                self._add(product, None)

    @property
    def is_full(self) -> bool:
        return len(self.row) >= self.spec.count

    def take(self, found: Source, *, is_last_resort: bool = False) -> None:
        """Fills up with what the source gives."""
        ids = candidates(found, self.ask)
        if self.spec.shifts:
            found_places = weights(self.spec.shifts, ids, self.ask.shop.hub.get, self.ask.shopper, self.ask.now)
            ids = moved(ids, summed(found_places), {})
        before, get = len(self.row), self.ask.shop.hub.get
        bought = {} if found.strategy.phrase in ("buy again", "chosen") else self.ask.shopper.bought
        for id in ids:
            if id in self.shown or id in self.row or id in bought:
                continue
            product = get(id)
            if product is None or not self._is_allowed(product):
                continue
            self._add(product, found)
            if self.is_full:
                break
        self.steps.append(Step(found, len(ids), len(self.row) - before, is_last_resort))

    def _is_allowed(self, product: Product) -> bool:
        spec = self.spec
        for holds in self.only:
            if not holds(product):
                return False
        for holds in self.never:
            if holds(product):
                return False
        if spec.most_per_brand and product.brand and self.per_brand[product.brand] >= spec.most_per_brand:
            return False
        return not (
            spec.most_per_category
            and product.category
            and self.per_category[product.category] >= spec.most_per_category
        )

    def _add(self, product: Product, found: Source | None) -> None:
        self.row[product.id] = product
        self.sources[product.id] = found
        if self.spec.most_per_brand:
            self.per_brand[product.brand] += 1
        if self.spec.most_per_category:
            self.per_category[product.category] += 1

    def done(self) -> Row:
        """The row with its pins in place."""
        order = list(self.row)
        if self.spec.pins:
            order = moved(order, {}, dict(self.spec.pins))
        products = tuple(self.row[id] for id in order)
        return Row(products, tuple(self.sources[id] for id in order), tuple(self.steps))
