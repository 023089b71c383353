"""The stories of a page's slots with the products of their rows and lists: for `tailorbird why`, the studio and
previews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from proxy.decide.why import SlotStory
from proxy.model import EvaluationContext
from proxy.personalise import Stock, explained_order, in_turn, row_of


def with_products(
    stories: Iterable[SlotStory],
    context: EvaluationContext,
    stock: Stock,
    lists: Mapping[str, Sequence[str]] | None = None,
) -> tuple[SlotStory, ...]:
    """The stories of a page's slots, with why each product of its rows stands there, and where those of its `lists`
    (by name, in the shop's order) go."""
    told = list(stories)
    shown: set[str] = set()
    rows = [(place, story.decision) for place, story in enumerate(told) if story.decision.variant in stock.asks]
    for place, decision in in_turn(rows, stock):
        row, asking = row_of(decision, context, stock, shown)
        shown.update(product.id for product in row.products)
        told[place] = replace(told[place], products=tuple(row.explanations(asking)))
    for place, story in enumerate(told):
        if lists and story.slot in lists:
            _, lines = explained_order(story.decision, lists[story.slot], context, stock)
            told[place] = replace(story, products=lines)
    return tuple(told)
