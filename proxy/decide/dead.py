"""Finds dead rules: those that can never show, because their conditions contradict one another, or because rules above
win for every visitor that they fit.

It uses the bitsets that decide. A conjunction allows certain values of each attribute that it tests; a column gives the
bits that survive each of these values. A bit of a higher rule that survives all of them, and tests nothing else, covers
the conjunction. If no single bit does, several together may: each combination of values is tried.

It never reports a rule that can show. What is uncertain (sets, beginnings, words that no rule names) counts only if one
test clearly implies another, and rules with random shares, caps, layers or rows that may have no products never count
as covering.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby, product
from math import inf, nextafter, prod
from operator import and_, or_
from typing import NamedTuple

from proxy.bucketing import BUCKETS
from proxy.decide.column import Column, ends_of
from proxy.decide.conjunctions import Literal, alternatives
from proxy.decide.implication import (
    Conjunction,
    IsSingle,
    by_attribute,
    contradiction,
    implies,
    passing_text,
    values_that_pass,
    with_implied,
)
from proxy.decide.layout import ColumnKey, Layout
from proxy.decide.plan import qualified, rank, schedule_of
from proxy.model import AttributeValue, Between, Rule

# -- The survivors of a column: the bits left by at least one, and those left by every one of the values that pass some
# tests.
# One value is tried for all of its kind, which touch the same patterns. For numbers even that may be too many: a
# schedule may last while thousands of others begin and end. So the survivors of adjacent ranges are combined in blocks.

MOST_SAMPLES = 256
LARGEST = sys.float_info.max
_STRIDE = 64


class Survivors(NamedTuple):
    """The bits left by at least one of the values (`any_value`), the bits left by every one (`all_values`), and one
    value of each kind as `samples` (empty if there are too many)."""

    any_value: int
    all_values: int
    samples: Sequence[AttributeValue]


class SurvivorFinder:
    """Finds the survivors in one column. `is_single`: its attribute has at most one value."""

    def __init__(self, column: Column, is_single: bool) -> None:
        self.column = column
        self._is_single = is_single
        self._cache: dict[Conjunction, Survivors | None] = {}
        self._any, self._all = _CombinedRanges(column.ranges, or_), _CombinedRanges(column.ranges, and_)

    def of(self, literals: Conjunction) -> Survivors | None:
        """The survivors of all values that satisfy the literals; None if it is not certain which values do."""
        if literals not in self._cache:
            self._cache[literals] = self._of_numbers(literals) or self._of_values(literals)
        return self._cache[literals]

    def _of_values(self, literals: Conjunction) -> Survivors | None:
        kinds = values_that_pass(tuple(literals), self.column.breaks, self._is_single)
        if kinds is None:
            return None
        each = [self.column.bits(kind) for kind in kinds]
        return Survivors(reduce(or_, each), reduce(and_, each), kinds if len(kinds) <= MOST_SAMPLES else ())

    def _of_numbers(self, literals: Conjunction) -> Survivors | None:
        """For tests of ranges only: the numbers that satisfy them are adjacent ranges of the column."""
        breaks, (first, last) = self.column.breaks, _span(literals, self.column.breaks)
        if first > last:
            return None
        kinds = [_number_in(place, breaks) for place in range(first, last + 1)] if last - first < MOST_SAMPLES else ()
        return Survivors(self._any.over(first, last), self._all.over(first, last), kinds)


def _span(literals: Conjunction, breaks: Sequence[float]) -> tuple[int, int]:
    """The first and the last of the column's ranges whose numbers satisfy the literals; the last is before the first if
    there are none, or if a literal is not a range."""
    first, last = bisect_left(breaks, -LARGEST), bisect_left(breaks, LARGEST)
    for literal in literals:
        if not (literal.wanted and isinstance(literal.test, Between)):
            return 1, 0
        above, up_to = ends_of(literal.test)
        first, last = max(first, bisect_right(breaks, above)), min(last, bisect_left(breaks, up_to))
    return first, last


def _number_in(place: int, breaks: Sequence[float]) -> float:
    """A number of the range."""
    return breaks[place] if place < len(breaks) and breaks[place] < inf else nextafter(breaks[place - 1], inf)


class _CombinedRanges:
    """Combines the bits of adjacent ranges by an operation, in blocks."""

    def __init__(self, ranges: Sequence[int], operation: Callable[[int, int], int]) -> None:
        self._ranges = ranges
        self._operation = operation
        self._strides = [reduce(operation, ranges[at : at + _STRIDE]) for at in range(0, len(ranges), _STRIDE)]

    def over(self, first: int, last: int) -> int:
        """The bits of the ranges from the first to the last, combined."""
        begin, end = -(-first // _STRIDE), (last + 1) // _STRIDE
        if begin >= end:
            return reduce(self._operation, self._ranges[first : last + 1])
        edges = (*self._ranges[first : begin * _STRIDE], *self._ranges[end * _STRIDE : last + 1])
        return reduce(self._operation, edges, reduce(self._operation, self._strides[begin:end]))


MAX_COMBINATIONS = MOST_SAMPLES


@dataclass(frozen=True, slots=True)
class DeadRule:
    """A rule that can never show. `covered_by` are the rules above it that win for everybody it fits. Without any, it
    fits nobody: `contradiction` is the attribute that would need two values at once, "" if its share is 0."""

    rule: Rule
    covered_by: tuple[Rule, ...] = ()
    contradiction: str = ""


def dead_rules(
    rules: Iterable[Rule], is_single: IsSingle, make_way: Container[str] = frozenset()
) -> Iterator[DeadRule]:
    """The rules that can never show. `is_single` says of an attribute whether it has at most one value; the variants
    that `make_way` may have nothing to show."""
    in_rank = sorted(rules, key=lambda rule: (rule.slot, rank(rule)))
    for _, of_slot in groupby(in_rank, key=lambda rule: rule.slot):
        yield from _Slot(list(of_slot), is_single, make_way).dead()


class _Slot:
    """The rules of one slot, best first, with one bit per conjunction."""

    def __init__(self, rules: Sequence[Rule], is_single: IsSingle, make_way: Container[str]) -> None:
        self._rules = rules
        self._is_single = is_single
        self._tested_by: dict[ColumnKey, int] = defaultdict(int)
        self._groups: dict[ColumnKey, dict[Conjunction, int]] = defaultdict(lambda: defaultdict(int))
        self._group_of: dict[ColumnKey, dict[int, Conjunction]] = defaultdict(dict)
        self._lines: list[list[tuple[int, Conjunction]]] = []
        self._rule_of: dict[int, Rule] = {}
        self._certain = 0
        asking: dict[frozenset[ColumnKey], int] = defaultdict(int)
        layout = Layout()
        for rule in rules:
            found = alternatives(rule.condition)
            takes_all = not found.left_out and rule.variant not in make_way and _wins_for_certain(rule)
            lines = []
            for literals in found.conjunctions:
                conjunction = frozenset(qualified(literal, rule) for literal in literals) | schedule_of(rule)
                bit = layout.add_conjunction(conjunction)
                lines.append((bit, conjunction))
                self._rule_of[bit] = rule
                self._certain |= bit if takes_all else 0
                tests = by_attribute(conjunction)
                asking[frozenset(tests)] |= bit
                for key, group in tests.items():
                    self._tested_by[key] |= bit
                    self._groups[key][frozenset(group)] |= bit
                    self._group_of[key][bit] = frozenset(group)
            self._lines.append(lines)
        self._surviving = {key: SurvivorFinder(column, is_single(key[0])) for key, column in layout.columns().items()}

        self._asking: dict[ColumnKey | None, dict[frozenset[ColumnKey], int]] = defaultdict(dict)
        for keys, bits in asking.items():  # by the key that the fewest test, so that few are looked through
            rarest = min(keys, key=lambda key: self._tested_by[key].bit_count(), default=None)
            self._asking[rarest][keys] = bits

    def dead(self) -> Iterator[DeadRule]:
        above = 0
        for rule, lines in zip(self._rules, self._lines, strict=True):
            if _is_for_nobody(rule):
                yield DeadRule(rule)
            else:
                yield from self._dead(rule, lines, above & self._certain)
            above |= reduce(or_, (bit for bit, _ in lines), 0)

    def _dead(self, rule: Rule, lines: Sequence[tuple[int, Conjunction]], above: int) -> Iterator[DeadRule]:
        taken_by: dict[str, Rule] = {}
        attribute = ""
        for _, conjunction in lines:
            wrong = contradiction(conjunction, self._is_single)
            if wrong is not None:
                attribute = wrong
                continue
            bits = self._covering(conjunction, above) if above else ()
            if not bits:
                return
            taken_by |= {self._rule_of[bit].name: self._rule_of[bit] for bit in bits}
        yield DeadRule(rule, tuple(taken_by.values()), "" if taken_by else attribute)

    def _covering(self, conjunction: Conjunction, above: int) -> Sequence[int]:
        """The bits among `above` that together cover the conjunction; none if a visitor may be left."""
        tests = by_attribute(with_implied(conjunction))
        near = [self._asking[key] for key in (None, *tests) if key in self._asking]
        above &= reduce(or_, (bits for asking in near for keys, bits in asking.items() if keys <= tests.keys()), 0)
        alone = -1
        choices: list[tuple[Column, Sequence[AttributeValue]]] = []
        for key, literals in tests.items():
            if not above:
                return ()
            surviving = self._surviving.get(key)
            survivors = surviving.of(frozenset(literals)) if surviving else None
            if surviving and survivors:
                above &= survivors.any_value
                alone &= survivors.all_values
                choices.append((surviving.column, survivors.samples))
            else:
                above &= ~self._tested_by[key] | self._implied(key, literals, above)
        if alone & above:
            return [alone & above & -(alone & above)]
        return _covering_together(choices, above)

    def _implied(self, key: ColumnKey, literals: Sequence[Literal], among: int) -> int:
        """The bits whose tests of the attribute are all implied by the literals. An implied test holds for every value
        that passes the literals, so one such value leaves few bits to check."""
        near, text = among & self._tested_by[key], passing_text(literals)
        if near and text is not None:
            near &= self._surviving[key].column.bits(text)
        found = 0
        while near:
            group = self._group_of[key][near & -near]
            bits = self._groups[key][group]
            if all(any(implies(given, wanted) for given in literals) for wanted in group):
                found |= bits
            near &= ~bits
        return found


def _covering_together(choices: Sequence[tuple[Column, Sequence[AttributeValue]]], above: int) -> Sequence[int]:
    """The bits that together cover every combination of values; none if some combination is not covered."""
    if not (above and 0 < prod(len(values) for _, values in choices) <= MAX_COMBINATIONS):
        return ()
    found: dict[int, None] = {}
    for combination in product(*[[column.bits(value) for value in values] for column, values in choices]):
        left = reduce(and_, combination, above)
        if not left:
            return ()
        found[left & -left] = None
    return list(found)


# -- which rules win for certain


def _wins_for_certain(rule: Rule) -> bool:
    """Whether the rule fills its slot whenever its condition holds. (A visitor held out of it sees no other rule.)"""
    everybody = all(draw.low == 0 and draw.steps == ((-inf, BUCKETS),) for draw in rule.draws)
    return everybody and not (rule.caps or rule.layer or rule.experiment or rule.paused)


def _is_for_nobody(rule: Rule) -> bool:
    if any(all(end <= draw.low for _, end in draw.steps) for draw in rule.draws):
        return True
    return rule.experiment is not None and not any(arm.share for arm in rule.experiment.arms)
