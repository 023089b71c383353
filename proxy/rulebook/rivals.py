"""Finds the pairs of experiments in one slot that the same visitor may match.

A slot may have thousands of experiments. So those that share a group, or whose values or ranges of one attribute
exclude each other, are ruled out by bitsets; only the remaining pairs are examined one by one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import accumulate
from operator import or_
from typing import TypeVar

from proxy.conditions.values import texts_of
from proxy.decide.conjunctions import alternatives
from proxy.decide.implication import Conjunction, IsSingle, contradiction, equal_values
from proxy.decide.plan import qualified, schedule_of
from proxy.model import Between, OneOf, Rule, Test

Kind = TypeVar("Kind", OneOf, Between)
Asked = tuple[str, str]
"""An attribute, and of what."""


class Rivals:
    """The experiments of one slot. `apart` has for each experiment a bitset of those that certainly share no visitor
    with it."""

    def __init__(self, rules: Sequence[Rule], is_single: IsSingle) -> None:
        self._rules = rules
        self._is_single = is_single
        self._forms = [forms_of(rule) for rule in rules]
        wanted = [_wanted(forms) for forms in self._forms]
        drawn = [{draw.seed for draw in rule.draws} for rule in rules]
        in_groups = _having(enumerate(drawn))
        self._excluded = [_union(in_groups[seed] for seed in seeds) for seeds in drawn]
        for asked in {asked for each in wanted for asked in each}:
            tests = {number: each[asked] for number, each in enumerate(wanted) if asked in each}
            if is_single(asked[0]):
                self._part_by_words(_of(OneOf, tests))
            self._part_by_numbers(_of(Between, tests))

    def before(self, number: int) -> Iterator[Rule]:
        """The earlier experiments that may share visitors with this one."""
        candidates = ((1 << number) - 1) & ~self._excluded[number]
        while candidates:
            lowest = candidates & -candidates
            candidates ^= lowest
            other = lowest.bit_length() - 1
            if self._may_meet(self._forms[other], self._forms[number]):
                yield self._rules[other]

    def _may_meet(self, one: list[Conjunction], other: list[Conjunction]) -> bool:
        """Whether a visitor may match both, as far as can be known."""
        return any(contradiction(left | right, self._is_single) is None for left in one for right in other)

    def _part_by_words(self, wanted: dict[int, list[OneOf]]) -> None:
        texts = {number: frozenset().union(*map(_texts, tests)) for number, tests in wanted.items()}
        having = _having(texts.items())
        everybody = _union(1 << number for number in texts)
        for number, its in texts.items():
            self._excluded[number] |= everybody & ~_union(having[text] for text in its)

    def _part_by_numbers(self, wanted: dict[int, list[Between]]) -> None:
        lows = sorted((min(test.low for test in tests), number) for number, tests in wanted.items())
        highs = sorted((max(test.high for test in tests), number) for number, tests in wanted.items())
        # of the first n by their highest number, and of all but the first n by their lowest
        below = list(accumulate((1 << number for _, number in highs), or_, initial=0))
        above = list(accumulate((1 << number for _, number in reversed(lows)), or_, initial=0))[::-1]
        for low, number in lows:
            self._excluded[number] |= below[bisect_left(highs, (low, -1))]
        for high, number in highs:
            self._excluded[number] |= above[bisect_right(lows, (high, len(self._rules)))]


def forms_of(rule: Rule) -> list[Conjunction]:
    """The conjunctions of its condition and schedule. A visitor matches if one of them holds."""
    return [
        frozenset(qualified(literal, rule) for literal in literals) | schedule_of(rule)
        for literals in alternatives(rule.condition).conjunctions
    ]


def _wanted(forms: list[Conjunction]) -> dict[Asked, list[Test]]:
    """The distinguishing tests of each conjunction, one for each attribute."""
    each = [
        {
            (literal.attribute, literal.qualifier): literal.test
            for literal in form
            if literal.wanted and isinstance(literal.test, OneOf | Between)
        }
        for form in forms
    ]
    asked = set.intersection(*map(set, each)) if each else set()
    return {one: [tests[one] for tests in each] for one in asked}


def _texts(test: OneOf) -> frozenset[str]:
    """The names of a value that this test accepts."""
    called = (texts_of(reading) for word in test.values for reading in equal_values(word))
    return frozenset(map(str.casefold, test.values)).union(*called)


def _of(kind: type[Kind], wanted: dict[int, list[Test]]) -> dict[int, list[Kind]]:
    """The experiments that have only tests of this kind."""
    ours = {number: [test for test in tests if isinstance(test, kind)] for number, tests in wanted.items()}
    return {number: tests for number, tests in ours.items() if len(tests) == len(wanted[number])}


def _having(several: Iterable[tuple[int, Iterable[str]]]) -> dict[str, int]:
    """For each text a bitset of the experiments that accept it."""
    having: dict[str, int] = defaultdict(int)
    for number, texts in several:
        for text in texts:
            having[text] |= 1 << number
    return having


def _union(bits: Iterable[int]) -> int:
    return reduce(or_, bits, 0)
