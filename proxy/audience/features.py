"""What visitors have in common, as features that people can read: `favourite category: shoes/trail`, or `orders: at
least 3`. Numbers are divided at the upper half, fifth and twentieth of the visitors who have one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from proxy.conditions.values import is_number, number_text
from proxy.model import Attributes

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
