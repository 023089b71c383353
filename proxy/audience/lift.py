"""How sure a difference between two groups is: of a share, of what is paid, and of the sizes of groups.

Results are looked at every day, and who waits until something looks sure is deceived by an interval that was made for
one look. So these hold for all looks together: whatever the day, in 95 of 100 cases the truth has been in every one of
them so far. They are asymptotic confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of
Statistics 2024), in the closed form that Robbins found; what is asked of sizes is the same for draws
(Lindon and Malek, NeurIPS 2022). Calculation only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt

from proxy.audience.results import Tally

ALPHA = 0.05
TYPICAL_LIFT = 0.2
"""Lifts of about so much are found soonest; twice or half of it takes hardly longer."""
LEAST_CONVERSIONS = 5
"""The spread of a ratio is estimated; of fewer cases it is worth nothing."""
SUSPICIOUS_P_VALUE = 0.01
"""Sizes of groups that chance makes so seldom are a fault of the experiment."""
DRAWS = 100.0
"""What is known of a split before: as much as if so many had been drawn."""


@dataclass(frozen=True, slots=True)
class Lift:
    """A difference, and between which two it lies. `error` is its standard error; of a ratio, that of the ratio's
    logarithm."""

    value: float
    low: float
    high: float
    error: float

    @property
    def is_sure(self) -> bool:
        return self.low > 0 or self.high < 0


def share_lift(kind: str, group: Tally, base: Tally, alpha: float = ALPHA) -> Lift | None:
    """By what part more of the group did it than of the base: 0.1 is a tenth more. None where too few did to tell."""
    did, did_there = group.converted[kind], base.converted[kind]
    if min(did, did_there) < LEAST_CONVERSIONS:
        return None
    ratio = (did / group.visitors) / (did_there / base.visitors)
    # One more visitor than there are: where everybody did it, that is not certain yet of those to come.
    error = sqrt(1 / did - 1 / (group.visitors + 1) + 1 / did_there - 1 / (base.visitors + 1))
    reach = half_width(error, TYPICAL_LIFT, alpha)
    return Lift(ratio - 1, exp(log(ratio) - reach) - 1, exp(log(ratio) + reach) - 1, error)


def money_lift(group: Tally, base: Tally) -> Lift | None:
    """How much more a visitor of the group paid than one of the base, on average, up to the comparison's cap. None
    where too few paid to tell."""
    if min(group.money.payers, base.money.payers) < LEAST_CONVERSIONS:
        return None
    visitors = group.visitors + base.visitors
    mean = (group.money.capped + base.money.capped) / visitors
    if mean <= 0:
        return None
    # The spread is that of both together: where 5 % are held out, the few of them who paid are all alike by chance at
    # first, and 7 to 16 of 100 experiments without a difference looked sure once within 40 days.
    variance = max(0.0, group.money.squares + base.money.squares - visitors * mean * mean) / (visitors - 1)
    error = sqrt(variance * (1 / group.visitors + 1 / base.visitors))
    value = group.money.capped / group.visitors - base.money.capped / base.visitors
    reach = half_width(error, TYPICAL_LIFT * mean, ALPHA)
    return Lift(value, value - reach, value + reach, error)


def half_width(error: float, typical: float, alpha: float) -> float:
    """Half the width of the confidence interval for an estimate with this standard error, narrowest for differences of
    the `typical` size."""
    if not error:
        return 0.0
    known = (typical / error) ** 2
    return error * sqrt((1 + 1 / known) * (log1p(known) - 2 * log(alpha)))


def sample_size_factor(error: float, alpha: float, reach: float) -> float:
    """How many times as many visitors are needed until half the width of a share's interval, of the ratio's logarithm,
    is at most `reach`."""
    low, high = 0.0, 60.0  # doublings
    for _ in range(50):
        middle = (low + high) / 2
        is_enough = half_width(error / sqrt(2**middle), TYPICAL_LIFT, alpha) <= reach
        low, high = (low, middle) if is_enough else (middle, high)
    return float(2**high)


def split_p_value(sizes: Sequence[int], shares: Sequence[float]) -> float:
    """The p-value of a sample ratio mismatch test: how often chance alone makes group sizes differ from their shares at
    least as much as these, checked every day."""
    due = [(size, share / sum(shares)) for size, share in zip(sizes, shares, strict=True) if share]
    # How much better a split drawn at random around the shares explains the sizes than the shares do, as a logarithm.
    better = lgamma(DRAWS) - lgamma(DRAWS + sum(size for size, _ in due))
    for size, share in due:
        better += lgamma(DRAWS * share + size) - lgamma(DRAWS * share) - size * log(share)
    return exp(min(0.0, -better))
