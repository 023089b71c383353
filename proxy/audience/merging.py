"""Merge rules: which value of an attribute counts when there are several, set at different times, by different devices
of one person, by events and imports. One rule for each attribute; `newest` by default.

Its law: the result does not depend on the order or number of the values, or on how they were grouped; so devices may be
joined and parted, and profiles rebuilt, in any order.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.conditions.values import number_text
from proxy.model import AttributeValue, Stamp

MOST_RULES = 50
"""What has a rule is never forgotten, so it is not without end."""
MOST_MEMBERS = 100


class Merge(enum.StrEnum):
    """How the value of an attribute is chosen among several."""

    NEWEST = "newest"  # an import is the latest word on all attributes; of the other rules it is a word like any
    OLDEST = "oldest"
    HIGHEST = "highest"  # of numbers, and of yes and no the yes
    LOWEST = "lowest"
    ALL = "all"  # as a set, the first `MOST_MEMBERS` in the alphabet
    OWN = "own"  # the last value reported of the person; of a device only while there is nothing else


Rules = Mapping[str, Merge]
"""By attribute; `NEWEST` is not among them."""

NO_RULES: Rules = {}


@dataclass(frozen=True, slots=True)
class StampedValue:
    """A value of an attribute, when and by which event it was set, and whether for the person or for a device."""

    stamp: Stamp
    value: AttributeValue
    is_own: bool = True


def merge_values(rule: Merge, one: StampedValue, other: StampedValue | None) -> StampedValue:
    """The one of two values that counts."""
    if other is None:
        return StampedValue(one.stamp, _first(_members(one.value)), one.is_own) if rule is Merge.ALL else one
    match rule:
        case Merge.NEWEST:
            return max(one, other, key=lambda word: word.stamp)
        case Merge.OLDEST:
            return min(one, other, key=lambda word: word.stamp)
        case Merge.HIGHEST:
            return max(one, other, key=lambda word: (*_rank(word.value, 1), word.stamp))
        case Merge.LOWEST:
            return max(one, other, key=lambda word: (*_rank(word.value, -1), word.stamp))
        case Merge.OWN:
            return max(one, other, key=lambda word: (word.is_own, word.stamp))
        case Merge.ALL:
            both = _first(_members(one.value) | _members(other.value))
            return StampedValue(max(one.stamp, other.stamp), both, one.is_own or other.is_own)


def _rank(value: AttributeValue, sign: int) -> tuple[bool, float]:
    """The sort key: numbers come before other values, of which the latest counts."""
    is_ranked = isinstance(value, bool | float) and value == value  # NaN is beside all order
    return (True, sign * float(value)) if is_ranked else (False, 0.0)  # type: ignore[arg-type]


def _first(members: frozenset[str]) -> frozenset[str]:
    return frozenset(sorted(members)[:MOST_MEMBERS]) if len(members) > MOST_MEMBERS else members


def _members(value: AttributeValue) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    if isinstance(value, bool):
        return frozenset({"yes" if value else "no"})
    return frozenset({value if isinstance(value, str) else number_text(value)})
