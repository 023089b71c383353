"""Random rules, segments and visitors, to hold the plan against the plain meaning of deciding (`plain.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from proxy.bucketing import BUCKETS
from proxy.conditions.derived import version_number
from proxy.conditions.localtime import WEEKDAYS
from proxy.model import (
    AllOf,
    AnyOf,
    Arm,
    AttributeValue,
    Between,
    Cap,
    Condition,
    Contains,
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
