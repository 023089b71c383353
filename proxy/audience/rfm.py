"""Where the grades of recency, frequency and money part: by fifths of a shop's own customers."""

from __future__ import annotations

from collections.abc import Sequence

FIFTHS = (0.2, 0.4, 0.6, 0.8)


def fifths(values: Sequence[float]) -> tuple[float, ...]:
    """The four of the values, in order, below which lie one to four fifths of them; none of no values."""
    ranked = sorted(values)
    return tuple(ranked[max(0, -int(-len(ranked) * share // 1) - 1)] for share in FIFTHS) if ranked else ()
