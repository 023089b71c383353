"""Visitors who are similar to the members of a segment without being members, with reasons.

A visitor's similarity is the sum of the weights of their features (the logarithm of each one's lift), over the features
that set the members apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from proxy.audience.drivers import drivers
from proxy.audience.features import Feature

MOST_DRIVERS = 50


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A visitor by number, their similarity to the members (`likeness`), and the features of the members that they
    have, the strongest first (`because`)."""

    visitor: int
    likeness: float
    because: tuple[Feature, ...]


def lookalikes(visitors: Sequence[frozenset[Feature]], is_member: Sequence[bool], most: int) -> list[Lookalike]:
    """The visitors that are most like the members and are none."""
    weights = {one.feature: log(one.lift) for one in drivers(visitors, is_member, MOST_DRIVERS)}
    found = []
    for number, (features, own) in enumerate(zip(visitors, is_member, strict=True)):
        because = sorted(features & weights.keys(), key=lambda feature: (-weights[feature], feature))
        if because and not own:
            found.append(Lookalike(number, sum(weights[feature] for feature in because), tuple(because[:3])))
    return sorted(found, key=lambda alike: (-alike.likeness, alike.visitor))[:most]
