"""Conditions as a tree of operators, for programs: the studio, the API, generators of rules.

    {"all": [{"attribute": "country", "operator": "in", "value": ["NL", "NO"]},
             {"any": [{"attribute": "orders", "operator": "gte", "value": 3},
                      {"attribute": "segment", "operator": "in", "value": ["VIP"]}]}]}

The condition is exactly the one that an editor's phrases give: `tree_of` writes it, `read_tree` reads it back. Groups
are `all`, `any` and `none`; operators are the rows of `OPERATORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import msgspec

from proxy.conditions.derived import MARK, base_of
from proxy.conditions.localtime import clock_text
from proxy.conditions.nodes import ListNode, MapNode, Node, Scalar, as_list, unknown_word
from proxy.conditions.phrase import Phrase
from proxy.diagnostics import Finding, did_you_mean
from proxy.model import (
    EVERYBODY,
    AllOf,
    AnyOf,
    Between,
    Condition,
    Contains,
    Fact,
    IsKnown,
    Measure,
    NoneOf,
    NotOneOf,
    OneOf,
    Period,
    Reading,
    StartsWith,
    Test,
    Then,
    WithinHours,
)

Tree = dict[str, Any]
"""Plain JSON values."""

GROUPS: dict[str, Callable[[tuple[Condition, ...]], Condition]] = {"all": AllOf, "any": AnyOf, "none": NoneOf}
OPERATORS = {
    "in": "is, or holds, one of the words",
    "not_in": "is known and none of the words",
    "starts_with": "begins with one of the words",
    "contains": "contains one of the words",
    "known": "is known",
    "unknown": "is not known",
    "eq": "is the number",
    "gte": "is the number or more",
    "gt": "is more than the number",
    "lte": "is the number or less",
    "lt": "is less than the number",
    "between": "lies between two numbers; `open` names the ends that don't count: low, high",
    "hours": "lies between two times of day, the second not included",
}
_WORDS = ("attribute", "operator")


class _Asked(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A test as it is written; `value` is one text or several, numbers among them."""

    operator: str
    value: str | list[str] = msgspec.field(default_factory=list)
    open: list[str] = msgspec.field(default_factory=list)
    unit: str = ""


class _Measured(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A measure as it is written: the fields of `model.Measure`, lengths of time None when without end."""

    reading: Reading
    kinds: tuple[str, ...]
    within_seconds: float | None = None
    where: tuple[tuple[str, _Asked], ...] = ()
    period: Period = Period.EVER
    timezone: str = "UTC"
    of: str = "product"
    then: Then | None = None
    points: tuple[tuple[str, float], ...] = ()
    half_life_seconds: float | None = None
    cap: float | None = None
    grades: tuple[float, ...] = ()


class _Fact(_Asked, omit_defaults=True, forbid_unknown_fields=True):
    """A fact as it is written."""

    attribute: str = ""
    text: str = ""
    measure: _Measured | None = None


# -- writing


def tree_of(condition: Condition) -> Tree:
    """The condition as plain JSON values."""
    match condition:
        case Fact(attribute, test, text, _, measure):
            tree = {"attribute": attribute, **_written(test)}
            more = {"text": text, "measure": _measured(measure) if measure else None}
            return tree | {name: value for name, value in more.items() if value}
        case AllOf(parts):
            return {"all": [tree_of(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [tree_of(part) for part in parts]}
        case NoneOf(parts):
            return {"none": [tree_of(part) for part in parts]}


def _written(test: Test) -> Tree:
    match test:
        case OneOf(values) | NotOneOf(values):
            return {"operator": "in" if isinstance(test, OneOf) else "not_in", "value": sorted(values)}
        case StartsWith(values) | Contains(values):
            return {"operator": "starts_with" if isinstance(test, StartsWith) else "contains", "value": list(values)}
        case IsKnown(wanted):
            return {"operator": "known" if wanted else "unknown"}
        case WithinHours(start, end):
            return {"operator": "hours", "value": [clock_text(start), clock_text(end)]}
        case Between():
            return _range_written(test) | ({"unit": test.unit} if test.unit else {})


def _range_written(test: Between) -> Tree:
    """By the operator that says it shortest."""
    for operator, low, high in (
        ("eq", test.low, test.low), ("gte", test.low, inf), ("gt", test.low, inf),
        ("lte", -inf, test.high), ("lt", -inf, test.high),
    ):  # fmt: skip
        value = test.low if operator in ("eq", "gte", "gt") else test.high
        made = Between(low, high, operator == "gt", operator == "lt", test.unit)
        if made == test and abs(value) < inf:
            return {"operator": operator, "value": value}
    ends = [end for end, is_open in (("low", test.open_low), ("high", test.open_high)) if is_open]
    tree: Tree = {"operator": "between", "value": [_number(test.low), _number(test.high)]}
    return tree | ({"open": ends} if ends else {})


def _number(number: float) -> float | str:
    return number if abs(number) < inf else str(number)  # JSON has no infinity


def _measured(measure: Measure) -> Tree:
    tree: Tree = {"reading": measure.reading.value, "kinds": list(measure.kinds)}
    if measure.where:
        tree["where"] = [[field, _written(test)] for field, test in measure.where]
    if measure.then:
        tree["then"] = msgspec.to_builtins(measure.then) | {"within_seconds": _number(measure.then.within_seconds)}
    for name in ("within_seconds", "half_life_seconds", "cap"):
        if (value := getattr(measure, name)) < inf:
            tree[name] = value
    plain = Measure(measure.reading, measure.kinds)
    for name in ("period", "timezone", "of", "points", "grades"):
        if (value := getattr(measure, name)) != getattr(plain, name):
            tree[name] = msgspec.to_builtins(value)
    return tree


# -- reading


def is_tree(table: MapNode) -> bool:
    """Whether lines are a tree's rather than phrases."""
    words = {entry.key.text for entry in table.entries}
    return set(_WORDS) <= words or (len(words) == 1 and words <= GROUPS.keys())


def read_tree(table: MapNode, words: Mapping[str, Phrase], findings: list[Finding]) -> Condition:
    """The condition of a tree; what cannot be read becomes a finding."""
    first = table.entries[0]
    if first.key.text in GROUPS:
        items = as_list(first.value, f'"{first.key.text}"', findings)
        return GROUPS[first.key.text](tuple(_part(item, words, findings) for item in (items.items if items else ())))
    try:
        asked = msgspec.convert(plain(table), _Fact, strict=False)
        test = _test(asked)
    except (msgspec.ValidationError, ValueError) as error:
        help = f"write one of the operators {', '.join(OPERATORS)}, with its value"
        findings.append(Finding("R304", f"this is no fact: {error}", table.place, help))
        return EVERYBODY
    _check(asked, test, table, words, findings)
    measure = _measure(asked.measure) if asked.measure else None
    return Fact(asked.attribute, test, asked.text, first.key.place, measure)


def plain(node: Node) -> Any:
    """A node as plain JSON values; every scalar is its text."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {entry.key.text: plain(entry.value) for entry in node.entries}


def _part(node: Node, words: Mapping[str, Phrase], findings: list[Finding]) -> Condition:
    if isinstance(node, MapNode) and is_tree(node):
        return read_tree(node, words, findings)
    help = 'write {"attribute": ..., "operator": ..., "value": ...}, or a group: all, any, none'
    findings.append(Finding("R104", "each part of a tree is a fact or a group", node.place, help))
    return EVERYBODY


def _test(asked: _Asked) -> Test:
    """The test. Raises `ValueError`."""
    values = asked.value if isinstance(asked.value, list) else [asked.value]
    match asked.operator:
        case "in":
            return OneOf(frozenset(values))
        case "not_in":
            return NotOneOf(frozenset(values))
        case "starts_with":
            return StartsWith(tuple(values))
        case "contains":
            return Contains(tuple(values))
        case "known" | "unknown":
            return IsKnown(asked.operator == "known")
        case "hours":
            start, end = (hour * 60 + minute for hour, minute in (map(int, value.split(":")) for value in values))
            return WithinHours(start, end)
        case "between":
            low, high = map(float, values)
            return Between(low, high, "low" in asked.open, "high" in asked.open, asked.unit)
        case "eq" | "gte" | "gt" | "lte" | "lt":
            (number,) = map(float, values)
            low = number if asked.operator in ("eq", "gte", "gt") else -inf
            high = number if asked.operator in ("eq", "lte", "lt") else inf
            return Between(low, high, asked.operator == "gt", asked.operator == "lt", asked.unit)
    raise ValueError(f"there is no operator `{asked.operator}`")


def _measure(asked: _Measured) -> Measure:
    return Measure(
        asked.reading,
        asked.kinds,
        inf if asked.within_seconds is None else asked.within_seconds,
        tuple((field, _test(test)) for field, test in asked.where),
        asked.period,
        asked.timezone,
        asked.of,
        asked.then,
        asked.points,
        inf if asked.half_life_seconds is None else asked.half_life_seconds,
        inf if asked.cap is None else asked.cap,
        asked.grades,
    )


def _check(asked: _Fact, test: Test, table: MapNode, words: Mapping[str, Phrase], findings: list[Finding]) -> None:
    """Findings for an attribute that nobody has, and for names that nobody described."""
    known = {phrase.attribute: phrase for phrase in words.values()}
    attribute = asked.attribute if asked.attribute in known else base_of(asked.attribute)
    entry = next(entry for entry in table.entries if entry.key.text == "attribute")
    if attribute not in known and attribute.partition(".")[0] not in known and asked.measure is None:
        word = entry.value if isinstance(entry.value, Scalar) else entry.key
        bases = [name for name in known if MARK not in name]
        findings.append(unknown_word(word, "a condition", bases))
    elif isinstance(test, OneOf | NotOneOf) and attribute in ("segment", "journey stage"):
        choices = known[attribute].choices if attribute in known else ()
        folded = {choice.casefold() for choice in choices}
        for value in sorted(value for value in test.values if value.casefold() not in folded):
            help = did_you_mean(value, choices) if choices else "describe it first"
            findings.append(Finding("R302", f'there is no {attribute} "{value}"', entry.value.place, help))
