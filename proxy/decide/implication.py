"""Implications between tests of one attribute: which values pass them all, whether none does, and whether one test
implies another. Conservative: if something is not certain, the answer is no."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from math import inf, isfinite, nextafter

from proxy.conditions.values import MINUTES_A_DAY, folded, holds
from proxy.decide.column import TRUTH_WORDS
from proxy.decide.conjunctions import Literal
from proxy.decide.layout import ColumnKey
from proxy.decide.plan import VERIFIED
from proxy.model import AttributeValue, Between, Contains, IsKnown, NotOneOf, OneOf, StartsWith, WithinHours

MOST_CACHED = 4_096
"""Sets of literals for which `_is_contradictory` is cached: many rules have the same tests."""

Conjunction = frozenset[Literal]
_NO_WORD = "\0"
IsSingle = Callable[[str], bool]
"""Says of an attribute, by its name, whether it has at most one value (never a set)."""


def contradiction(conjunction: Iterable[Literal], is_single: IsSingle) -> str | None:
    """The attribute for which the literals contradict one another; None if no contradiction is found."""
    for (attribute, _), literals in by_attribute(conjunction).items():
        if _is_contradictory(frozenset(literals), is_single(attribute)):
            return attribute
    return None


def values_that_pass(
    literals: Sequence[Literal], breaks: Sequence[float], is_single: bool
) -> list[AttributeValue] | None:
    """A value of every kind that passes all the literals; None unless it is certain that there are no other kinds.
    Values of one kind leave the same bits of a column; `breaks` are those of the column."""
    candidates: list[AttributeValue] = []
    for literal in literals:
        if not literal.wanted or not (is_single or isinstance(literal.test, Between | WithinHours)):
            continue
        if isinstance(literal.test, OneOf):
            candidates = [value for word in sorted(literal.test.values) for value in equal_values(word)]
            break
        if isinstance(literal.test, Between):
            candidates = [point for point in (*breaks, _above_all(breaks)) if isfinite(point)]
            break
        if isinstance(literal.test, WithinHours):
            candidates = [point for point in (*breaks, MINUTES_A_DAY - 1.0) if 0 <= point < MINUTES_A_DAY]
            break
    passing = [value for value in candidates if all(holds(each.test, value) == each.wanted for each in literals)]
    return passing or None


def _above_all(breaks: Sequence[float]) -> float:
    finite = [point for point in breaks if isfinite(point)]
    return nextafter(finite[-1], inf) if finite else 0.0


def passing_text(literals: Collection[Literal]) -> str | None:
    """A text that passes all the literals, if one is found. It passes every test that they imply."""
    words = [
        next(iter(each.test.values))
        for each in literals
        if each.wanted and isinstance(each.test, OneOf | StartsWith | Contains) and each.test.values
    ]
    for text in (*words, _NO_WORD):
        if all(holds(each.test, text) == each.wanted for each in literals):
            return text
    return None


def equal_values(word: str) -> list[AttributeValue]:
    """The values that equal a word: the text, and maybe a number or a truth value."""
    readings: list[AttributeValue] = [word.casefold()]
    try:
        number = float(word)
        readings += [number] if number % 1 == 0 else [number - 4e-7, number, number + 4e-7]
    except ValueError:
        if word.casefold() in TRUTH_WORDS:
            readings.append(word.casefold() in ("yes", "true"))
    return readings


@lru_cache(MOST_CACHED)
def _is_contradictory(literals: Conjunction, is_single: bool) -> bool:
    for literal in literals:
        if literal.wanted and isinstance(literal.test, OneOf) and is_single:
            values = [value for word in literal.test.values for value in equal_values(word)]
            if not any(all(holds(each.test, value) == each.wanted for each in literals) for value in values):
                return True
    if any(each.wanted and isinstance(each.test, Between) for each in literals):
        numbers = [point for each in literals for point in _numbers_around(each)]
        if not any(all(holds(each.test, number) == each.wanted for each in literals) for number in numbers):
            return True
    hours = [each for each in literals if isinstance(each.test, WithinHours)]
    if len(hours) > 1 and not any(
        all(holds(each.test, float(minute)) == each.wanted for each in hours) for minute in range(MINUTES_A_DAY)
    ):
        return True
    return any(_excludes(one, other) for one in literals for other in literals if one is not other)


def _numbers_around(literal: Literal) -> list[float]:
    """Numbers on both sides of every point where the test's result may change."""
    if isinstance(literal.test, Between):
        ends = [end for end in (literal.test.low, literal.test.high) if isfinite(end)]
        return [0.0, *(point for end in ends for point in (end, nextafter(end, inf), nextafter(end, -inf)))]
    if not isinstance(literal.test, OneOf | NotOneOf):
        return [0.0]
    words = [reading for word in literal.test.values for reading in equal_values(word) if isinstance(reading, float)]
    return [0.0, *(point for number in words for point in (number, number - 1e-6, number + 1e-6))]


def _excludes(one: Literal, other: Literal) -> bool:
    """Whether certainly no value, not even a set, satisfies both."""
    if one.wanted and one.test == IsKnown(False):
        return other.wanted and isinstance(other.test, OneOf | StartsWith | Contains | Between | WithinHours)
    if not (one.wanted and isinstance(one.test, OneOf)):
        return one.test == other.test and one.wanted != other.wanted
    is_ruled_out = isinstance(other.test, NotOneOf) if other.wanted else isinstance(other.test, OneOf)
    return is_ruled_out and _folded(one) <= _folded(other)


def implies(given: Literal, wanted: Literal) -> bool:
    """Whether certainly every value that satisfies `given` satisfies `wanted`."""
    if given == wanted:
        return True
    match given.test, wanted.test, given.wanted, wanted.wanted:
        case OneOf(), OneOf(), True, True:
            return _folded(given) <= _folded(wanted)
        case (
            (NotOneOf(), NotOneOf(), True, True) | (OneOf(), OneOf(), False, False) | (NotOneOf(), OneOf(), True, False)
        ):
            return _folded(wanted) <= _folded(given)
        case OneOf(words) | StartsWith(words), StartsWith(beginnings), True, True if _are_texts(given):
            return all(folded(word).startswith(tuple(map(folded, beginnings))) for word in words)
        case OneOf(words) | StartsWith(words) | Contains(words), Contains(parts), True, True if _are_texts(given):
            return all(any(folded(part) in folded(word) for part in parts) for word in words)
        case OneOf() | StartsWith() | Contains() | Between() | WithinHours(), IsKnown(True), True, True:
            return True
    return False


def _are_texts(literal: Literal) -> bool:
    """Whether only texts satisfy it (`4` also equals a number, which has no beginning)."""
    words = literal.test.values if isinstance(literal.test, OneOf) else ()
    return all(len(equal_values(word)) == 1 for word in words)


def _folded(literal: Literal) -> frozenset[str]:
    values = literal.test.values if isinstance(literal.test, OneOf | NotOneOf) else ()
    return frozenset(map(folded, values))


def with_implied(conjunction: Conjunction) -> Conjunction:
    """The literals and those that they imply: a visitor who is verified to be in a segment is in it."""
    return conjunction | {
        Literal(each.attribute, each.test)
        for each in conjunction
        if each.qualifier == VERIFIED and each.wanted and isinstance(each.test, OneOf)
    }


def by_attribute(conjunction: Iterable[Literal]) -> dict[ColumnKey, list[Literal]]:
    found: dict[ColumnKey, list[Literal]] = defaultdict(list)
    for literal in conjunction:
        found[literal.attribute, literal.qualifier].append(literal)
    return found
