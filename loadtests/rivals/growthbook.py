"""GrowthBook's Python SDK: a feature is a slot, its rules in rank order each with a condition and a forced value."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from growthbook import GrowthBook

from loadtests.rivals import by_slot, facts_of, name_of, whole, words
from proxy.model import (
    AllOf,
    AnyOf,
    Between,
    Condition,
    Contains,
    EvaluationContext,
    Fact,
    NotOneOf,
    OneOf,
    Rule,
    StartsWith,
)


class Engine:
    def __init__(self, rules: Sequence[Rule]) -> None:
        logging.getLogger("growthbook").setLevel(logging.WARNING)
        self._slots = by_slot(rules)
        features = {
            slot: {
                "defaultValue": "",
                "rules": [{"condition": condition(whole(rule)), "force": rule.name} for rule in ranked],
            }
            for slot, ranked in self._slots.items()
        }
        self._growthbook = GrowthBook(features=features)

    def prepare(self, visitor: EvaluationContext) -> dict[str, Any]:
        return {"id": visitor.targeting_key, **facts_of(visitor)}

    def decide(self, prepared: dict[str, Any]) -> Mapping[str, str]:
        self._growthbook.set_attributes(prepared)
        return {slot: self._growthbook.get_feature_value(slot, "") for slot in self._slots}


def condition(asked: Condition) -> dict[str, Any]:
    """The condition in GrowthBook's MongoDB-like form."""
    match asked:
        case Fact(attribute, test):
            return {name_of(attribute): _test(test)}
        case AllOf(parts):
            return {"$and": [condition(part) for part in parts]}
        case AnyOf(parts):
            return {"$or": [condition(part) for part in parts]}
        case _:
            return {"$nor": [condition(part) for part in asked.parts]}


def _test(test: Any) -> dict[str, Any]:
    match test:
        case OneOf(values):
            return {"$in": words(values)}
        case NotOneOf(values):
            return {"$nin": words(values)}
        case StartsWith(values):
            return {"$regex": "^(" + "|".join(map(re.escape, words(values))) + ")"}
        case Contains(values):
            return {"$regex": "|".join(map(re.escape, words(values)))}
        case Between(low, high):
            ends = {"$gt" if test.open_low else "$gte": low, "$lt" if test.open_high else "$lte": high}
            return {operator: end for operator, end in ends.items() if abs(end) != float("inf")}
    raise TypeError(f"{test} is not in the work")
