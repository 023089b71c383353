"""The guard of a rule: the tests that are made only when the rule is about to be shown: random shares, caps, experiment
and holdout.

The bits say which visitors a rule fits; the guard is evaluated only for the best rule, and then for the next one if it
fails. It gives a decision, or None (take the next rule), or a `capped` decision, kept in case no other rule fits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

from proxy.bucketing import BUCKETS, EXPERIMENT, HOLDOUT, bounds, bucket_by, seed_number
from proxy.model import AttributeValue, Cap, Decision, Draw, EvaluationContext, Experiment, Holdout, Reason, Rule

MOST_CACHED = 4_096
"""Decisions that are cached, so that equal decisions are the same object: pages are cached by their identity."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The parts of a rule that are evaluated last: its shares, caps, arms and holdout. `decision` is that of the rule
    if it is no experiment."""

    decision: Decision
    draws: tuple[CompiledDraw, ...]
    caps: tuple[Cap, ...]
    arms: CompiledArms | None
    holdout: CompiledHoldout | None

    def decide(self, context: EvaluationContext) -> Decision | None:
        """The decision for this visitor, which may be `capped`; None if they are in no share of the rule."""
        for draw in self.draws:
            if not draw.includes(context):
                return None
        decision = self.decision if self.arms is None else self.arms.decision(context)
        if decision is None:
            return None
        for cap in self.caps:
            reading = context.read(cap.measure)
            if isinstance(reading, float) and reading >= cap.limit:
                return _capped_decision(decision.slot, decision.rule)
        if self.holdout is not None and self.holdout.includes(context):
            return held_out_decision(decision)
        return decision


@dataclass(frozen=True, slots=True)
class CompiledDraw:
    """A compiled `Draw`: from `times[i]` on, `ends[i]` is the first bucket outside. `number` is that of the seed."""

    number: int
    low: int
    times: tuple[float, ...]
    ends: tuple[int, ...]

    def includes(self, context: EvaluationContext) -> bool:
        """Whether the visitor is in the share now. A visitor without a bucket is in it only if everybody is."""
        end = self.end(context.now)
        key = context.bucket_key or context.targeting_key
        if not key:
            return self.low == 0 and end >= BUCKETS
        return self.low <= bucket_by(self.number, key) < end

    def end(self, now: float) -> int:
        """The first bucket outside, now."""
        step = bisect_right(self.times, now) - 1
        return self.ends[step] if step >= 0 else 0


@dataclass(frozen=True, slots=True)
class CompiledHoldout:
    """A compiled holdout, of a rule or of slots. `slots` is None if it covers all; `number` is that of the seed."""

    number: int
    share: int
    slots: frozenset[str] | None = None
    live_from: float = float("-inf")
    live_until: float = float("inf")

    def includes(self, context: EvaluationContext) -> bool:
        """Whether the visitor is held out now. A visitor without a bucket never is."""
        key = context.bucket_key or context.targeting_key
        is_live = self.live_from <= context.now < self.live_until
        return bool(key) and is_live and bucket_by(self.number, key) < self.share


@dataclass(frozen=True, slots=True)
class CompiledArms:
    """The compiled arms of an experiment, adjacent from bucket 0: `ends[i]` is the first bucket after the arm of
    `decisions[i]`. `number` is that of the seed."""

    number: int
    split_by: str
    ends: tuple[int, ...]
    decisions: tuple[Decision, ...]

    def decision(self, context: EvaluationContext) -> Decision | None:
        """The decision of the visitor's arm; None for a visitor in no arm, or without a bucket."""
        bucket = self.bucket(context)
        if bucket is None:
            return None
        arm = bisect_right(self.ends, bucket)
        return self.decisions[arm] if arm < len(self.decisions) else None

    def bucket(self, context: EvaluationContext) -> int | None:
        """The bucket of the visitor, or of the attribute that the experiment is split by; None without a value."""
        key: AttributeValue | None = context.bucket_key or context.targeting_key
        if self.split_by:
            key = context.attributes.get(self.split_by)
        return bucket_by(self.number, key) if isinstance(key, str) and key else None


BucketSplit = tuple[int, tuple[int, ...]]
"""A random split of visitors: the number of its seed, and the buckets at which the outcome changes, sorted."""


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
    """The times (Unix seconds) at which the effect of a split changes."""
    times = [at for rule in rules for draw in rule.draws for at, _ in draw.steps]
    times += [at for holdout in holdouts for at in (holdout.live_from, holdout.live_until)]
    return filter(isfinite, times)


def split_outcomes(splits: Iterable[BucketSplit], key: str) -> tuple[int, ...] | None:
    """The outcome of each split for a visitor with this key; None without a key. Visitors with equal outcomes are in
    the same shares and arms at the same time."""
    return tuple([bisect_right(ends, bucket_by(number, key)) for number, ends in splits]) if key else None


def guard_of(rule: Rule) -> Guard | None:
    """The guard of the rule; None if it has none."""
    if not (rule.draws or rule.caps or rule.holdout or rule.experiment):
        return None
    held_out = CompiledHoldout(seed_number(HOLDOUT + rule.name), rule.holdout) if rule.holdout else None
    arms = compiled_arms(rule.experiment, rule) if rule.experiment else None
    return Guard(decision_of(rule), tuple(map(compiled_draw, rule.draws)), rule.caps, arms, held_out)


def compiled_draw(draw: Draw) -> CompiledDraw:
    """The compiled draw."""
    times, ends = zip(*draw.steps, strict=True) if draw.steps else ((), ())
    return CompiledDraw(seed_number(draw.seed), draw.low, times, ends)


def compiled_holdout(holdout: Holdout) -> CompiledHoldout:
    """The compiled holdout."""
    number = seed_number(HOLDOUT + holdout.name)
    return CompiledHoldout(number, holdout.share, holdout.slots or None, holdout.live_from, holdout.live_until)


def compiled_arms(experiment: Experiment, rule: Rule) -> CompiledArms:
    """The compiled arms of a rule's experiment."""
    decisions = tuple(
        Decision(rule.slot, arm.variant, Reason.SPLIT, rule.name, "arm", arm.name) for arm in experiment.arms
    )
    ends = bounds(arm.share for arm in experiment.arms)
    return CompiledArms(seed_number(EXPERIMENT + rule.name), experiment.split_by, ends, decisions)


def decision_of(rule: Rule) -> Decision:
    """The decision of a rule that wins."""
    return Decision(
        rule.slot, rule.variant, Reason.TARGETING_MATCH, rule.name, "rule" if rule.variant else "nothing new"
    )


@lru_cache(MOST_CACHED)
def _capped_decision(slot: str, rule: str) -> Decision:
    """The decision for a visitor who has reached a cap of the rule."""
    return Decision(slot, detail="capped", withheld=rule)


@lru_cache(MOST_CACHED)
def held_out_decision(decision: Decision) -> Decision:
    """The decision for a visitor who is held out of this one."""
    return Decision(decision.slot, "", Reason.SPLIT, detail="holdout", withheld=decision.rule)
