"""The verdict on a group, in words, from its lift (`lifts.py`). Pure.

A verdict is about the goal of an experiment. It is valid at any moment, and may be "too early".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import inf, log, log1p

from proxy.audience.lifts import ALPHA, DAY, LEAST_CONVERSIONS, Lift, percent, sample_size_factor, share_lift
from proxy.audience.results import Tally
from proxy.diagnostics import many
from proxy.model import Rule

RELEVANT_LIFT = 0.05
LONGEST_DAYS = 365
PLANNED_LIFTS = (0.2, 0.1, 0.05)


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
    `until` (Unix seconds). A lift or loss smaller than `relevant_lift` does not matter. `alpha` is the error rate of
    what is looked at beside other parts; None for that of its period. With `steps` each step on the way to an order is
    counted, too."""

    now: float
    goal: str | None = None
    until: float = inf
    relevant_lift: float = RELEVANT_LIFT
    alpha: float | None = None
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the groups of one comparison; `began` is its first exposure that counts, `first` the first of all, `alpha`
    the error rate of each verdict."""

    began: float
    rule: Rule | None
    has_shares: bool
    alpha: float
    options: ReportOptions
    first: float = inf

    @property
    def is_part(self) -> bool:
        """Whether only a part of its time is looked at, which does not grow where it moves on with the day."""
        return self.began > self.first

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
        days = self.days + max(0.0, self.began - self.first) / DAY
        if tried and days < tried.min_days:
            return Verdict(Outcome.EARLY, f"too early: it runs for {int(days)} of at least {tried.min_days} days")
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
        if self.is_part or not self.is_running:
            more = "; all of its time tells more" if self.is_part else ""
            return Verdict(Outcome.UNDECIDED, f"undecided: it lies between {lift.low:+.1%} and {lift.high:+.1%}{more}")
        if self.days < 1:
            return Verdict(Outcome.EARLY, "too early: it runs for less than a day")  # which knows no rate of a day
        return Verdict(Outcome.EARLY, f"too early: {self._days_left(lift)}")

    def time_needed(self, tally: Tally, goal: str) -> Iterator[str]:
        """How long an experiment with two even variants would take at the rate of these visitors, for who plans one:
        until each of some differences of the goal is sure, as likely as not."""
        half = Tally(tally.visitors // 2, {goal: tally.converted[goal] // 2})
        lift = share_lift(goal, half, half)
        if lift and self.is_running and self.days >= 1 and not self.is_part:
            days = [self.days * sample_size_factor(lift.error, ALPHA, log1p(part)) for part in PLANNED_LIFTS]
            told = (f"{percent(part)} {_long(each)}" for part, each in zip(PLANNED_LIFTS, days, strict=True))
            yield f"two variants here would show a difference of {', of '.join(told)}"

    def _days_left(self, lift: Lift) -> str:
        """How long it takes until this difference is sure if it stays so; and until any that matters would be: then an
        interval is half as wide as what lies between a loss and a lift that matter. It is no span: a lift of 20 % that
        looks smaller yet was sure before the first of the two in two of three cases."""
        narrow = log1p(self.options.relevant_lift) / 2
        seen = max(narrow, abs(log(1 + lift.value)))
        soonest, latest = (
            max(1, round(self.days * (sample_size_factor(lift.error, self.alpha, reach) - 1)))
            for reach in (seen, narrow)
        )
        if soonest > LONGEST_DAYS:
            return "more than a year at this rate"
        first = f"about {many(soonest, 'day')} more at this rate"
        if soonest == latest:
            return first
        most = "more than a year" if latest > LONGEST_DAYS else f"up to {latest} days"
        return f"{first} if it stays as it looks, else {most}"


def _long(days: float) -> str:
    return "in more than a year" if days > LONGEST_DAYS else f"in about {many(max(1, round(days)), 'day')}"
