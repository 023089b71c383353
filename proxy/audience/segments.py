"""How large segments are, and how they overlap, counted over visitors or estimated from a sample of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

Z = 1.96
"""Intervals hold in 95 of 100 samples."""

Memberships = Mapping[frozenset[str], int]
"""How many visitors are in exactly these segments: there are few such combinations, however many visitors."""


@dataclass(frozen=True, slots=True)
class Size:
    """`members` of a segment among all visitors, and its `share` with the interval it lies in. When all visitors were
    looked at, the interval is a point."""

    name: str
    members: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many are in both of two segments, and what part that is of those in either."""

    one: str
    other: str
    both: int
    part: float


def sizes(names: Sequence[str], memberships: Memberships, population: int) -> list[Size]:
    """The size of each segment, from the segments that those looked at are in, out of so many in all."""
    counts, looked_at = _members(memberships), sum(memberships.values())
    found = []
    for name in names:
        share = counts[name] / looked_at if looked_at else 0.0
        low, high = interval(counts[name], looked_at) if looked_at < population else (share, share)
        found.append(Size(name, round(share * population), share, low, high))
    return found


def overlaps(names: Sequence[str], memberships: Memberships) -> list[Overlap]:
    """Every two segments that share somebody, those that share the largest part first."""
    counts, known, pairs = _members(memberships), set(names), Counter[tuple[str, str]]()
    for membership, many in memberships.items():
        for pair in combinations(sorted(membership & known), 2):
            pairs[pair] += many
    found = [
        Overlap(one, other, both, both / (counts[one] + counts[other] - both)) for (one, other), both in pairs.items()
    ]
    return sorted(found, key=lambda overlap: (-overlap.part, overlap.one, overlap.other))


def _members(memberships: Memberships) -> Counter[str]:
    counts: Counter[str] = Counter()
    for membership, many in memberships.items():
        counts.update(dict.fromkeys(membership, many))
    return counts


def interval(count: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share: where the share of all lies, when `count` of a sample of `of` have it."""
    if not of:
        return 0.0, 1.0
    share = count / of
    middle = share + Z * Z / (2 * of)
    spread = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return max(0.0, (middle - spread) / (1 + Z * Z / of)), min(1.0, (middle + spread) / (1 + Z * Z / of))
