"""How sure the difference between two groups is: of a share, of what is paid, and of the sizes of groups. Pure.

Results are looked at every day, and who waits until something looks sure is deceived by an interval that was made for
one look. So these hold for all looks together: whatever the day, in 95 of 100 cases the truth has been in every one of
them so far. They are asymptotic confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of
Statistics 2024), in the closed form that Robbins found; what is asked of sizes is the same for draws (Lindon and Malek,
NeurIPS 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt

from proxy.audience.results import ORDER, Tally

DAY = 86_400.0
ALPHA = 0.05
TYPICAL_LIFT = 0.2
"""Lifts of about so much are found soonest; twice or half of it takes hardly longer."""
LEAST_CONVERSIONS = 5
"""The spread of a ratio is estimated; of fewer cases it is worth nothing."""
SUSPICIOUS_P_VALUE = 0.01
"""Sizes of groups that chance makes so seldom are a fault of the experiment."""
DRAWS = 300.0
"""What is known of a split before: as much as if so many had been drawn. Of 420,000 visitors in four arms, 2 % lost of
one are found in 60 of 100 cases with this, in 47 with 100; more than 300 is slower where half of an arm is lost."""


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


def return_lift(group: Tally, base: Tally, alpha: float) -> Lift | None:
    """By what part more of those who ordered gave something back than of the base's. By visitors, more would do so
    wherever more buy."""
    of, there = (Tally(one.converted[ORDER], {ORDER: one.returned}) for one in (group, base))
    return share_lift(ORDER, of, there, alpha)


def period_alpha(began: float, first: float) -> float:
    """The error rate of a comparison of those who came from `began` on, of one that began at `first` (Unix seconds).

    An interval holds for all looks at those who came since one day. Who looks at the last seven days looks at others
    each day, and without a difference was deceived by 10 to 32 of 100 experiments within a year. So the days to begin
    with share one error rate: 1/2 + 1/6 + 1/12 + ... of it is 1."""
    days = int(max(0.0, began - first) / DAY) + 1
    return ALPHA / (days * (days + 1)) if began > first else ALPHA


def money_lift(group: Tally, base: Tally, alpha: float = ALPHA) -> Lift | None:
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
    reach = half_width(error, TYPICAL_LIFT * mean, alpha)
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


def in_percent(lift: Lift) -> str:
    """A lift of a share, and where it lies."""
    return f"{lift.value:+.1%} ({lift.low:+.1%} to {lift.high:+.1%}){_sure(lift)}"


def in_money(lift: Lift, cap: float | None = None) -> str:
    """A difference of what each paid, up to the cap, and where it lies."""
    up_to = f", up to {cap:,.2f} of each" if cap else ""
    return f"{lift.value:+,.2f} ({lift.low:+,.2f} to {lift.high:+,.2f}){_sure(lift)}{up_to}"


def _sure(lift: Lift) -> str:
    return "" if lift.is_sure else ", may be chance"


def percent(part: float) -> str:
    """As it is read: `3.1 %`, `12 %`."""
    return f"{100 * part:.{int(part < 0.1)}f}".removesuffix(".0") + " %"
