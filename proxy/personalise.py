"""The product in one function: a page template, a plan, the published fragments and a visitor's context go in; the
page for that visitor and the reasons come out. Read this second, after `model.py`.

No IO, no clock, no chance: the same arguments give the same bytes. It cannot see the request, so what it returns can
only depend on what it was given (the rule against serving one visitor's page to another).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from proxy.catalogue.asking import Asking
from proxy.catalogue.rows import Ask, Row, choose, prepare
from proxy.catalogue.shop import Shop
from proxy.catalogue.shopper import Shopper, shopper_of
from proxy.decide.engine import decide
from proxy.decide.plan import Plan
from proxy.decide.why import SlotStory
from proxy.model import Decision, EvaluationContext, Product
from proxy.page.cards import PLAIN, Dress
from proxy.page.encode import Assembled, Coding, assemble
from proxy.page.fragments import Fragment
from proxy.page.json_fills import in_form
from proxy.page.prices import CURRENCY_OF
from proxy.page.shelf import Shelf
from proxy.page.template import Template

CAMPAIGN = {
    "campaign": "utm_campaign",
    "campaign.source": "utm_source",
    "campaign.medium": "utm_medium",
    "campaign.term": "utm_term",
    "campaign.content": "utm_content",
}
"""Attributes of the campaign a visitor came by, and the parameters that say so in an address."""

ROW_ATTRIBUTES = ("page", "language", "country", *CAMPAIGN)
"""What rows of products may ask of a request."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What rows of products are filled from: the shop, and what each variant asks of it."""

    shop: Shop = field(default_factory=Shop)
    asks: Mapping[str, Ask] = field(default_factory=dict)

    @classmethod
    def of_a_folder(
        cls,
        catalogue: Iterable[Product],
        asks: Mapping[str, Ask],
        orders: Sequence[Sequence[str]] = (),
        visits: Sequence[Sequence[str]] = (),
    ) -> Stock:
        """The stock of a rule folder alone: what nobody but its files has told."""
        shop = Shop(catalogue)
        shop.seed(orders, visits)
        return cls(shop, asks)


NO_STOCK = Stock()


@dataclass(frozen=True, slots=True)
class Personalised:
    """The assembled page, and what each slot shows and why, in the order the slots stand in the page."""

    page: Assembled
    decisions: tuple[Decision, ...]


def personalise(
    template: Template,
    plan: Plan,
    fragments: Mapping[str, Fragment],
    context: EvaluationContext,
    *,
    coding: Coding,
    key: bytes,
    poured: Sequence[Fragment] = (),
    stock: Stock = NO_STOCK,
) -> Personalised:
    """Decides every slot of the page and joins it. `key` is the secret of the ETag's hash. `poured` is what fills the
    page's holes, in their order; `stock` what rows of products are filled from.

    A decision whose fragment is not published shows the page's default.
    """
    decided = decide(plan, context, template.slots)
    decisions = tuple([decided[slot] for slot in template.slots])
    fills = fills_of(decisions, fragments, context, stock)
    if template.forms:
        fills = [
            fill and in_form(fill, form, decision)
            for fill, form, decision in zip(fills, template.forms, decisions, strict=True)
        ]
    if template.holes:
        _pour(template, fills, poured)
        decisions = tuple([decision for decision in decisions if decision.slot])
    return Personalised(assemble(template, fills, context.attributes, coding=coding, key=key), decisions)


def untouched(template: Template, *, coding: Coding, key: bytes, poured: Sequence[Fragment] = ()) -> Assembled:
    """The page as the origin sent it, in the coding asked for: what a visitor gets when deciding failed."""
    fills: list[Fragment | None] = [None] * len(template.slots)
    _pour(template, fills, poured)
    return assemble(template, fills, {}, coding=coding, key=key)


def _pour(template: Template, fills: list[Fragment | None], poured: Sequence[Fragment]) -> None:
    for (place, _), fragment in zip(template.holes, poured, strict=True):
        fills[place] = fragment


# -- rows of products


def fills_of(
    decisions: Iterable[Decision], fragments: Mapping[str, Fragment], context: EvaluationContext, stock: Stock
) -> list[Fragment | None]:
    """What fills each slot as decided; None for the page's own. No product stands in two of the rows. A row for which
    there is no product is the page's own too."""
    fills: list[Fragment | None] = []
    shown: set[str] = set()
    for decision in decisions:
        fill = fragments.get(decision.variant)
        if isinstance(fill, Shelf):
            row, _ = row_of(decision, context, stock, shown)
            shown.update(product.id for product in row.products)
            is_common = not stock.asks[decision.variant].reads_history
            dress = dress_of(context)
            fill = fill.filled(row.products, context.now, dress, is_common=is_common) if row.products else None
        fills.append(fill)
    return fills


def row_of(
    decision: Decision, context: EvaluationContext, stock: Stock, shown: Iterable[str] = ()
) -> tuple[Row, Asking]:
    """The products of a slot that shows a row, beside those `shown` already; and who they were chosen for."""
    asking = asking_of(context, stock.shop)
    return choose(stock.asks[decision.variant], asking, shown), asking


def with_products(stories: Iterable[SlotStory], context: EvaluationContext, stock: Stock) -> tuple[SlotStory, ...]:
    """The stories of a page's slots, with why each product of its rows stands there."""
    told: list[SlotStory] = []
    shown: set[str] = set()
    for story in stories:
        if story.decision.variant in stock.asks:
            row, asking = row_of(story.decision, context, stock, shown)
            shown.update(product.id for product in row.products)
            story = replace(story, products=(*row.told(asking), *map(str, row.steps)))
        told.append(story)
    return tuple(told)


def asking_of(context: EvaluationContext, shop: Shop) -> Asking:
    """Who asks for products. What the history says of them is read once, and remembered with their profile."""
    shopper = context.remembered.get(Shopper)
    if not isinstance(shopper, Shopper):
        shopper = context.remembered[Shopper] = shopper_of(context.history)
    page = context.attributes.get("page")
    here = shop.hub.at(page) if isinstance(page, str) else None
    return Asking(shop, shopper, here.id if here else "", context.now)


def foresee(context: EvaluationContext, stock: Stock) -> None:
    """Works out what rows will ask of this visitor, before a page asks."""
    asking = asking_of(context, stock.shop)
    for ask in stock.asks.values():
        prepare(ask, asking)


def dress_of(context: EvaluationContext) -> Dress:
    """How products are shown to this visitor."""
    attributes = context.attributes
    told = [(name, attributes.get(said)) for said, name in CAMPAIGN.items()]
    campaign = "&".join([f"{name}={quote(value, safe='')}" for name, value in told if isinstance(value, str)])
    languages, country = attributes.get("language"), attributes.get("country")
    language = min(languages, key=len) if isinstance(languages, frozenset) and languages else "en"
    currency = CURRENCY_OF.get(country, "") if isinstance(country, str) else ""
    return Dress(language, currency, campaign) if campaign or currency or language != "en" else PLAIN
