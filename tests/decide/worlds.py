"""Random rules, segments and visitors, and the plain meaning of deciding, to hold the plan against: the naive
interpreter, which tries every rule in rank order and knows nothing of bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from proxy.bucketing import BUCKETS, bucket
from proxy.conditions.derived import version_number
from proxy.conditions.localtime import WEEKDAYS
from proxy.conditions.values import matches
from proxy.decide.why import SlotStory, Verdict
from proxy.model import (
    AllOf,
    AnyOf,
    Arm,
    Attributes,
    AttributeValue,
    Between,
    Cap,
    Condition,
    Contains,
    Decision,
    Draw,
    EvaluationContext,
    Experiment,
    Fact,
    Holdout,
    IsKnown,
    Measure,
    NoneOf,
    NotOneOf,
    OneOf,
    Reading,
    Reason,
    Rule,
    Segment,
    StartsWith,
    Test,
    WithinHours,
)

SLOTS = ("home.hero", "home.row", "all.topbar")
ZONES = ("UTC", "Europe/Oslo", "America/New_York", "Asia/Kathmandu")
GIVEN_SEGMENTS = ("VIP", "Newsletter", "Straße")
TEXTS = {
    "country": ("NO", "NL", "be"),
    "device": ("phone", "desktop"),
    "page": ("/", "/shoes", "/shoes/trail", "/Café"),
    "search term": ("trail shoes", "TRAIL", "rain jacket", ""),
    "campaign.source": ("newsletter", "4"),
    "visitor": ("new", "returning"),
    "tier": ("4", "yes", "19.95", "gold"),
}
SETS = {"language": ("nl-be", "nl", "en"), "refinement.colour": ("red", "Blue"), "segment": GIVEN_SEGMENTS}
NUMBERS = {"orders": (0.0, 1.0, 2.0, 5.0), "spend": (0.0, 19.95, 20.0, 99.5)}
# Around both changes of Oslo's clocks in 2026, minutes and seconds apart from full hours.
MOMENTS = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() + shift
    for text in ("2026-03-29T01:00", "2026-10-25T01:00", "2026-11-25T07:00", "2026-11-28T23:00")
    for shift in (-7200.0, -60.0, -0.5, 0.0, 0.5, 59.0, 1800.0, 3600.0)
)


CAPS = tuple(
    Cap(f"cap {number}", Measure(Reading.COUNT, ("banner shown",), where=(("subject", OneOf(frozenset({name}))),)), 2.0)
    for number, name in enumerate(("one", "two", "three"))
)


WORKED = {
    "joined": ("2026-11-20", "2026-10-25T01:30:00+01:00", "1999-12-31", 1_795_000_000.0, "long ago"),
    "app version": ("2.10", "2.9.3", "v2.10-beta", "3", "newest"),
    "location": ("52.37,4.90", "51.9, 4.5", "59.9,10.7", "here"),
    "time zone": ("Europe/Oslo", "America/New_York", "Mars/Olympus"),
}
"""Attributes that others are worked out of."""


class World:
    """A seeded source of rules, segments and visitors that often nearly match. `with_chance` brings experiments,
    rollouts, groups, holdouts, caps and layers."""

    def __init__(self, seed: int, *, with_chance: bool = False) -> None:
        self.random = Random(seed)
        self.segments = self._segments()
        self.rules = [self._rule(order) for order in range(self.random.randint(1, 25))]
        self.holdouts: list[Holdout] = []
        if with_chance:
            self.rules = [self._with_chance(rule) for rule in self.rules]
            self.holdouts = [self._holdout(number) for number in range(self.random.choice((0, 0, 1, 2)))]

    def context(self) -> EvaluationContext:
        """A visitor that knows about two thirds of what may be asked."""
        named = self._some(GIVEN_SEGMENTS)
        attributes: dict[str, AttributeValue] = {"segment": named} if self._chance(0.7) else {}
        for name in [*TEXTS, *NUMBERS, "language", "refinement.colour"]:
            if self._chance(0.7):
                attributes[name] = self._value(name)
        attributes |= {name: self.random.choice(values) for name, values in WORKED.items() if self._chance(0.7)}
        unverified = self._some(GIVEN_SEGMENTS) if self._chance(0.3) else frozenset()
        shown = {cap.measure: self.random.choice((None, 0.0, 1.0, 2.0, 3.0)) for cap in CAPS}
        return EvaluationContext(
            self.random.choice(("", *map(str, range(200)))),
            self.random.choice(MOMENTS),
            attributes,
            unverified=unverified,
            bucket_key=self.random.choice(("", "", "first seen as this")),
            read=shown.get,
        )

    def _with_chance(self, rule: Rule) -> Rule:
        draws = [Draw(f"rollout:{rule.name}", self._steps())] if self._chance(0.2) else []
        if self._chance(0.15):
            low = self.random.choice((0, 2_500, 5_000))
            draws.append(Draw("group:G", ((float("-inf"), low + 2_500),), low))
        return replace(
            rule,
            draws=tuple(draws),
            caps=tuple(self.random.sample(CAPS, self.random.choice((0, 0, 1, 2)))),
            holdout=self.random.choice((0, 0, 0, 3_000)),
            layer=self.random.choice(("", "", "", "L", "M")),
            experiment=self._experiment(rule) if self._chance(0.25) else None,
        )

    def _steps(self) -> tuple[tuple[float, int], ...]:
        shares = sorted(self.random.choices((0, 1, 1_234, 5_000, BUCKETS), k=self.random.randint(1, 3)))
        times = sorted(self.random.sample(MOMENTS, len(shares)))
        return tuple(zip((float("-inf"), *times[1:]) if self._chance(0.7) else times, shares, strict=True))

    def _experiment(self, rule: Rule) -> Experiment:
        shares = self.random.choice(((5_000, 5_000), (1_000, 2_000), (3_334, 3_333, 3_333), (1, 9_998), (0, 5_000)))
        arms = [
            Arm(f"arm {place}", share, f"{rule.name}/{place}" if place else "") for place, share in enumerate(shares)
        ]
        return Experiment(tuple(arms), split_by=self.random.choice(("", "", "tier")))

    def _holdout(self, number: int) -> Holdout:
        slots = self.random.choice((frozenset(), frozenset({"home.hero"})))
        live_until = self.random.choice((float("inf"), self.random.choice(MOMENTS)))
        return Holdout(f"holdout {number}", self.random.choice((500, 3_000)), slots, live_until=live_until)

    def _segments(self) -> list[Segment]:
        segments: list[Segment] = []
        for name in ("Walkers", "Big spenders", "VIP")[: self.random.randint(0, 3)]:
            condition = self._condition(["Newsletter", "Straße", *(segment.name for segment in segments)])
            segments.append(Segment(name, condition, timezone=self.random.choice(ZONES)))
        return self.random.sample(segments, len(segments))

    def _rule(self, order: int) -> Rule:
        known = [*GIVEN_SEGMENTS, *(segment.name for segment in self.segments)]
        live_from = self.random.choice(MOMENTS) if self._chance(0.3) else float("-inf")
        live_until = self.random.choice(MOMENTS) if self._chance(0.3) else float("inf")
        return Rule(
            f"rule {order}",
            self.random.choice(SLOTS),
            self._condition(known),
            variant=f"v{order}" if self._chance(0.9) else "",
            priority=self.random.choice((20, 50, 50, 80)),
            order=order,
            live_from=live_from,
            live_until=live_until,
            timezone=self.random.choice(ZONES),
            needs_verified=self._chance(0.3),
        )

    def _condition(self, segments: Sequence[str], depth: int = 0) -> Condition:
        if depth == 0 and self._chance(0.1):
            return self._tangled(segments)
        if self._chance(0.4 + 0.2 * depth):
            return self._fact(segments)
        group = self.random.choice((AllOf, AllOf, AnyOf, AnyOf, NoneOf))
        return group(tuple(self._condition(segments, depth + 1) for _ in range(self.random.randint(0, 4))))

    def _tangled(self, segments: Sequence[str]) -> Condition:
        """Alternatives that multiply into more conjunctions than a plan takes."""
        groups = [AnyOf(tuple(self._fact(segments) for _ in range(4))) for _ in range(3)]
        return AllOf((self._fact(segments), *groups))

    def _fact(self, segments: Sequence[str]) -> Fact:
        if self._chance(0.12):
            return Fact("weekday", self.random.choice((OneOf, NotOneOf))(self._some(WEEKDAYS)))
        if self._chance(0.12):
            return Fact("hours", WithinHours(self.random.randrange(0, 1440, 30), self.random.randrange(0, 1440, 30)))
        if self._chance(0.12):
            return self._worked()
        name = self.random.choice([*TEXTS, *NUMBERS, *SETS, "segment"])
        return Fact(name, self._test(name, segments))

    def _worked(self) -> Fact:
        """A fact about something worked out of an attribute, or about the moment itself."""
        low, high = sorted(self.random.sample(MOMENTS, 2))
        age, version = self.random.choice((0.0, 86_400.0, 3e6)), version_number(self.random.choice(("2.9.3", "2.10")))
        assert version is not None
        name, test = self.random.choice(
            (
                ("now", Between(low, high, open_high=True)),
                ("joined › at", Between(low, high)),
                ("joined › ago", Between(age, age * 2, open_low=True)),
                ("app version › version", Between(low=version)),
                ("app version › version", Between(high=version, open_high=True)),
                ("location › km from 52.09,5.12", Between(high=60.0)),
                ("time zone › weekday", OneOf(self._some(WEEKDAYS))),
                (
                    "time zone › hours",
                    WithinHours(self.random.randrange(0, 1440, 30), self.random.randrange(0, 1440, 30)),
                ),
            )
        )
        return Fact(name, test)

    def _test(self, name: str, segments: Sequence[str]) -> Test:
        is_of_segments = name == "segment"  # whose names, in a segment's own condition, settle what comes before what
        if self._chance(0.12) and not is_of_segments:
            return IsKnown(self._chance(0.5))
        if name in NUMBERS and self._chance(0.8):
            low, high = self.random.choice(NUMBERS[name]), self.random.choice(NUMBERS[name])
            ends = self.random.choice(((low, high), (low, float("inf")), (float("-inf"), high)))
            return Between(*ends, open_low=self._chance(0.3), open_high=self._chance(0.3))
        words = segments if is_of_segments else self._words(name)
        if self._chance(0.2) and not is_of_segments:
            parts = tuple(word[: self.random.randint(1, 4)] for word in self._some(words))
            return self.random.choice((StartsWith, Contains))(parts)
        return self.random.choice((OneOf, OneOf, NotOneOf))(self._some(words))

    def _words(self, name: str) -> Sequence[str]:
        return TEXTS.get(name) or SETS.get(name) or ("0", "1", "19.95", "yes")

    def _value(self, name: str) -> AttributeValue:
        if self._chance(0.1):  # the type that an importer made of it is not always the one meant
            return self.random.choice((True, False, 1.0, 0.0, 4.0, 19.95, 19.950000000001, "19.95", "YES", frozenset()))
        if name in NUMBERS:
            return self.random.choice(NUMBERS[name]) + self.random.choice((0.0, 0.0, 0.5))
        if name in SETS:
            return self._some(SETS[name])
        text = self.random.choice(TEXTS[name])
        return self.random.choice((text, text, text.upper(), "something else"))

    def _some(self, words: Sequence[str]) -> frozenset[str]:
        return frozenset(self.random.sample(list(words), self.random.randint(0, min(3, len(words)))))

    def _chance(self, share: float) -> bool:
        return self.random.random() < share


def plain_decisions(world: World, context: EvaluationContext) -> dict[str, Decision]:
    """What each slot shows, by trying every rule, from the best of all downwards."""
    settled: dict[str, Decision] = {}
    capped: dict[str, Decision] = {}
    layers: set[str] = set()
    for rule in fitting(world.rules, world.segments, context):
        arm = _arm(rule, context)
        if rule.slot in settled or not _is_drawn(rule, context) or arm is None:
            continue
        if any((context.read(cap.measure) or 0) >= cap.enough for cap in rule.caps):
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
