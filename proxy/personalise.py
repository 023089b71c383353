"""The product in one function: a page template, a plan, the published fragments and a visitor's context go in; the
page for that visitor and the reasons come out. Read this second, after `model`. No IO, no clock, no chance, no request:
the same arguments give the same bytes (the rule against serving one visitor's page to another).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from proxy.catalogue.product_index import ProductIndex
from proxy.catalogue.ranking import Arrangement, Contrast
from proxy.catalogue.rows import Row, RowSpec, choose
from proxy.catalogue.shop import Shop
from proxy.catalogue.strategy_context import StrategyContext, asking_of
from proxy.decide.engine import decide, tried
from proxy.decide.plan import Plan
from proxy.memo import make_room
from proxy.metrics import Decided
from proxy.model import Decision, EvaluationContext, Product
from proxy.page.counting import Counting
from proxy.page.encode import Assembled, Coding, assemble
from proxy.page.fragments import Fragment
from proxy.page.json_fills import exposures_line, in_json_forms
from proxy.page.lists import CardList
from proxy.page.presentation import Presentation, presentation_of
from proxy.page.product_row import ProductRow
from proxy.page.slots import SORTS
from proxy.page.template import Template

SORTED_BY = tuple(f"refinement.{name}" for name in SORTS)
"""Attributes that tell of a list the visitor has sorted."""
SORTED = "the shop's own order, for the visitor has sorted the list themselves"

REMEMBERED_SECONDS = 60.0
MOST_REMEMBERED = 1_000
"""Of one profile: all who have none share one, for good."""
MISSING = object()
NO_LISTS: Mapping[int, CardList] = {}


@dataclass(frozen=True, slots=True)
class Stock:
    """What rows of products are filled from: the shop, and what each variant asks of it, or does to a list.
    `fragments` are the published ones, whose cards are drawn ahead; `counting` those with a countdown; `contrasts` what
    is compared in lists, by rule. What is shown of the variants in `varying` depends on more than their decision."""

    shop: Shop = field(default_factory=Shop)
    asks: Mapping[str, RowSpec] = field(default_factory=dict)
    arrangements: Mapping[str, Arrangement] = field(default_factory=dict)
    fragments: Mapping[str, Fragment] = field(default_factory=dict)
    counting: Mapping[str, Counting] = field(default_factory=dict)
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    varying: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "varying", frozenset(self.asks.keys() | self.counting.keys()))

    def is_settled_by(self, decisions: Iterable[Decision]) -> bool:
        """Whether the slots depend on nothing but these decisions, and lists on their order."""
        return self.varying.isdisjoint([decision.variant for decision in decisions])

    def fragment_of(self, variant: str, fragments: Mapping[str, Fragment], now: float) -> Fragment | None:
        """What is shown of a variant at that time; None if it is not published."""
        counting = self.counting.get(variant)
        return fragments.get(variant) if counting is None else counting.at(now)


NO_STOCK = Stock()


class Personalised(msgspec.Struct, gc=False):
    """The page, and what was `decided`. For a page that is shown again, others keep here its `pieces`, whether it
    `is_remembered`, and in `view_cache` the banners of its views."""

    page: Assembled
    decided: Decided
    view_cache: object = None
    pieces: list[bytes] | None = None
    is_remembered: bool = False

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decision of each slot, in page order."""
        return self.decided.decisions


def personalise(
    template: Template,
    plan: Plan,
    fragments: Mapping[str, Fragment],
    context: EvaluationContext,
    *,
    coding: Coding,
    key: bytes,
    hole_fills: Sequence[Fragment] = (),
    stock: Stock = NO_STOCK,
) -> Personalised:
    """Decides every slot of the page and joins it. `key` is the secret of the ETag's hash. `hole_fills` is what fills
    the page's holes, in their order; `stock` what rows of products are filled from. A decision whose fragment is not
    published shows the page's default."""
    decisions = tuple(map(decide(plan, context, template.slots).__getitem__, template.slots))
    return filled(template, decisions, plan, fragments, context, coding, key, hole_fills, stock)


def filled(
    template: Template,
    decisions: tuple[Decision, ...],
    plan: Plan,
    fragments: Mapping[str, Fragment],
    context: EvaluationContext,
    coding: Coding,
    key: bytes,
    hole_fills: Sequence[Fragment],
    stock: Stock,
) -> Personalised:
    """The page with these decisions, or those that come next where a row has no products."""
    decisions, fills = fills_of(decisions, plan, fragments, context, stock, template.lists)
    fills = in_json_forms(fills, template.forms, decisions)
    unmet = unmet_in(template.lists, decisions, context, stock) if stock.contrasts else ()
    decided = Decided.by(decisions, fills, stock.asks, unmet)
    _pour(template, fills, hole_fills)
    told = exposures_line(decided) if template.forms else b""
    return Personalised(assemble(template, fills, context.attributes, coding=coding, key=key, told=told), decided)


def untouched(template: Template, *, coding: Coding, key: bytes, hole_fills: Sequence[Fragment] = ()) -> Assembled:
    """The page with its defaults, in the coding asked for: what a visitor gets when deciding fails."""
    fills: list[Fragment | None] = [None] * len(template.slots)
    _pour(template, fills, hole_fills)
    return assemble(template, fills, {}, coding=coding, key=key)


def _pour(template: Template, fills: list[Fragment | None], hole_fills: Sequence[Fragment]) -> None:
    for (place, _), fragment in zip(template.holes, hole_fills, strict=True):
        fills[place] = fragment


# -- rows of products


def fills_of(
    decisions: tuple[Decision, ...],
    plan: Plan,
    fragments: Mapping[str, Fragment],
    context: EvaluationContext,
    stock: Stock,
    lists: Mapping[int, CardList] = NO_LISTS,
) -> tuple[tuple[Decision, ...], list[Fragment | None]]:
    """What fills each slot as decided, with the decisions; None for the page's own. No product stands in two of the
    rows. Where there is no product for a row, the next rule that fits is decided. `lists` are the page's, by their
    place among its slots."""
    if not (lists or stock.varying):  # nothing is chosen for the visitor or the moment
        return decisions, [fragments.get(decision.variant) for decision in decisions]
    fills: list[Fragment | None] = []
    rows: list[tuple[int, Decision]] = []
    for place, decision in enumerate(decisions):
        variant, counting = decision.variant, stock.counting
        fill = stock.fragment_of(variant, fragments, context.now) if counting else fragments.get(variant)
        if place in lists:
            fill = arranged(decision, lists[place], context, stock)
        elif isinstance(fill, ProductRow):
            rows.append((place, decision))
        fills.append(fill)
    settled, shown = list[Decision](), set[str]()
    for place, decision in in_turn(rows, stock):
        fills[place] = _with_products(fills[place], decision, context, stock, shown)
        if fills[place] is None:
            settled = settled or list(decisions)
            for other in tried(place, settled, plan, context, stock.asks):
                settled[place], fill = other, stock.fragment_of(other.variant, fragments, context.now)
                fills[place] = _with_products(fill, other, context, stock, shown)
                if fills[place] is not None:
                    break
    return tuple(settled) or decisions, fills


def _with_products(
    fill: Fragment | None, decision: Decision, context: EvaluationContext, stock: Stock, shown: set[str]
) -> Fragment | None:
    """A row with its products, which are `shown` then; None if it has none. Any other fragment as it is."""
    if not isinstance(fill, ProductRow):
        return fill
    made, products = stocked(fill, decision, context, stock, presentation_of(context), frozenset(shown))
    shown.update(products)
    return made


def in_turn(rows: list[tuple[int, Decision]], stock: Stock) -> list[tuple[int, Decision]]:
    """The rows of a page, each by its place, in page order but for those that an editor named products for:
    they come first, lest another takes those."""
    return sorted(rows, key=lambda row: not stock.asks[row[1].variant].names_products) if len(rows) > 1 else rows


def stocked(
    product_row: ProductRow,
    decision: Decision,
    context: EvaluationContext,
    stock: Stock,
    presentation: Presentation,
    shown: frozenset[str] = frozenset(),
) -> tuple[Fragment | None, Sequence[str]]:
    """The row filled, and with which products. What it is for a visitor is remembered with their profile until they
    do something, what was looked up for it changes, more orders were learnt or rules published; a minute at most."""
    ask, asking, hub = stock.asks[decision.variant], asking_of(context, stock.shop), stock.shop.products
    learnt = stock.shop.baskets.count if ask.depends_on_orders else 0
    key = (decision.variant, asking.here, presentation, shown, learnt, context.now // REMEMBERED_SECONDS)
    known = context.remembered.get(key)
    if not isinstance(known, _Stocked) or known.ask is not ask or not known.holds(hub):
        row = choose(ask, asking, shown)
        made = product_row.filled(row.products, context.now, presentation, is_common=not ask.reads_history)
        ids = tuple(product.id for product in row.products)
        make_room(context.remembered, MOST_REMEMBERED)
        known = context.remembered[key] = _Stocked(ask, made if ids else None, ids, row.looked_up, hub.version)
    return known.fragment, known.products


@dataclass(slots=True)
class _Stocked:
    ask: RowSpec
    fragment: Fragment | None
    products: tuple[str, ...]
    seen: Sequence[tuple[str, Product | None]] | None
    version: int

    def holds(self, hub: ProductIndex) -> bool:
        """True while the catalogue is what it was, as far as it was looked at."""
        if self.version != hub.version and self.seen is not None and all(hub.get(id) is was for id, was in self.seen):
            self.version = hub.version
        return self.version == hub.version


def arranged(decision: Decision, cards: CardList, context: EvaluationContext, stock: Stock) -> Fragment | None:
    """The list as decided; None for the origin's order, which holds too when the visitor sorted it themselves. What it
    is for a visitor is remembered with their profile, a minute at most."""
    arrangement = arrangement_of(decision, context, stock)
    if arrangement is None:
        return None
    hub = stock.shop.products
    key = (cards, decision.variant, hub.version, context.now // REMEMBERED_SECONDS)
    known = context.remembered.get(key, MISSING)
    if known is MISSING:
        named = dict(zip(hub.ids_of(cards.products), cards.products, strict=True))
        order = arrangement.order(list(named), hub.get, asking_of(context, stock.shop).shopper, context.now)
        make_room(context.remembered, MOST_REMEMBERED)
        known = context.remembered[key] = cards.in_order([named[id] for id in order])
    return known if isinstance(known, Fragment) else None


def unmet_in(
    lists: Mapping[int, CardList], decisions: Sequence[Decision], context: EvaluationContext, stock: Stock
) -> set[str]:
    """The slots whose lists stand as they would whatever of their rule the visitor had met: so they met none of it."""
    met: dict[bool, set[str]] = {True: set(), False: set()}
    for place, cards in lists.items():
        met[_is_met(decisions[place], cards, context, stock)].add(decisions[place].slot)
    return met[False] - met[True]


def _is_met(decision: Decision, cards: CardList, context: EvaluationContext, stock: Stock) -> bool:
    contrast, hub = stock.contrasts.get(decision.rule or decision.withheld), stock.shop.products
    if contrast is None or (None in contrast.arrangements and arranged(decision, cards, context, stock)):
        return True
    key = (contrast, cards, hub.version, context.now // REMEMBERED_SECONDS)
    if key not in context.remembered:
        shopper = asking_of(context, stock.shop).shopper
        make_room(context.remembered, MOST_REMEMBERED)
        context.remembered[key] = contrast.is_seen(hub.ids_of(cards.products), hub.get, shopper, context.now)
    return bool(context.remembered[key]) and not is_sorted(context)


def arrangement_of(decision: Decision, context: EvaluationContext, stock: Stock) -> Arrangement | None:
    """What is done to a list as decided; None where the visitor sorted it themselves."""
    return None if is_sorted(context) else stock.arrangements.get(decision.variant)


def is_sorted(context: EvaluationContext) -> bool:
    """Whether the visitor sorted the page's lists themselves."""
    return any(map(context.attributes.__contains__, SORTED_BY))


def row_of(
    decision: Decision, context: EvaluationContext, stock: Stock, shown: Iterable[str] = ()
) -> tuple[Row, StrategyContext]:
    """The products of a slot that shows a row, beside those `shown` already; and who they were chosen for."""
    asking = asking_of(context, stock.shop)
    return choose(stock.asks[decision.variant], asking, shown, explains=True), asking


def explained_order(
    decision: Decision, products: Sequence[str], context: EvaluationContext, stock: Stock
) -> tuple[Sequence[str], tuple[str, ...]]:
    """A list in the order decided, and where each product of it goes and why, a line each."""
    arrangement = arrangement_of(decision, context, stock)
    if arrangement is None:
        return products, (SORTED,) if decision.variant in stock.arrangements else ()
    hub, shopper = stock.shop.products, asking_of(context, stock.shop).shopper
    return arrangement.told(hub.ids_of(products), hub.get, shopper, context.now)
