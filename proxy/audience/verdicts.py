"""The verdict on the difference of two groups, in words. Pure.

A verdict is about the goal of an experiment. It is valid at any moment (`lift.py`), and may be "too early".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf, log, log1p

from proxy.audience.lift import LEAST_CONVERSIONS, Lift, sample_size_factor
from proxy.diagnostics import many
from proxy.model import Rule

DAY = 86_400.0
RELEVANT_LIFT = 0.05
LONGEST_DAYS = 365


class Outcome(StrEnum):
    """The kinds of verdict. Of several groups, the first of these that one of them has is reported."""

    BETTER = "better"
    EARLY = "too early"
    UNDECIDED = "undecided"
    SAME = "no difference"
    WORSE = "worse"
    ALONE = "nothing to compare with"
    DISTRUST = "do not trust"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kind of verdict (`word`), and a sentence for the reader."""

    word: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How results are judged: by which `goal` (None for that of each experiment), as of `now`, for exposures before
    `until` (Unix seconds). A lift or loss smaller than `relevant_lift` does not matter."""

    now: float
    goal: str | None = None
    until: float = inf
    relevant_lift: float = RELEVANT_LIFT


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the groups of one comparison; `began` is its first exposure, `alpha` the error rate of each verdict."""

    began: float
    rule: Rule | None
    has_shares: bool
    alpha: float
    options: ReportOptions

    @property
    def days(self) -> float:
        return (min(self.options.now, self.options.until) - self.began) / DAY

    @property
    def is_running(self) -> bool:
        """Whether more visitors come to be counted."""
        if self.options.now >= self.options.until:
            return False
        return (
            self.has_shares if self.rule is None else not self.rule.paused and self.options.now < self.rule.live_until
        )

    def verdict(self, lift: Lift | None, *, can_be_compared: bool = True) -> Verdict:
        """The verdict on a group with this lift of the goal; None for too few conversions, or where one group had
        nothing to click and clicks are the goal: then it cannot be compared."""
        tried = self.rule.experiment if self.rule else None
        if tried and tried.split_by:
            why = f"it is split by {tried.split_by}, and those who share one do not act on their own"
            return Verdict(Outcome.UNDECIDED, f"counted, not judged: {why}")
        if lift is None and not can_be_compared:
            why = "who saw the page's own had nothing to click: compare by another goal"
            return Verdict(Outcome.UNDECIDED, f"clicks cannot be compared: {why}")
        if tried and self.days < tried.min_days:
            return Verdict(Outcome.EARLY, f"too early: it runs for {int(self.days)} of at least {tried.min_days} days")
        if lift is None:
            return Verdict(Outcome.EARLY, f"too early: fewer than {LEAST_CONVERSIONS} of a group did it")
        if lift.is_sure:
            word, (least, most) = (
                (Outcome.BETTER, (lift.low, lift.high)) if lift.low > 0 else (Outcome.WORSE, (-lift.high, -lift.low))
            )
            return Verdict(word, f"{word} by {percent(least)} to {percent(most)}")
        if -self.options.relevant_lift < lift.low and lift.high < self.options.relevant_lift:
            text = f"no difference found that matters: less than {percent(self.options.relevant_lift)} either way"
            return Verdict(Outcome.SAME, text)
        if not self.is_running:
            return Verdict(Outcome.UNDECIDED, f"undecided: it lies between {lift.low:+.1%} and {lift.high:+.1%}")
        return Verdict(Outcome.EARLY, f"too early: {self._days_left(lift)} at this rate")

    def _days_left(self, lift: Lift) -> str:
        """How long it takes until this difference is sure if it stays so; and until any that matters would be: then an
        interval is half as wide as what lies between a loss and a lift that matter."""
        narrow = log1p(self.options.relevant_lift) / 2
        seen = max(narrow, abs(log(1 + lift.value)))
        soonest, latest = (
            max(1, round(self.days * (sample_size_factor(lift.error, self.alpha, reach) - 1)))
            for reach in (seen, narrow)
        )
        if soonest > LONGEST_DAYS:
            return "more than a year"
        if soonest == latest:
            return f"about {many(latest, 'day')} more"
        if latest > LONGEST_DAYS:
            return f"{many(soonest, 'day')} to more than a year more"
        return f"{soonest} to {latest} days more"


def percent(part: float) -> str:
    """As it is read: `3.1 %`, `12 %`."""
    return f"{100 * part:.{int(part < 0.1)}f}".removesuffix(".0") + " %"
