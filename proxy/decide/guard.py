"""What a rule still asks when it is about to be shown: chance and caps.

Bits say whom a rule fits; this is asked only of the one that would win, and of the next where it says no. It may say
three things: the decision, nothing (take the next), or `capped`, which is remembered while the next is tried.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

from proxy.bucketing import BUCKETS, EXPERIMENT, HOLDOUT, bounds, bucket_by, seed_number
from proxy.model import AttributeValue, Cap, Decision, Draw, EvaluationContext, Experiment, Holdout, Reason, Rule

MOST_WITHHELD = 4_096
"""Decisions that are kept, so that the same is one object each time: pages are found again by them."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule's draws, caps, arms and own holdout. `shown` is its decision when it is no experiment."""

    shown: Decision
    draws: tuple[Drawn, ...]
    caps: tuple[Cap, ...]
    arms: Arms | None
    held_out: HeldOut | None

    def says(self, context: EvaluationContext) -> Decision | None:
        """The decision for this visitor, which may be `capped`; None when chance leaves them out."""
        for draw in self.draws:
            if not draw.takes(context):
                return None
        decision = self.shown if self.arms is None else self.arms.decision(context)
        if decision is None:
            return None
        for cap in self.caps:
            reading = context.read(cap.measure)
            if isinstance(reading, float) and reading >= cap.enough:
                return _capped(decision.slot, decision.rule)
        if self.held_out is not None and self.held_out.takes(context):
            return withheld(decision)
        return decision


@dataclass(frozen=True, slots=True)
class Drawn:
    """A `Draw`, ready: `ends[i]` is the first bucket outside from `times[i]` on."""

    number: int
    low: int
    times: tuple[float, ...]
    ends: tuple[int, ...]

    def takes(self, context: EvaluationContext) -> bool:
        """Whether the visitor's bucket lies within, now. Who has no bucket is within only where everybody is."""
        end = self.end(context.now)
        key = context.bucket_key or context.targeting_key
        if not key:
            return self.low == 0 and end >= BUCKETS
        return self.low <= self.bucket(key) < end

    def bucket(self, key: str) -> int:
        """The bucket of a visitor."""
        return bucket_by(self.number, key)

    def end(self, now: float) -> int:
        """The first bucket outside, now."""
        step = bisect_right(self.times, now) - 1
        return self.ends[step] if step >= 0 else 0


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A holdout, ready. `slots` is None when it is for all."""

    number: int
    share: int
    slots: frozenset[str] | None = None
    live_from: float = float("-inf")
    live_until: float = float("inf")

    def takes(self, context: EvaluationContext) -> bool:
        """Whether the visitor is held out, now. Who has no bucket never is: nothing could be compared with them."""
        key = context.bucket_key or context.targeting_key
        return bool(key) and self.live_from <= context.now < self.live_until and self.bucket(key) < self.share

    def bucket(self, key: str) -> int:
        """The bucket of a visitor."""
        return bucket_by(self.number, key)


@dataclass(frozen=True, slots=True)
class Arms:
    """An experiment's arms, side by side from bucket 0: `ends[i]` is the first bucket beyond `decisions[i]`."""

    number: int
    split_by: str
    ends: tuple[int, ...]
    decisions: tuple[Decision, ...]

    def decision(self, context: EvaluationContext) -> Decision | None:
        """The decision of the visitor's arm; None for who is in none, or has no bucket."""
        drawn = self.bucket(context)
        if drawn is None:
            return None
        arm = bisect_right(self.ends, drawn)
        return self.decisions[arm] if arm < len(self.decisions) else None

    def bucket(self, context: EvaluationContext) -> int | None:
        """The bucket that the visitor, or what the experiment is split by, has in it."""
        key: AttributeValue | None = context.bucket_key or context.targeting_key
        if self.split_by:
            key = context.attributes.get(self.split_by)
        return bucket_by(self.number, key) if isinstance(key, str) and key else None


def is_guarded(rule: Rule) -> bool:
    """Whether the rule asks something when it is about to be shown."""
    return bool(rule.draws or rule.caps or rule.holdout or rule.experiment)


Lot = tuple[int, tuple[int, ...]]
"""The number of a seed, and the buckets at which what is drawn by it changes, in order."""


def lots_of(rule: Rule) -> Iterator[Lot]:
    """All that chance decides of a rule by who the visitor is."""
    for draw in rule.draws:
        yield seed_number(draw.seed), tuple(sorted((draw.low, *(end for _, end in draw.steps))))
    if rule.holdout:
        yield seed_number(HOLDOUT + rule.name), (rule.holdout,)
    if rule.experiment and not rule.experiment.split_by:
        yield seed_number(EXPERIMENT + rule.name), bounds(arm.share for arm in rule.experiment.arms)


def lot_of(holdout: Holdout) -> Lot:
    """The same of a holdout."""
    return seed_number(HOLDOUT + holdout.name), (holdout.share,)


def turns_of(rules: Iterable[Rule], holdouts: Iterable[Holdout]) -> Iterator[float]:
    """The times at which others are drawn than before, by the same lots."""
    times = [at for rule in rules for draw in rule.draws for at, _ in draw.steps]
    times += [at for holdout in holdouts for at in (holdout.live_from, holdout.live_until)]
    return filter(isfinite, times)


def drawn_by(lots: Iterable[Lot], key: str) -> tuple[int, ...] | None:
    """What is drawn for who has this key; None for who has none. Of whom it is the same, chance decides the same at the
    same time."""
    return tuple([bisect_right(ends, bucket_by(number, key)) for number, ends in lots]) if key else None


def guard_of(rule: Rule) -> Guard | None:
    """What the rule asks when it is about to be shown; None when nothing."""
    if not is_guarded(rule):
        return None
    held_out = HeldOut(seed_number(HOLDOUT + rule.name), rule.holdout) if rule.holdout else None
    arms = arms_of(rule.experiment, rule) if rule.experiment else None
    return Guard(decision_of(rule), tuple(map(drawn_of, rule.draws)), rule.caps, arms, held_out)


def drawn_of(draw: Draw) -> Drawn:
    """The draw, ready."""
    times, ends = zip(*draw.steps, strict=True) if draw.steps else ((), ())
    return Drawn(seed_number(draw.seed), draw.low, times, ends)


def held_out_by(holdout: Holdout) -> HeldOut:
    """The holdout, ready."""
    number = seed_number(HOLDOUT + holdout.name)
    return HeldOut(number, holdout.share, holdout.slots or None, holdout.live_from, holdout.live_until)


def arms_of(experiment: Experiment, rule: Rule) -> Arms:
    """The arms of a rule's experiment, ready."""
    decisions = tuple(
        Decision(rule.slot, arm.variant, Reason.SPLIT, rule.name, "arm", arm.name) for arm in experiment.arms
    )
    ends = bounds(arm.share for arm in experiment.arms)
    return Arms(seed_number(EXPERIMENT + rule.name), experiment.split_by, ends, decisions)


def decision_of(rule: Rule) -> Decision:
    """What a rule that wins shows."""
    return Decision(
        rule.slot, rule.variant, Reason.TARGETING_MATCH, rule.name, "rule" if rule.variant else "nothing new"
    )


@lru_cache(MOST_WITHHELD)
def _capped(slot: str, rule: str) -> Decision:
    """The page's own, for a visitor who had this often enough."""
    return Decision(slot, detail="capped", withheld=rule)


@lru_cache(MOST_WITHHELD)
def withheld(decision: Decision) -> Decision:
    """The page's own, for a visitor who is held out of what was decided."""
    return Decision(decision.slot, "", Reason.SPLIT, detail="holdout", withheld=decision.rule)
