"""Other engines on our work: each translates the rules into its own best form, compiles what its API can compile ahead,
and says which rule won each slot. What is done once for a visitor's data (`prepare`) is not in its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import inf
from typing import Any, Protocol

from proxy.conditions.localtime import local_time
from proxy.decide.plan import rank
from proxy.model import AllOf, Between, Condition, EvaluationContext, Fact, Rule

SETS = ("segment",)
NUMBERS = ("orders", "lifetime_spend", "now")
TEXTS = ("country", "device", "page", "search_term", "campaign_source", "visitor", "weekday")


class Engine(Protocol):
    """An engine with the rules compiled in."""

    def prepare(self, visitor: EvaluationContext) -> Any:
        """The visitor as the engine wants it."""

    def decide(self, prepared: Any) -> Mapping[str, str]:
        """The rule that won each slot; "" for none."""


def by_slot(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    """The rules of each slot, best first."""
    in_rank = sorted(rules, key=lambda rule: (rule.slot, rank(rule)))
    return {slot: list(rules) for slot, rules in groupby(in_rank, key=lambda rule: rule.slot)}


def whole(rule: Rule) -> Condition:
    """The rule's condition with its schedule as a first fact."""
    if (rule.live_from, rule.live_until) == (-inf, inf):
        return rule.condition
    live = Fact("now", Between(rule.live_from, rule.live_until, open_high=True))
    parts = rule.condition.parts if isinstance(rule.condition, AllOf) else (rule.condition,)
    return AllOf((live, *parts))


def name_of(attribute: str) -> str:
    """The attribute as a name that every engine takes."""
    return attribute.replace(" ", "_").replace(".", "_")


def facts_of(visitor: EvaluationContext) -> dict[str, Any]:
    """What is known of the visitor, with weekday and time, casefolded, sets as lists."""
    known = {**visitor.attributes, **local_time(visitor.now, "UTC"), "now": visitor.now}
    return {name_of(attribute): _plain(value) for attribute, value in known.items()}


def words(values: frozenset[str] | tuple[str, ...]) -> list[str]:
    """Casefolded, in order."""
    return sorted(value.casefold() for value in values)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return words(value)
    return value.casefold() if isinstance(value, str) else value
