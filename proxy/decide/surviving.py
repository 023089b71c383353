"""Which bits of a column survive the values that pass some tests: those that survive any value, and those that survive
every one.

One value stands for all of its kind, those that meet the same patterns. Of thousands of schedules no two need begin at
the same minute, and then each lasts while thousands of others begin and end. So numbers are not gone through: what
survives a stretch of them is kept for every few of a column's ranges.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import reduce
from math import inf, nextafter
from operator import and_, or_
from typing import NamedTuple

from proxy.decide.column import Column, ends_of
from proxy.decide.following import Conjunction, values_that_pass
from proxy.model import AttributeValue, Between

MOST_KINDS = 256
LARGEST = sys.float_info.max
_STRIDE = 64


class Survivors(NamedTuple):
    """The bits that survive `some` value, those that survive `every` value, and one value of each of the `kinds` (empty
    if there are too many to try)."""

    some: int
    every: int
    kinds: Sequence[AttributeValue]


class Surviving:
    """Finds the survivors of a column. `is_single`: its attribute has at most one value."""

    def __init__(self, column: Column, is_single: bool) -> None:
        self.column = column
        self._is_single = is_single
        self._known: dict[Conjunction, Survivors | None] = {}
        self._any, self._all = _Stretches(column.ranges, or_), _Stretches(column.ranges, and_)

    def of(self, literals: Conjunction) -> Survivors | None:
        """The survivors of the values that pass all the literals; None if it is not certain which values pass."""
        if literals not in self._known:
            self._known[literals] = self._of_numbers(literals) or self._of_values(literals)
        return self._known[literals]

    def _of_values(self, literals: Conjunction) -> Survivors | None:
        kinds = values_that_pass(tuple(literals), self.column.breaks, self._is_single)
        if kinds is None:
            return None
        each = [self.column.bits(kind) for kind in kinds]
        return Survivors(reduce(or_, each), reduce(and_, each), kinds if len(kinds) <= MOST_KINDS else ())

    def _of_numbers(self, literals: Conjunction) -> Survivors | None:
        """For tests of numbers between two ends: the values that pass are adjacent ranges."""
        breaks, (first, last) = self.column.breaks, _stretch(literals, self.column.breaks)
        if first > last:
            return None
        kinds = [_number_in(place, breaks) for place in range(first, last + 1)] if last - first < MOST_KINDS else ()
        return Survivors(self._any.over(first, last), self._all.over(first, last), kinds)


def _stretch(literals: Conjunction, breaks: Sequence[float]) -> tuple[int, int]:
    """The first and the last range whose numbers pass all the literals; the last is before the first if there are none,
    or if something else is tested."""
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


class _Stretches:
    """Combines adjacent ranges by an operation, many at a time."""

    def __init__(self, ranges: Sequence[int], operation: Callable[[int, int], int]) -> None:
        self._ranges = ranges
        self._operation = operation
        self._strides = [reduce(operation, ranges[at : at + _STRIDE]) for at in range(0, len(ranges), _STRIDE)]

    def over(self, first: int, last: int) -> int:
        """The first to the last range, combined."""
        begin, end = -(-first // _STRIDE), (last + 1) // _STRIDE
        if begin >= end:
            return reduce(self._operation, self._ranges[first : last + 1])
        edges = (*self._ranges[first : begin * _STRIDE], *self._ranges[end * _STRIDE : last + 1])
        return reduce(self._operation, edges, reduce(self._operation, self._strides[begin:end]))
