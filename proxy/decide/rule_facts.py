"""The facts about a rule besides its condition, for `why`: schedule, random shares, caps and layer, each with the value
that was found and how far it is from matching.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import ceil, floor, inf
from zoneinfo import ZoneInfo

from proxy.bucketing import BUCKETS, bucket_by, percent
from proxy.conditions.durations import length_text
from proxy.conditions.explain import Explained
from proxy.conditions.values import number_text
from proxy.decide.guard import compiled_arms, compiled_draw, compiled_holdout
from proxy.model import (
    Between,
    Cap,
    Decision,
    Draw,
    EvaluationContext,
    Fact,
    Holdout,
    Measure,
    Period,
    Reading,
    Rule,
)

_PERIODS = {
    Period.EVER: "",
    Period.DAY: "today",
    Period.WEEK: "this week",
    Period.MONTH: "this month",
    Period.VISIT: "this visit",
}
DAY_SECONDS = 86_400.0
YEAR_SECONDS = 365 * DAY_SECONDS
NO_ID = "a visitor without an id has no bucket"


def schedule(rule: Rule, now: float) -> Iterator[Explained]:
    """The schedule as a fact, if the rule has one."""
    if (rule.live_from, rule.live_until) == (-inf, inf):
        return
    begins, ends = (moment(end, rule.timezone) if abs(end) < inf else "" for end in (rule.live_from, rule.live_until))
    text = f"{begins} – {ends}" if begins and ends else f"from {begins}" if begins else f"until {ends}"
    is_live = rule.live_from <= now < rule.live_until
    yield Explained(text, is_live, moment(now, rule.timezone), "" if is_live else _time_until_live(rule, now))


def paused(rule: Rule) -> Iterator[Explained]:
    """A false fact if the rule is paused."""
    if rule.paused:
        yield Explained("paused", False)


def reached_until(fact: Fact, context: EvaluationContext, timezone: str) -> str:
    """Until when a count that was reached holds if no more comes, as `until 3 Nov 12:00`; "" if for ever, and for any
    other fact."""
    measure, test = fact.measure, fact.test
    if measure is None or measure.reading is not Reading.COUNT or measure.then or not isinstance(test, Between):
        return ""
    often = floor(test.low) + 1 if test.open_low else ceil(test.low) if test.low > 0 else 0
    if not often or measure.within_seconds == inf:
        return ""
    days = context.read(replace(measure, reading=Reading.DAYS_SINCE_NTH, cap=often))
    if not isinstance(days, float):
        return ""
    at = context.now - days * DAY_SECONDS + measure.within_seconds
    return f"until {moment(at, timezone, '%b %H:%M' if at < context.now + YEAR_SECONDS / 2 else '%b %Y %H:%M')}"


def chance(rule: Rule, context: EvaluationContext) -> Iterator[Explained]:
    """Rollout, group and arm as facts: the visitor's bucket, and the buckets that are in the share."""
    for draw in rule.draws:
        yield _draw(draw, rule, context)
    if rule.experiment:
        arms = compiled_arms(rule.experiment, rule)
        decision, bucket = arms.decision(context), arms.bucket(context)
        text = f"arm {decision.arm}" if decision else "in no arm"
        yield Explained(text, decision is not None, NO_ID if bucket is None else bucket_text(bucket))


def variant_for(rule: Rule, context: EvaluationContext) -> str:
    """The rule's variant for this visitor: that of their arm; in an experiment that they are not in, that of any
    arm."""
    if rule.experiment is None:
        return rule.variant
    decision = compiled_arms(rule.experiment, rule).decision(context)
    return decision.variant if decision else max(rule.variants, default="")


def caps(rule: Rule, context: EvaluationContext) -> Iterator[Explained]:
    """A fact for each cap: how often the rule was shown, and the limit."""
    for cap in rule.caps:
        yield _cap(cap, context)


def layer(rule: Rule, decisions: Mapping[str, Decision], layers: Mapping[str, str]) -> Iterator[Explained]:
    """A false fact if another slot of the page shows a rule of the same layer. `layers` has the layer of each rule, by
    name."""
    for slot, decision in decisions.items() if rule.layer else ():
        name = decision.rule or decision.withheld
        if slot != rule.slot and decision.detail != "capped" and layers.get(name) == rule.layer:
            yield Explained(f"layer {rule.layer}", False, f'"{name}" has it, in {slot}')
            return


def holdouts(all_holdouts: Iterable[Holdout], slot: str, context: EvaluationContext) -> Iterator[Explained]:
    """The holdouts that cover the slot, as facts; true for a visitor who is held out."""
    for holdout in all_holdouts:
        if not holdout.slots or slot in holdout.slots:
            compiled, key = compiled_holdout(holdout), context.bucket_key or context.targeting_key
            seen = bucket_text(bucket_by(compiled.number, key)) if key else NO_ID
            is_live = holdout.live_from <= context.now < holdout.live_until
            yield Explained(
                f"{holdout.name}, {percent(holdout.share)}", compiled.includes(context), seen if is_live else "over"
            )


def bucket_text(bucket: int) -> str:
    """A bucket as a percentage, as shares are written."""
    return f"bucket {bucket / 100:.2f} of 100"


def moment(at: float, timezone: str, form: str = "%b %H:%M") -> str:
    """A moment in a time zone, as `25 Nov 12:00`."""
    there = datetime.fromtimestamp(at, ZoneInfo(timezone))
    return f"{there.day} {there:{form}}"


def _draw(draw: Draw, rule: Rule, context: EvaluationContext) -> Explained:
    compiled, key = compiled_draw(draw), context.bucket_key or context.targeting_key
    end = compiled.end(context.now)
    share = f"{percent(draw.low)} to {percent(end)}" if draw.low else percent(end)
    later = next((at for at, _ in draw.steps if at > context.now), None)
    grows = f"grows on {moment(later, rule.timezone)}" if later is not None and end < BUCKETS else ""
    seen = bucket_text(bucket_by(compiled.number, key)) if key else NO_ID
    takes = compiled.includes(context)
    return Explained(f"{draw.text}: {share}", takes, seen, "" if takes else grows)


def _cap(cap: Cap, context: EvaluationContext) -> Explained:
    value = context.read(cap.measure)
    reading = value if isinstance(value, float) else 0.0
    seen = f"{number_text(reading)} of {number_text(cap.limit)} {_period_text(cap.measure)}".rstrip()
    if cap.measure.then:  # counted is how often it was shown before an order, which says nothing
        seen = "ordered since it was shown" if reading >= cap.limit else "no order since it was shown"
    return Explained(cap.text, reading < cap.limit, seen)


def _period_text(measure: Measure) -> str:
    """The period of a measure: `today`, `in 3 d`; "" for all time."""
    if measure.within_seconds < inf:
        return f"in {length_text(measure.within_seconds)}"
    return _PERIODS[measure.period]


def _time_until_live(rule: Rule, now: float) -> str:
    if now < rule.live_from < rule.live_until:
        return f"starts in {length_text(rule.live_from - now)}"
    return f"over since {length_text(now - rule.live_until)}" if rule.live_until <= now else "ends before it starts"
