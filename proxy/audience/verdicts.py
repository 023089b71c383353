"""What is to be said of a difference, in words. Calculation only.

A verdict is about the goal. It may be taken at any moment (`lift.py`), and says "too early" rather than nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf, log, log1p

from proxy.audience.lift import LEAST, Lift, times_as_many
from proxy.diagnostics import many
from proxy.model import Rule

DAY = 86_400.0
MATTERS = 0.05
LONGEST_DAYS = 365


class Word(StrEnum):
    """What a verdict comes to. Of several groups the first of these that one of them has is told."""

    BETTER = "better"
    EARLY = "too early"
    UNDECIDED = "undecided"
    SAME = "no difference"
    WORSE = "worse"
    ALONE = "nothing to compare with"
    DISTRUST = "do not trust"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, and the sentence for who reads it."""

    word: Word
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """How results are judged: by which `goal`, None for that of each experiment; as of `now`, of choices met before
    `until` (Unix seconds); a lift or loss that `matters` is at least so large."""

    now: float
    goal: str | None = None
    until: float = inf
    matters: float = MATTERS


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the groups of one comparison, that began at this moment; `alpha` is how often each may be wrong."""

    began: float
    rule: Rule | None
    has_shares: bool
    alpha: float
    asked: Asked

    @property
    def days(self) -> float:
        return (min(self.asked.now, self.asked.until) - self.began) / DAY

    @property
    def goes_on(self) -> bool:
        """Whether more visitors come to be counted."""
        if self.asked.now >= self.asked.until:
            return False
        return self.has_shares if self.rule is None else not self.rule.paused and self.asked.now < self.rule.live_until

    def verdict(self, lift: Lift | None) -> Verdict:
        """What is to be said of a group with this lift of its goal."""
        tried = self.rule.experiment if self.rule else None
        if tried and tried.split_by:
            why = f"it is split by {tried.split_by}, and those who share one do not act on their own"
            return Verdict(Word.UNDECIDED, f"counted, not judged: {why}")
        if tried and self.days < tried.min_days:
            return Verdict(Word.EARLY, f"too early: it runs for {int(self.days)} of at least {tried.min_days} days")
        if lift is None:
            return Verdict(Word.EARLY, f"too early: fewer than {LEAST} of a group did it")
        if lift.is_sure:
            word, (least, most) = (
                (Word.BETTER, (lift.low, lift.high)) if lift.low > 0 else (Word.WORSE, (-lift.high, -lift.low))
            )
            return Verdict(word, f"{word} by {percent(least)} to {percent(most)}")
        if -self.asked.matters < lift.low and lift.high < self.asked.matters:
            text = f"no difference found that matters: less than {percent(self.asked.matters)} either way"
            return Verdict(Word.SAME, text)
        if not self.goes_on:
            return Verdict(Word.UNDECIDED, f"undecided: it lies between {lift.low:+.1%} and {lift.high:+.1%}")
        return Verdict(Word.EARLY, f"too early: {self._days_more(lift)} at this rate")

    def _days_more(self, lift: Lift) -> str:
        """How long it takes until this difference is sure if it stays so; and until any that matters would be: then an
        interval is half as wide as what lies between a loss and a lift that matter."""
        narrow = log1p(self.asked.matters) / 2
        seen = max(narrow, abs(log(1 + lift.value)))
        soonest, latest = (
            max(1, round(self.days * (times_as_many(lift.error, self.alpha, reach) - 1))) for reach in (seen, narrow)
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
