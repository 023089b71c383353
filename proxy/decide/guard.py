"""The guard of a rule: what is evaluated when the rule is about to be shown, namely chance and caps.

The bits say which visitors a rule fits; the guard is evaluated only for the rule that would win, and for the next if it
says no. It gives the decision, or None (take the next rule), or `capped`, which is remembered while the next is tried.
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
"""So many decisions are kept, so that an equal decision is the same object: pages are remembered by identity of
them."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule's draws, caps, arms and holdout. `shown` is its decision if it is no experiment."""

    shown: Decision
    draws: tuple[Drawn, ...]
    caps: tuple[Cap, ...]
    arms: Arms | None
    held_out: HeldOut | None

    def decide(self, context: EvaluationContext) -> Decision | None:
        """The decision for this visitor, which may be `capped`; None when chance leaves them out."""
        for draw in self.draws:
            if not draw.takes(context):
                return None
        decision = self.shown if self.arms is None else self.arms.decision(context)
        if decision is None:
            return None
        for cap in self.caps:
            reading = context.read(cap.measure)
            if isinstance(reading, float) and reading >= cap.limit:
                return _capped(decision.slot, decision.rule)
        if self.held_out is not None and self.held_out.takes(context):
            return withheld(decision)
        return decision


@dataclass(frozen=True, slots=True)
class Drawn:
    """A compiled `Draw`: from `times[i]` on, `ends[i]` is the first bucket outside."""

    number: int
    low: int
    times: tuple[float, ...]
    ends: tuple[int, ...]

    def takes(self, context: EvaluationContext) -> bool:
        """Whether the visitor's bucket lies within, now. A visitor without a bucket is within only if everybody is."""
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
    """A compiled holdout. `slots` is None when it covers all."""

    number: int
    share: int
    slots: frozenset[str] | None = None
    live_from: float = float("-inf")
    live_until: float = float("inf")

    def takes(self, context: EvaluationContext) -> bool:
        """Whether the visitor is held out, now. A visitor without a bucket never is, as they could not be compared."""
        key = context.bucket_key or context.targeting_key
        return bool(key) and self.live_from <= context.now < self.live_until and self.bucket(key) < self.share

    def bucket(self, key: str) -> int:
        """The bucket of a visitor."""
        return bucket_by(self.number, key)


@dataclass(frozen=True, slots=True)
class Arms:
    """The compiled arms of an experiment, adjacent from bucket 0: `ends[i]` is the first bucket after
    `decisions[i]`."""

    number: int
    split_by: str
    ends: tuple[int, ...]
    decisions: tuple[Decision, ...]

    def decision(self, context: EvaluationContext) -> Decision | None:
        """The decision of the visitor's arm; None for a visitor in no arm, or without a bucket."""
        drawn = self.bucket(context)
        if drawn is None:
            return None
        arm = bisect_right(self.ends, drawn)
        return self.decisions[arm] if arm < len(self.decisions) else None

    def bucket(self, context: EvaluationContext) -> int | None:
        """The bucket of the visitor, or of the value that the experiment is split by."""
        key: AttributeValue | None = context.bucket_key or context.targeting_key
        if self.split_by:
            key = context.attributes.get(self.split_by)
        return bucket_by(self.number, key) if isinstance(key, str) and key else None


def is_guarded(rule: Rule) -> bool:
    """Whether the rule has a guard."""
    return bool(rule.draws or rule.caps or rule.holdout or rule.experiment)


BucketSplit = tuple[int, tuple[int, ...]]
"""A random split of visitors: the number of its seed, and the buckets at which the outcome changes, in order."""


def splits_of(rule: Rule) -> Iterator[BucketSplit]:
    """The random splits of visitors that a rule makes."""
    for draw in rule.draws:
        yield seed_number(draw.seed), tuple(sorted((draw.low, *(end for _, end in draw.steps))))
    if rule.holdout:
        yield seed_number(HOLDOUT + rule.name), (rule.holdout,)
    if rule.experiment and not rule.experiment.split_by:
        yield seed_number(EXPERIMENT + rule.name), bounds(arm.share for arm in rule.experiment.arms)


def holdout_split(holdout: Holdout) -> BucketSplit:
    """The split that a holdout makes."""
    return seed_number(HOLDOUT + holdout.name), (holdout.share,)


def split_change_times(rules: Iterable[Rule], holdouts: Iterable[Holdout]) -> Iterator[float]:
    """The times at which other buckets count, though the splits stay the same."""
    times = [at for rule in rules for draw in rule.draws for at, _ in draw.steps]
    times += [at for holdout in holdouts for at in (holdout.live_from, holdout.live_until)]
    return filter(isfinite, times)


def split_outcomes(splits: Iterable[BucketSplit], key: str) -> tuple[int, ...] | None:
    """The outcome of each split for a visitor with this key; None without a key. For visitors with equal outcomes
    chance decides the same at the same time."""
    return tuple([bisect_right(ends, bucket_by(number, key)) for number, ends in splits]) if key else None


def guard_of(rule: Rule) -> Guard | None:
    """The guard of the rule; None if it has none."""
    if not is_guarded(rule):
        return None
    held_out = HeldOut(seed_number(HOLDOUT + rule.name), rule.holdout) if rule.holdout else None
    arms = arms_of(rule.experiment, rule) if rule.experiment else None
    return Guard(decision_of(rule), tuple(map(drawn_of, rule.draws)), rule.caps, arms, held_out)


def drawn_of(draw: Draw) -> Drawn:
    """The compiled draw."""
    times, ends = zip(*draw.steps, strict=True) if draw.steps else ((), ())
    return Drawn(seed_number(draw.seed), draw.low, times, ends)


def held_out_by(holdout: Holdout) -> HeldOut:
    """The compiled holdout."""
    number = seed_number(HOLDOUT + holdout.name)
    return HeldOut(number, holdout.share, holdout.slots or None, holdout.live_from, holdout.live_until)


def arms_of(experiment: Experiment, rule: Rule) -> Arms:
    """The compiled arms of a rule's experiment."""
    decisions = tuple(
        Decision(rule.slot, arm.variant, Reason.SPLIT, rule.name, "arm", arm.name) for arm in experiment.arms
    )
    ends = bounds(arm.share for arm in experiment.arms)
    return Arms(seed_number(EXPERIMENT + rule.name), experiment.split_by, ends, decisions)


def decision_of(rule: Rule) -> Decision:
    """The decision of a rule that wins."""
    return Decision(
        rule.slot, rule.variant, Reason.TARGETING_MATCH, rule.name, "rule" if rule.variant else "nothing new"
    )


@lru_cache(MOST_WITHHELD)
def _capped(slot: str, rule: str) -> Decision:
    """The default, for a visitor who has reached a cap of the rule."""
    return Decision(slot, detail="capped", withheld=rule)


@lru_cache(MOST_WITHHELD)
def withheld(decision: Decision) -> Decision:
    """The default, for a visitor who is held out of this decision."""
    return Decision(decision.slot, "", Reason.SPLIT, detail="holdout", withheld=decision.rule)
