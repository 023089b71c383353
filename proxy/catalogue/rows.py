"""Chooses a row of products for one visitor: candidates from each strategy in turn, filtered by what editors allow,
with the reason for each.

Candidates are calculated once for a visitor's history, when an event arrives rather than when a page is requested. The
products themselves are looked up for each page, filtered and cut to length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from proxy.catalogue.product_index import EVERYTHING
from proxy.catalogue.product_test import ProductTest
from proxy.catalogue.ranking import Shift, reordered, summed_moves, weights
from proxy.catalogue.shop import RANKED_FOR_SECONDS
from proxy.catalogue.strategies import Source, source
from proxy.catalogue.strategy_context import StrategyContext
from proxy.diagnostics import many
from proxy.model import Product

DEFAULT_COUNT = 4
_MOST_REMEMBERED = 64
_SOURCE_NOTES = {"page": "; known from its page alone", "change": "; changed since the catalogue was read"}
LAST_RESORT = source("popular in", [EVERYTHING])


@dataclass(frozen=True, slots=True)
class RowSpec:
    """What an editor wants in a row. Each test of `only` must hold for a product, none of `never` may. `pins` are
    (position from 1, product). At most `most_per_brand` and `most_per_category` of one brand or category; 0: any. With
    fewer than `at_least` products there is no row."""

    sources: tuple[Source, ...]
    count: int = DEFAULT_COUNT
    only: tuple[ProductTest, ...] = ()
    never: tuple[ProductTest, ...] = ()
    shifts: tuple[Shift, ...] = ()
    pins: tuple[tuple[int, str], ...] = ()
    most_per_brand: int = 0
    most_per_category: int = 0
    at_least: int = 0

    @property
    def reads_history(self) -> bool:
        """True if two visitors may be shown different products."""
        asked = (*self.only, *self.never, *(shift.fit for shift in self.shifts))
        return any(source.reads_history for source in self.sources) or any(fit.reads_history for fit in asked)

    @property
    def names_products(self) -> bool:
        """True if an editor named products for it, so that no other row of the page may take them first."""
        return bool(self.pins) or any(source.strategy.phrase == "chosen" for source in self.sources)

    @property
    def depends_on_orders(self) -> bool:
        """True if each order may change what is shown."""
        return any(source.strategy.depends_on_orders for source in self.sources)

    @property
    def may_fall_back(self) -> bool:
        """True if popular products may be shown instead when the strategies find none: not for named products, nor for
        the visitor's own."""
        follows = any(source.reads_history or source.reads_page for source in self.sources)
        return follows and not any(source.strategy.is_personal for source in self.sources)

    @property
    def may_be_empty(self) -> bool:
        """True unless any shop with something to sell has products for it."""
        is_filtered = any(fit.by not in ("in stock", "out of stock") for fit in (*self.only, *self.never))
        return self.at_least > 1 or is_filtered or not (self.may_fall_back or LAST_RESORT in self.sources)


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one source: how many products it `found`, how many of them were taken (`gave`), and, if requested,
    how many were `left_out`, by reason. Sources after the one that filled the row have no step."""

    source: Source
    found: int
    gave: int
    is_last_resort: bool = False
    left_out: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        label = " (nothing was known for the others)" if self.is_last_resort else ""
        left = f"; left out: {', '.join(f'{count} {why}' for why, count in self.left_out)}" if self.left_out else ""
        return f'"{self.source}" found {self.found} and gave {self.gave}{label}{left}'


@dataclass(frozen=True, slots=True)
class Row:
    """The products chosen, each with the source that gave it (None: pinned), and a step for each source. `looked_up`
    are the products that were looked up, taken or not: the row is valid as long as they are unchanged. None if the row
    depends on more of the catalogue. `too_few`: there were so many products, and they are not enough."""

    products: tuple[Product, ...]
    sources: tuple[Source | None, ...]
    steps: tuple[Step, ...]
    looked_up: tuple[tuple[str, Product | None], ...] | None = None
    pins_left_out: tuple[str, ...] = ()
    too_few: int = 0

    def explanations(self, context: StrategyContext) -> Iterator[str]:
        """A line for each product: why it is there, and where its data is from if not from the catalogue; for each that
        is pinned and is not there; for each step; and why there is none."""
        for product, found in zip(self.products, self.sources, strict=True):
            because = found.strategy.explain(context, found.words, product.id) if found else "pinned by the rule"
            told = _SOURCE_NOTES.get(context.shop.products.source_of(product.id), "")
            yield f"{product.id}  {product.title}: {because}" + (f' ("{found}")' if found else "") + told
        yield from self.pins_left_out
        yield from map(str, self.steps)
        if not self.products:
            yield f"only {many(self.too_few, 'product')}: not enough" if self.too_few else "no product is left"


def choose(spec: RowSpec, context: StrategyContext, shown: Iterable[str] = (), *, explains: bool = False) -> Row:
    """The row. `shown` are products that stand on the page already. What was bought before is left out, unless asked
    for by `buy again`; so is the product whose page it is. Variants of one group are one thing: a row has one of them,
    unless an editor chose them. With `explains` each step says why it left products out."""
    choice = _Choice(spec, context, {*shown, context.here}, explains)
    for found in spec.sources:
        if choice.is_full:
            break
        choice.take(found)
    if not choice.row and spec.may_fall_back:
        choice.take(LAST_RESORT, is_last_resort=True)
    return choice.done()


def candidates(found: Source, context: StrategyContext) -> Sequence[str]:
    """The ids that the source gives; worked out once per visitor, until they do something else or more was learnt."""
    if not found.reads_history:
        return found.strategy.select(context, found.words)
    shopper, shop = context.shopper, context.shop
    if context.here in shopper.visit[-1:] and not found.reads_page:  # where they are is what they did last
        context = replace(context, here="")
    learnt = shop.baskets.count if found.strategy.depends_on_orders else shop.covisits.latest_at // RANKED_FOR_SECONDS
    key = (found.strategy.phrase, found.words, context.here, learnt, shop.edition)
    known = shopper.memo.get(key)
    if known is None:
        if len(shopper.memo) >= _MOST_REMEMBERED:
            shopper.memo.clear()
        known = shopper.memo[key] = found.strategy.select(context, found.words)
    return known


@dataclass(slots=True)
class _Choice:
    """A row while it is being filled."""

    spec: RowSpec
    context: StrategyContext
    shown: set[str]
    explains: bool = False
    row: dict[str, Product] = field(default_factory=dict)
    sources: dict[str, Source | None] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    looked_up: list[tuple[str, Product | None]] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    groups_bought: frozenset[str] | None = None
    per_brand: Counter[str] = field(default_factory=Counter)
    per_category: Counter[str] = field(default_factory=Counter)
    tests: list[tuple[Callable[[Product], bool], bool, str]] = field(default_factory=list)
    pins_left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec, shopper, now, get = self.spec, self.context.shopper, self.context.now, self._look_up
        self.tests = [(fit.test(shopper, now), True, f"not {fit}") for fit in spec.only]
        self.tests += [(fit.test(shopper, now), False, f"never: {fit}") for fit in spec.never]
        self.groups = {known.group for id in self.shown if (known := get(id)) and known.group}
        for place, id in spec.pins:
            product = get(id)
            if product and id not in self.shown and product.in_stock and len(self.row) < spec.count:
                self._add(product, None)
            elif self.explains:
                why = "on the page already" if id in self.shown else "not in the catalogue" if product is None else ""
                why = why or ("more than there is room for" if product and product.in_stock else "not in stock")
                self.pins_left_out.append(f"{id} is pinned at {place}, but {why}")

    @property
    def is_full(self) -> bool:
        return len(self.row) >= self.spec.count

    def take(self, found: Source, *, is_last_resort: bool = False) -> None:
        """Adds products of the source until the row is full."""
        context = self.context
        ids = candidates(found, context)
        if self.spec.shifts:
            places = weights(self.spec.shifts, ids, context.shop.products.get, context.shopper, context.now)
            ids = reordered(ids, summed_moves(places), {})
        before, get, left = len(self.row), self._look_up, Counter[str]()
        is_exact = found.strategy.phrase in ("buy again", "chosen")
        bought = {} if is_exact else context.shopper.bought
        for id in ids:
            product = None if id in self.shown or id in self.row or id in bought else get(id)
            if product is None or (not is_exact and self._has_variant_shown(product)) or not self._is_allowed(product):
                if self.explains:
                    left[self._why_not(id, product, bought)] += 1
                continue
            self._add(product, found)
            if self.is_full:
                break
        self.steps.append(Step(found, len(ids), len(self.row) - before, is_last_resort, tuple(left.most_common())))

    def _look_up(self, id: str) -> Product | None:
        product = self.context.shop.products.get(id)
        self.looked_up.append((id, product))
        return product

    def _has_variant_shown(self, product: Product) -> bool:
        """True when another variant of it is on the page, or was bought: who has the shirt in one size is not shown it
        in another."""
        if not product.group:
            return False
        if self.groups_bought is None:
            known = map(self._look_up, self.context.shopper.bought)
            self.groups_bought = frozenset(each.group for each in known if each)
        return product.group in self.groups or product.group in self.groups_bought

    def _is_allowed(self, product: Product) -> bool:
        for holds, wanted, _ in self.tests:
            if holds(product) is not wanted:
                return False
        return not self._limit_reached(product)

    def _limit_reached(self, product: Product) -> str:
        """What the row has enough of already (brand or category); "" when there is room."""
        spec = self.spec
        if spec.most_per_brand and product.brand and self.per_brand[product.brand] >= spec.most_per_brand:
            return f"more than {spec.most_per_brand} of a brand"
        most = spec.most_per_category
        is_enough = most and product.category and self.per_category[product.category] >= most
        return f"more than {most} of a category" if is_enough else ""

    def _why_not(self, id: str, product: Product | None, bought: Collection[str]) -> str:
        """Why a product that was given is not in the row."""
        if id in self.shown or id in self.row:
            return "on the page already"
        if id in bought:
            return "bought before"
        if product is None:
            return "not in the catalogue"
        failed = next((why for holds, wanted, why in self.tests if holds(product) is not wanted), "")
        return failed or self._limit_reached(product) or "another variant of what is there or was bought"

    def _add(self, product: Product, found: Source | None) -> None:
        self.row[product.id] = product
        self.sources[product.id] = found
        if product.group:
            self.groups.add(product.group)
        if self.spec.most_per_brand:
            self.per_brand[product.brand] += 1
        if self.spec.most_per_category:
            self.per_category[product.category] += 1

    def done(self) -> Row:
        """The row with its pins in place."""
        order = list(self.row)
        if self.spec.pins:
            order = reordered(order, {}, dict(self.spec.pins))
        too_few = len(order) if len(order) < self.spec.at_least else 0
        order = [] if too_few else order
        products = tuple(self.row[id] for id in order)
        is_all_seen = not self.spec.shifts and all(step.source.reads_history for step in self.steps)
        seen = tuple(self.looked_up) if is_all_seen else None
        sources = tuple(self.sources[id] for id in order)
        return Row(products, sources, tuple(self.steps), seen, tuple(self.pins_left_out), too_few)
