"""The plain meaning of deciding, to hold the plan against: the naive interpreter, which tries every rule in rank order
and knows nothing of bits."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.bucketing import BUCKETS, bucket
from proxy.conditions.values import matches
from proxy.decide.why import SlotStory, Verdict
from proxy.model import (
    Attributes,
    Condition,
    Decision,
    EvaluationContext,
    Fact,
    Reason,
    Rule,
    Segment,
)
from tests.decide.worlds import World


def plain_decisions(world: World, context: EvaluationContext) -> dict[str, Decision]:
    """What each slot shows, by trying every rule, from the best of all downwards."""
    settled: dict[str, Decision] = {}
    capped: dict[str, Decision] = {}
    layers: set[str] = set()
    for rule in fitting(world.rules, world.segments, context):
        arm = _arm(rule, context)
        if rule.slot in settled or not _is_drawn(rule, context) or arm is None:
            continue
        if any((context.read(cap.measure) or 0) >= cap.limit for cap in rule.caps):
            capped.setdefault(rule.slot, Decision(rule.slot, detail="capped", withheld=rule.name))
        elif rule.layer not in layers:
            layers |= {rule.layer} - {""}
            settled[rule.slot] = _held_out(rule) if _is_in("holdout:" + rule.name, rule.holdout, context) else arm
    decisions = {rule.slot: Decision(rule.slot) for rule in world.rules} | capped | settled
    return {slot: _after_holdouts(world, decision, context) for slot, decision in decisions.items()}


def winner(story: SlotStory) -> tuple[str, str]:
    """The rule that a story says is shown, and the one it says is held out."""
    named = {rule.verdict: rule.name for rule in story.rules}
    return named.get(Verdict.SHOWN, ""), named.get(Verdict.HELD_OUT, "")


def fitting(rules: Sequence[Rule], segments: Sequence[Segment], context: EvaluationContext) -> list[Rule]:
    """The rules whose condition and schedule hold, best first."""
    trusted = _in_segments(segments, context, frozenset(name.casefold() for name in context.unverified))
    anyhow = _in_segments(segments, context, frozenset())
    return [
        rule
        for rule in sorted(rules, key=lambda rule: (-rule.priority, -_facts(rule.condition), rule.order))
        if rule.live_from <= context.now < rule.live_until
        and matches(
            rule.condition,
            trusted if rule.needs_verified else anyhow,
            now=context.now,
            timezone=rule.timezone,
        )
    ]


def _is_drawn(rule: Rule, context: EvaluationContext) -> bool:
    for draw in rule.draws:
        end = max(((at, end) for at, end in draw.steps if at <= context.now), default=(0, 0))[1]
        key = context.bucket_key or context.targeting_key
        if not (draw.low <= bucket(draw.seed, key) < end if key else draw.low == 0 and end == BUCKETS):
            return False
    return True


def _arm(rule: Rule, context: EvaluationContext) -> Decision | None:
    """What the rule shows; of an experiment, the visitor's arm, None for who is in none."""
    if rule.experiment is None:
        detail = "rule" if rule.variant else "nothing new"
        return Decision(rule.slot, rule.variant, Reason.TARGETING_MATCH, rule.name, detail)
    by = rule.experiment.split_by
    key = context.attributes.get(by) if by else context.bucket_key or context.targeting_key
    left = bucket("experiment:" + rule.name, key) if isinstance(key, str) and key else BUCKETS
    for arm in rule.experiment.arms:
        left -= arm.share
        if left < 0:
            return Decision(rule.slot, arm.variant, Reason.SPLIT, rule.name, "arm", arm.name)
    return None


def _is_in(seed: str, share: int, context: EvaluationContext) -> bool:
    key = context.bucket_key or context.targeting_key
    return bool(key) and bucket(seed, key) < share


def _held_out(rule: Rule) -> Decision:
    return Decision(rule.slot, "", Reason.SPLIT, detail="holdout", withheld=rule.name)


def _after_holdouts(world: World, decision: Decision, context: EvaluationContext) -> Decision:
    for holdout in world.holdouts:
        concerns = decision.rule and (not holdout.slots or decision.slot in holdout.slots)
        is_live = holdout.live_from <= context.now < holdout.live_until
        if concerns and is_live and _is_in("holdout:" + holdout.name, holdout.share, context):
            return Decision(decision.slot, "", Reason.SPLIT, detail="holdout", withheld=decision.rule)
    return decision


def _in_segments(segments: Sequence[Segment], context: EvaluationContext, without: frozenset[str]) -> Attributes:
    named = frozenset(name for name in context.attributes.get("segment", ()) if name.casefold() not in without)
    attributes = {**context.attributes, "segment": named}
    for _ in segments:  # as many rounds as segments can stand on one another, each from scratch
        now_in = frozenset(
            segment.name
            for segment in segments
            if matches(segment.condition, attributes, now=context.now, timezone=segment.timezone)
        )
        attributes["segment"] = named | now_in
    return attributes


def _facts(condition: Condition) -> int:
    return 1 if isinstance(condition, Fact) else sum(_facts(part) for part in condition.parts)
