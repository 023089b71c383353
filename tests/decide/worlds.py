"""Random rules, segments and visitors, and the plain meaning of deciding, to hold the plan against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

from proxy.conditions.values import WEEKDAYS, matches
from proxy.model import (
    AllOf,
    AnyOf,
    Attributes,
    AttributeValue,
    Between,
    Condition,
    Contains,
    EvaluationContext,
    Fact,
    IsKnown,
    NoneOf,
    NotOneOf,
    OneOf,
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


class World:
    """A seeded source of rules, segments and visitors that often nearly match."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.segments = self._segments()
        self.rules = [self._rule(order) for order in range(self.random.randint(1, 25))]

    def context(self) -> EvaluationContext:
        """A visitor that knows about two thirds of what may be asked."""
        named = self._some(GIVEN_SEGMENTS)
        attributes: dict[str, AttributeValue] = {"segment": named} if self._chance(0.7) else {}
        for name in [*TEXTS, *NUMBERS, "language", "refinement.colour"]:
            if self._chance(0.7):
                attributes[name] = self._value(name)
        unverified = self._some(GIVEN_SEGMENTS) if self._chance(0.3) else frozenset()
        return EvaluationContext("v", self.random.choice(MOMENTS), attributes, unverified=unverified)

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
        name = self.random.choice([*TEXTS, *NUMBERS, *SETS, "segment"])
        return Fact(name, self._test(name, segments))

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


def plain_winners(rules: Sequence[Rule], segments: Sequence[Segment], context: EvaluationContext) -> dict[str, str]:
    """The rule shown in each slot, "" for none, by trying every rule."""
    trusted = _in_segments(segments, context, frozenset(name.casefold() for name in context.unverified))
    anyhow = _in_segments(segments, context, frozenset())
    winners: dict[str, str] = {}
    for rule in sorted(rules, key=lambda rule: (-rule.priority, -_facts(rule.condition), rule.order)):
        is_live = rule.live_from <= context.now < rule.live_until
        attributes = trusted if rule.needs_verified else anyhow
        if is_live and matches(rule.condition, attributes, now=context.now, timezone=rule.timezone):
            winners.setdefault(rule.slot, rule.name)
    return {slot: winners.get(slot, "") for slot in {rule.slot for rule in rules}}


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
