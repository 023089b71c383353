"""json-logic, the language of flagd's targeting, in Python: one `if` chain a slot, which stops at the first rule that
holds. It has nothing to compile ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from json_logic import add_operation, jsonLogic

from loadtests.rivals import SETS, by_slot, facts_of, name_of, whole, words
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

add_operation(
    "starts_with", lambda text, beginning: isinstance(text, str) and text.startswith(beginning)
)  # as flagd has


class Engine:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._slots = {
            slot: {"if": [*(part for rule in ranked for part in (logic(whole(rule)), rule.name)), ""]}
            for slot, ranked in by_slot(rules).items()
        }

    def prepare(self, visitor: EvaluationContext) -> dict[str, Any]:
        return facts_of(visitor)

    def decide(self, prepared: dict[str, Any]) -> Mapping[str, str]:
        return {slot: jsonLogic(chain, prepared) for slot, chain in self._slots.items()}


def logic(asked: Condition) -> dict[str, Any]:
    """The condition in json-logic."""
    match asked:
        case Fact(attribute, test):
            return _test(name_of(attribute), test)
        case AllOf(parts):
            return {"and": [logic(part) for part in parts]}
        case AnyOf(parts):
            return {"or": [logic(part) for part in parts]}
        case _:
            return {"!": {"or": [logic(part) for part in asked.parts]}}


def _test(name: str, test: Any) -> dict[str, Any]:
    it = {"var": name}
    match test:
        case OneOf(values) if name in SETS:
            return _any_of({"in": [word, it]} for word in words(values))
        case OneOf(values):
            return {"in": [it, words(values)]}
        case NotOneOf(values):
            return {"and": [it, {"!": {"in": [it, words(values)]}}]}
        case StartsWith(values):
            return _any_of({"starts_with": [it, word]} for word in words(values))
        case Contains(values):
            return _any_of({"in": [word, it]} for word in words(values))
        case Between(low, high):
            ends = [{">" if test.open_low else ">=": [it, low]}] if low != float("-inf") else []
            ends += [{"<" if test.open_high else "<=": [it, high]}] if high != float("inf") else []
            return {"and": ends} if len(ends) > 1 else ends[0]
    raise TypeError(f"{test} is not in the work")


def _any_of(tests: Any) -> dict[str, Any]:
    either = list(tests)
    return {"or": either} if len(either) > 1 else either[0]
