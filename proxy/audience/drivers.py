"""What sets a segment apart: features that its members have more often than others, by how much, and how sure that is.

A lift of 3 says that members have the feature three times as often. Its interval is that of a ratio of two shares
(Katz and others, 1978); what is ranked by is the end nearer to 1, so that a large lift of a few does not come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from proxy.audience.features import Feature
from proxy.audience.segments import Z

LEAST_MEMBERS = 5


@dataclass(frozen=True, slots=True)
class Driver:
    """A feature, its share among members and among others, and their ratio with the interval it lies in."""

    feature: Feature
    inside: float
    outside: float
    lift: float
    low: float
    high: float


def drivers(visitors: Sequence[frozenset[Feature]], is_member: Sequence[bool], most: int = 5) -> list[Driver]:
    """The features that set members apart the most, the surest first."""
    members = sum(is_member)
    others = len(visitors) - members
    if not members or not others:
        return []
    inside = Counter(feature for features, own in zip(visitors, is_member, strict=True) if own for feature in features)
    everywhere = Counter(feature for features in visitors for feature in features)
    found = [
        _driver(feature, count, members, everywhere[feature] - count, others)
        for feature, count in inside.items()
        if count >= LEAST_MEMBERS
    ]
    return sorted((one for one in found if one.low > 1), key=lambda one: (-one.low, one.feature))[:most]


def _driver(feature: Feature, inside: int, members: int, outside: int, others: int) -> Driver:
    """Half a visitor is added to each count, so that a feature that no other has is not infinitely more frequent."""
    one, other = (inside + 0.5) / (members + 1), (outside + 0.5) / (others + 1)
    spread = Z * sqrt(max(0.0, (1 - one) / (inside + 0.5) + (1 - other) / (outside + 0.5)))
    lift = one / other
    return Driver(feature, inside / members, outside / others, lift, exp(log(lift) - spread), exp(log(lift) + spread))


MOST_DRIVERS = 50


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A visitor by number, their similarity to the members (`likeness`), and the features of the members that they
    have, the strongest first (`because`)."""

    visitor: int
    likeness: float
    because: tuple[Feature, ...]


def lookalikes(visitors: Sequence[frozenset[Feature]], is_member: Sequence[bool], most: int) -> list[Lookalike]:
    """The visitors that are most like the members and are none: likeness is the sum of the weights of the features
    that set the members apart, each the logarithm of its lift."""
    weights = {one.feature: log(one.lift) for one in drivers(visitors, is_member, MOST_DRIVERS)}
    found = []
    for number, (features, own) in enumerate(zip(visitors, is_member, strict=True)):
        because = sorted(features & weights.keys(), key=lambda feature: (-weights[feature], feature))
        if because and not own:
            found.append(Lookalike(number, sum(weights[feature] for feature in because), tuple(because[:3])))
    return sorted(found, key=lambda alike: (-alike.likeness, alike.visitor))[:most]
