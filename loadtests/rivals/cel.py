"""Google's Common Expression Language in Rust: one compiled program a rule, tried in rank order on one shared context.

Handing each program the visitor as a dict, as in the package's first example, takes 40 times longer than the context. A
chain of `condition ? rule : ...` would be one call for a whole slot, but the parser refuses more than some 90 links.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import cel

from loadtests.rivals import NUMBERS, SETS, TEXTS, by_slot, facts_of, name_of, whole, words
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

UNKNOWN = {**dict.fromkeys(TEXTS, ""), **dict.fromkeys(NUMBERS, float("nan")), **{name: [] for name in SETS}}


class Engine:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self._slots = {
            slot: [(cel.compile(expression(whole(rule))), rule.name) for rule in ranked]
            for slot, ranked in by_slot(rules).items()
        }

    def prepare(self, visitor: EvaluationContext) -> dict[str, Any]:
        return {**UNKNOWN, **facts_of(visitor)}

    def decide(self, prepared: dict[str, Any]) -> Mapping[str, str]:
        context = cel.Context(prepared)
        return {slot: self._first(programs, context) for slot, programs in self._slots.items()}

    def _first(self, programs: list[tuple[Any, str]], context: Any) -> str:
        for program, name in programs:
            if program.execute(context):
                return name
        return ""


def expression(asked: Condition) -> str:
    """The condition as CEL."""
    match asked:
        case Fact(attribute, test):
            return _test(name_of(attribute), test)
        case AllOf(parts):
            return "(" + " && ".join(map(expression, parts)) + ")"
        case AnyOf(parts):
            return "(" + " || ".join(map(expression, parts)) + ")"
        case _:
            return "!(" + " || ".join(map(expression, asked.parts)) + ")"


def _test(name: str, test: Any) -> str:
    match test:
        case OneOf(values) if name in SETS:
            return "(" + " || ".join(f"{json.dumps(word)} in {name}" for word in words(values)) + ")"
        case OneOf(values):
            return f"{name} in {json.dumps(words(values))}"
        case NotOneOf(values):
            return f'({name} != "" && !({name} in {json.dumps(words(values))}))'
        case StartsWith(values):
            return "(" + " || ".join(f"{name}.startsWith({json.dumps(word)})" for word in words(values)) + ")"
        case Contains(values):
            return "(" + " || ".join(f"{name}.contains({json.dumps(word)})" for word in words(values)) + ")"
        case Between(low, high):
            ends = [f"{name} {'>' if test.open_low else '>='} {low!r}"] if low != float("-inf") else []
            ends += [f"{name} {'<' if test.open_high else '<='} {high!r}"] if high != float("inf") else []
            return "(" + " && ".join(ends) + ")"
    raise TypeError(f"{test} is not in the work")
