"""Who is like the members of a segment without being one, and which segments suggest themselves; both with reasons.

A visitor's likeness is the sum of what each of their features says for membership (the logarithm of its lift), over the
features that set the members apart. A suggestion is a pair of features that go together far more often than chance
would have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log, sqrt

from proxy.audience.drivers import drivers
from proxy.audience.features import Feature
from proxy.audience.segments import Z

MOST_DRIVERS = 50
MOST_FEATURES = 300
TOO_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Alike:
    """A visitor by number, how like the members they are, and the features that say so, the strongest first."""

    visitor: int
    likeness: float
    because: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two features that go together, how many visitors have both, and how much more often than by chance, at least."""

    features: tuple[Feature, Feature]
    members: int
    share: float
    lift: float


def lookalikes(visitors: Sequence[frozenset[Feature]], is_member: Sequence[bool], most: int) -> list[Alike]:
    """The visitors that are most like the members and are none."""
    weights = {one.feature: log(one.lift) for one in drivers(visitors, is_member, MOST_DRIVERS)}
    found = []
    for number, (features, own) in enumerate(zip(visitors, is_member, strict=True)):
        because = sorted(features & weights.keys(), key=lambda feature: (-weights[feature], feature))
        if because and not own:
            found.append(Alike(number, sum(weights[feature] for feature in because), tuple(because[:3])))
    return sorted(found, key=lambda alike: (-alike.likeness, alike.visitor))[:most]


def suggestions(visitors: Sequence[frozenset[Feature]], most: int, least_share: float = 0.01) -> list[Suggestion]:
    """Segments that suggest themselves: large enough, surely no chance, and none like one before."""
    total, counts = len(visitors), Counter(feature for features in visitors for feature in features)
    kept = {feature for feature, _ in counts.most_common(MOST_FEATURES)}
    pairs = Counter(pair for features in visitors for pair in combinations(sorted(features & kept), 2))
    found = [
        Suggestion(pair, both, both / total, lift)
        for pair, both in pairs.items()
        if not _are_of_one(pair) and both >= max(least_share * total, 10)
        if (lift := _lift(both, counts[pair[0]], counts[pair[1]], total)) > 1.5
    ]
    chosen: list[Suggestion] = []
    for one in sorted(found, key=lambda one: (-one.lift * sqrt(one.members), one.features)):
        if all(_part(visitors, one, other) < TOO_ALIKE for other in chosen):
            chosen.append(one)
        if len(chosen) == most:
            break
    return chosen


def _are_of_one(pair: tuple[Feature, Feature]) -> bool:
    """Two of one attribute go together by what they mean, not by what visitors do."""
    one, other = (feature.partition(": ")[0] for feature in pair)
    return one == other


def _lift(both: int, one: int, other: int, total: int) -> float:
    """How much more often than by chance, at the lower end of its interval."""
    expected = one * other / total
    return max(0.0, both - Z * sqrt(both)) / expected


def _part(visitors: Sequence[frozenset[Feature]], one: Suggestion, other: Suggestion) -> float:
    """What part of those with either are those with both."""
    mine = [features.issuperset(one.features) for features in visitors]
    theirs = [features.issuperset(other.features) for features in visitors]
    both = sum(a and b for a, b in zip(mine, theirs, strict=True))
    return both / (sum(mine) + sum(theirs) - both or 1)
