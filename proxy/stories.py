"""The stories of a page's slots with the products of their rows and lists: for `tailorbird why`, the studio and
previews."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from proxy.catalogue.strategy_context import asking_of
from proxy.decide.engine import tried
from proxy.decide.plan import Plan
from proxy.decide.why import RuleStory, SlotStory, Verdict
from proxy.model import Decision, EvaluationContext
from proxy.personalise import Stock, explained_order, in_turn, row_of


def with_products(
    stories: Iterable[SlotStory],
    plan: Plan,
    context: EvaluationContext,
    stock: Stock,
    lists: Mapping[str, Sequence[str]] | None = None,
) -> tuple[SlotStory, ...]:
    """The stories of a page's slots, with why each product of its rows stands there, which rules had none, and where
    those of its `lists` (by name, in the shop's order) go."""
    told = list(stories)
    decisions = [story.decision for story in told]
    shown: set[str] = set()
    rows = [(place, decision) for place, decision in enumerate(decisions) if decision.variant in stock.asks]
    for place, _ in in_turn(rows, stock):
        lines: list[str] = []
        passed: list[str] = []
        for decision in tried(place, decisions, plan, context, stock.asks):
            decisions[place] = decision
            if decision.variant not in stock.asks:
                break
            row, asking = row_of(decision, context, stock, shown)
            shown.update(product.id for product in row.products)
            if row.products or decision.detail != "rule":
                lines += row.explanations(asking)
                break
            passed.append(decision.rule)
            lines += [f"{decision.rule}: {line}" for line in row.explanations(asking)]
        rules = tuple(_retold(told[place].rules, passed, decisions[place]))
        told[place] = replace(told[place], decision=decisions[place], rules=rules, products=tuple(lines))
    for place, story in enumerate(told):
        if lists and story.slot in lists:
            _, moves = explained_order(story.decision, lists[story.slot], context, stock)
            told[place] = replace(story, products=(*moves, *_not_counted(story, lists[story.slot], context, stock)))
    return tuple(told)


def _not_counted(story: SlotStory, products: Sequence[str], context: EvaluationContext, stock: Stock) -> Iterator[str]:
    """Why results do not count who sees this list, where they compare its rule with something."""
    contrast = stock.contrasts.get(story.decision.rule or story.decision.withheld)
    hub, shopper = stock.shop.products, asking_of(context, stock.shop).shopper
    if contrast and not contrast.is_seen(hub.ids_of(products), hub.get, shopper, context.now):
        yield "whatever is compared here, this list stands so: results do not count who sees it"


def _retold(rules: Sequence[RuleStory], passed: Collection[str], decision: Decision) -> Iterator[RuleStory]:
    """The rules of a slot, when those in `passed` had no products and made way for this decision."""
    is_next = False
    for rule in rules:
        verdict = rule.verdict
        if passed and rule.name in passed:
            verdict = Verdict.EMPTY
        elif passed and rule.name == (decision.rule or decision.withheld):
            verdict, is_next = Verdict.SHOWN if decision.rule else Verdict.HELD_OUT, True
        elif is_next and verdict is Verdict.FITS:
            verdict, is_next = Verdict.NEXT, False
        yield replace(rule, verdict=verdict)
