"""The survivors of a column: the bits left by at least one, and those left by every one of the values that pass some
tests.

One value is tried for all of its kind, which touch the same patterns. For numbers even that may be too many: a schedule
may last while thousands of others begin and end. So the survivors of adjacent ranges are combined in blocks.
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
from proxy.decide.implication import Conjunction, values_that_pass
from proxy.model import AttributeValue, Between

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
