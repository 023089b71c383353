"""What sets a segment apart: features that its members have more often than others, by how much, and how sure that is.

A lift of 3 says that members have the feature three times as often. Its interval is that of a ratio of two shares
(Katz and others, 1978); what is ranked by is the end nearer to 1, so that a large lift of a few does not come first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from proxy.audience.segments import Z
from proxy.conditions.values import is_number, number_text
from proxy.model import Attributes

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


# -- What visitors have in common, as features that people can read: `favourite category: shoes/trail`, or `orders: at
# least 3`. Numbers are divided at the upper half, fifth and twentieth of the visitors who have one.

PARTS = (0.5, 0.8, 0.95)
FIFTHS = (0.2, 0.4, 0.6, 0.8)
MOST_VALUES = 1_000
"""Of an attribute with more different values than that, as a name, nothing is a feature."""
IN_DAYS = "days since"
"""What is measured in days to the second: nobody would write a part of one into a rule."""

Feature = str
Steps = Mapping[str, tuple[float, ...]]


def steps_of(visitors: Iterable[Attributes]) -> dict[str, tuple[float, ...]]:
    """The thresholds of each numeric attribute."""
    numbers: dict[str, list[float]] = defaultdict(list)
    for attributes in visitors:
        for name, value in attributes.items():
            if is_number(value):
                numbers[name].append(value)
    return {name: _steps(values, 0 if name.startswith(IN_DAYS) else 2) for name, values in numbers.items()}


def features_of(attributes: Attributes, steps: Steps) -> frozenset[Feature]:
    """The features of one visitor."""
    found: set[Feature] = set()
    for name, value in attributes.items():
        if isinstance(value, bool):
            found |= {f"{name}: yes"} if value else set()
        elif is_number(value):
            found |= {f"{name}: at least {number_text(step)}" for step in steps.get(name, ()) if value >= step}
        elif isinstance(value, frozenset):
            found |= {f"{name}: {member}" for member in value}
        else:
            found.add(f"{name}: {value}")
    return frozenset(found)


def common(visitors: Sequence[frozenset[Feature]], least: int) -> list[frozenset[Feature]]:
    """Each visitor's features that at least `least` of the visitors have, and not all."""
    counts = Counter(feature for features in visitors for feature in features)
    values = Counter(feature.partition(": ")[0] for feature in counts)
    kept = {
        feature
        for feature, count in counts.items()
        if least <= count < len(visitors) and values[feature.partition(": ")[0]] <= MOST_VALUES
    }
    return [features & kept for features in visitors]


def fifths(values: Sequence[float]) -> tuple[float, ...]:
    """The four values below which lie one to four fifths of the values: the thresholds of the grades of recency,
    frequency and money. Empty for no values."""
    ranked = sorted(values)
    return tuple(ranked[max(0, -int(-len(ranked) * share // 1) - 1)] for share in FIFTHS) if ranked else ()


def _steps(values: list[float], digits: int) -> tuple[float, ...]:
    ranked = sorted(values)
    found = {round(ranked[int(part * (len(ranked) - 1))], digits) for part in PARTS}
    return tuple(sorted(step for step in found if step > ranked[0]))
