"""GoRules' ZEN engine in Rust: a decision table a slot, first hit wins, all five in one compiled decision.

A fact of its own is a cell of its attribute's column; what has groups in it is a cell of one more column that takes any
expression.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from zen import ZenDecisionContent, ZenEngine

from loadtests.rivals import SETS, TEXTS, by_slot, facts_of, name_of, whole, words
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

GROUPS_COLUMN = "groups"
UNKNOWN = {**dict.fromkeys(TEXTS, ""), **{name: [] for name in SETS}}


class Engine:
    def __init__(self, rules: Sequence[Rule]) -> None:
        slots = by_slot(rules)
        self._keys = {slot: f"slot{number}" for number, slot in enumerate(slots)}
        nodes = [{"id": "in", "type": "inputNode", "name": "in"}, {"id": "out", "type": "outputNode", "name": "out"}]
        nodes += [_table(self._keys[slot], ranked) for slot, ranked in slots.items()]
        edges = [_edge("in", key) for key in self._keys.values()] + [_edge(key, "out") for key in self._keys.values()]
        content = ZenDecisionContent(json.dumps({"nodes": nodes, "edges": edges}))
        self._decision = ZenEngine().create_decision(content)

    def prepare(self, visitor: EvaluationContext) -> dict[str, Any]:
        return {**UNKNOWN, **facts_of(visitor)}

    def decide(self, prepared: dict[str, Any]) -> Mapping[str, str]:
        result = self._decision.evaluate(prepared)["result"]
        return {slot: result.get(key) or "" for slot, key in self._keys.items()}


def _table(key: str, rules: Sequence[Rule]) -> dict[str, Any]:
    used = sorted({column for rule in rules for column in _cells(rule)})
    inputs = [{"id": name, "name": name, **({} if name == GROUPS_COLUMN else {"field": name})} for name in used]
    content = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": [{"id": "won", "name": "won", "field": key}],
        "rules": [
            {"_id": rule.name, **dict.fromkeys(used, ""), **_cells(rule), "won": json.dumps(rule.name)}
            for rule in rules
        ],
    }
    return {"id": key, "type": "decisionTableNode", "name": key, "content": content}


def _edge(source: str, target: str) -> dict[str, str]:
    return {"id": f"{source}-{target}", "type": "edge", "sourceId": source, "targetId": target}


def _cells(rule: Rule) -> dict[str, str]:
    condition = whole(rule)
    cells: dict[str, str] = {}
    groups: list[str] = []
    for part in condition.parts if isinstance(condition, AllOf) else (condition,):
        if isinstance(part, Fact) and name_of(part.attribute) not in cells:
            cells[name_of(part.attribute)] = _cell(name_of(part.attribute), part.test)
        else:
            groups.append(expression(part))
    return {**cells, **({GROUPS_COLUMN: " and ".join(groups)} if groups else {})}


def _cell(name: str, test: Any) -> str:
    """A fact as a cell, compared with the column's value `$`."""
    if isinstance(test, OneOf) and name not in SETS:
        return ", ".join(json.dumps(word) for word in words(test.values))
    return _test("$", name, test)


def expression(asked: Condition) -> str:
    """The condition in ZEN's expression language."""
    match asked:
        case Fact(attribute, test):
            return "(" + _test(name_of(attribute), name_of(attribute), test) + ")"
        case AllOf(parts):
            return "(" + " and ".join(map(expression, parts)) + ")"
        case AnyOf(parts):
            return "(" + " or ".join(map(expression, parts)) + ")"
        case _:
            return "not (" + " or ".join(map(expression, asked.parts)) + ")"


def _test(it: str, name: str, test: Any) -> str:
    match test:
        case OneOf(values) if name in SETS:
            return " or ".join(f"contains({it}, {json.dumps(word)})" for word in words(values))
        case OneOf(values):
            return f"{it} in {json.dumps(words(values))}"
        case NotOneOf(values):
            return f"{it} != '' and {it} not in {json.dumps(words(values))}"
        case StartsWith(values):
            return " or ".join(f"startsWith({it}, {json.dumps(word)})" for word in words(values))
        case Contains(values):
            return " or ".join(f"contains({it}, {json.dumps(word)})" for word in words(values))
        case Between(low, high):
            ends = [f"{it} {'>' if test.open_low else '>='} {low}"] if low != float("-inf") else []
            ends += [f"{it} {'<' if test.open_high else '<='} {high}"] if high != float("inf") else []
            return " and ".join(ends)
    raise TypeError(f"{test} is not in the work")
