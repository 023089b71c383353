"""How sure a difference between two groups is: of a share, of what is paid, and of the sizes of groups. The intervals
hold 95 of 100 times for who looks once; whoever looks every day sees chance now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, log, pi, sqrt

from proxy.audience.results import Tally
from proxy.audience.segments import Z

UNEVEN = 0.001
"""Sizes of groups that chance makes so seldom are a fault of the experiment."""


@dataclass(frozen=True, slots=True)
class Lift:
    """A difference, and between which two it lies."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        return self.low > 0 or self.high < 0


def of_share(kind: str, group: Tally, base: Tally) -> Lift | None:
    """By what part more of the group did it than of the base: 0.1 is a tenth more. None where too few did to tell (of
    the ratio's logarithm, whose spread is estimated, five are the least)."""
    did, did_there = group.did[kind], base.did[kind]
    if min(did, did_there) < 5:
        return None
    ratio = (did / group.visitors) / (did_there / base.visitors)
    spread = Z * sqrt(max(0.0, 1 / did - 1 / group.visitors + 1 / did_there - 1 / base.visitors))
    return Lift(ratio - 1, exp(log(ratio) - spread) - 1, exp(log(ratio) + spread) - 1)


def of_money(group: Tally, base: Tally) -> Lift | None:
    """How much more a visitor of the group paid than one of the base, on average."""
    if min(group.visitors, base.visitors) < 2:
        return None
    value = group.paid / group.visitors - base.paid / base.visitors
    spread = Z * sqrt(sum(_variance(one) / one.visitors for one in (group, base)))
    return Lift(value, value - spread, value + spread)


def _variance(tally: Tally) -> float:
    mean = tally.paid / tally.visitors
    return max(0.0, tally.squares - tally.visitors * mean * mean) / (tally.visitors - 1)


def evenness(sizes: Sequence[int], shares: Sequence[float]) -> float:
    """How often chance alone makes groups at least as far from their shares as these (chi-square)."""
    whole, all_shares = sum(sizes), sum(shares)
    expected = [whole * share / all_shares for share in shares]
    off = sum((size - due) ** 2 / due for size, due in zip(sizes, expected, strict=True) if due)
    return _beyond(off / 2, len(sizes) - 1)


def _beyond(half: float, freedom: int) -> float:
    """The upper tail of chi-square at twice `half`: from that of one or two degrees of freedom, two more at a time."""
    if freedom < 1 or half <= 0:
        return 1.0
    tail, a = (erfc(sqrt(half)), 0.5) if freedom % 2 else (exp(-half), 1.0)
    term = 2 * sqrt(half / pi) * exp(-half) if freedom % 2 else half * exp(-half)
    while a < freedom / 2:
        tail += term
        a += 1
        term *= half / a
    return min(1.0, tail)
