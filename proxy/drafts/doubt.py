"""Whether a recorded view is enough to decide a slot: a rule may use attributes that were not recorded.

A missing attribute may have had any value. So a condition is examined twice: can it hold, and can it fail? A slot is in
doubt when a rule that could win may or may not match. A rule that fails by its other lines leaves no doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

import msgspec

from proxy.conditions.derived import base_of, value_of
from proxy.conditions.localtime import CLOCK_ATTRIBUTES
from proxy.conditions.values import holds, with_local_time
from proxy.decide.conjunctions import facts_of
from proxy.decide.engine import caps_read, fitting, with_journey_stage
from proxy.decide.membership import names_of, verified_names
from proxy.decide.plan import JOURNEY, Plan
from proxy.model import (
    AllOf,
    AnyOf,
    Attributes,
    Cap,
    Condition,
    Fact,
    NoneOf,
    NotOneOf,
    OneOf,
    Segment,
    View,
    measure_name,
)


@dataclass(frozen=True, slots=True)
class Chance:
    """Whether a condition can hold and whether it can fail: both, when something it asks for is unknown."""

    may_hold: bool
    may_fail: bool


ANYHOW = Chance(True, True)


class Doubts:
    """Finds the slots of a view that a plan cannot decide for certain."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._layers = {slot: {rule.layer for rule in plan.rules if rule.slot == slot} - {""} for slot in plan.slots}
        self._rules = {rule.name: rule for rule in plan.rules}
        self._of_segments = {base_of(fact.attribute) for one in plan.segments for fact in facts_of(one.condition)}
        self._asked = {slot: asked.attributes - {*CLOCK_ATTRIBUTES, JOURNEY} for slot, asked in plan.inputs.items()}

    def about(self, view: View) -> dict[str, frozenset[str]]:
        """For each slot in doubt, what was not recorded: attributes, and caps as they are written. Doubt about a slot
        with layers spreads to the other slots."""
        caps = caps_read(self._plan, view.context, view.shown)
        found = {slot: missing for slot in view.shown if (missing := self._missing(view, slot, caps[slot]))}
        found = {slot: missing for slot, missing in found.items() if self._is_in_doubt(view, slot, missing)}
        layers = {layer for slot in found for layer in self._layers[slot]}
        missing = frozenset[str]().union(*found.values())
        return found | {slot: missing for slot in view.shown if layers & self._layers.get(slot, set())}

    def _missing(self, view: View, slot: str, caps: Iterable[Cap]) -> frozenset[str]:
        unread = frozenset(cap.text for cap in caps if _is_unread(cap, view))
        return unread | missing_in(view, self._asked[slot]) if slot in self._asked else unread

    def _is_in_doubt(self, view: View, slot: str, missing: frozenset[str]) -> bool:
        """Whether the slot's decision may depend on what is missing: down to the first rule that surely shows."""
        asker = _Asker(self._plan, view, missing)
        for decided, guard in fitting(self._plan, slot, asker.possible(self._of_segments)):
            rule = self._rules[decided.rule]
            chance = asker.chance(rule.condition, rule.timezone, is_verified=rule.needs_verified)
            if not chance.may_hold:
                continue
            is_unread = any(_is_unread(cap, view) for cap in rule.caps)
            if chance.may_fail or is_unread or (rule.experiment and rule.experiment.split_by in missing):
                return True
            said = guard.decide(view.context) if guard else decided
            if said is not None and said.detail != "capped":
                return False
        return False


def missing_in(view: View, asked: frozenset[str]) -> frozenset[str]:
    """The attributes, of those asked, of which the view tells neither a value nor that there was none."""
    return asked.difference(view.attributes, view.unknown)


def _is_unread(cap: Cap, view: View) -> bool:
    return measure_name(cap.measure) not in view.readings


class _Asker:
    """Asks a view's attributes, some of which are missing."""

    def __init__(self, plan: Plan, view: View, missing: frozenset[str]) -> None:
        self._segments: Mapping[str, Segment] = {segment.name.casefold(): segment for segment in plan.segments}
        self._view = view
        self._missing = missing
        self._plan = plan
        self._attributes = with_journey_stage(plan, view.context).attributes
        if plan.journey is not None and missing & plan.journey.inputs_of([JOURNEY]).attributes:
            self._missing = missing | {JOURNEY}

    def possible(self, of_segments: Set[str]) -> int:
        """The bits that may hold; `of_segments` is what the plan's segments ask."""
        untold = self._missing | {"segment"} if self._missing & of_segments else self._missing
        return self._plan.possible(msgspec.structs.replace(self._view.context, attributes=self._attributes), untold)

    def chance(self, condition: Condition, timezone: str, *, is_verified: bool) -> Chance:
        """Of a condition whose weekday and hours are those of `timezone`."""
        named = self._attributes.get("segment")
        names = verified_names(named, self._view.unverified) if is_verified else names_of(named)
        attributes = with_local_time({**self._attributes, "segment": names}, now=self._view.at, timezone=timezone)
        return self._chance(condition, attributes)

    def _chance(self, condition: Condition, attributes: Attributes) -> Chance:
        match condition:
            case Fact():
                return self._of_fact(condition, attributes)
            case AllOf(parts):
                each = [self._chance(part, attributes) for part in parts]
                return Chance(all(part.may_hold for part in each), any(part.may_fail for part in each))
            case AnyOf(parts):
                each = [self._chance(part, attributes) for part in parts]
                return Chance(any(part.may_hold for part in each), all(part.may_fail for part in each))
            case NoneOf(parts):
                inner = self._chance(AnyOf(parts), attributes)
                return Chance(inner.may_fail, inner.may_hold)

    def _of_fact(self, fact: Fact, attributes: Attributes) -> Chance:
        if base_of(fact.attribute) in self._missing:
            return ANYHOW
        if fact.attribute == "segment":
            return self._of_segments(fact, attributes)
        is_so = holds(fact.test, value_of(fact.attribute, attributes, self._view.at))
        return Chance(is_so, not is_so)

    def _of_segments(self, fact: Fact, attributes: Attributes) -> Chance:
        """Who is in a segment by name is in it; else its own condition says."""
        if not isinstance(fact.test, OneOf | NotOneOf):
            return ANYHOW
        named = {name.casefold() for name in names_of(attributes.get("segment"))}
        each = [self._in_segment(name.casefold(), named, attributes) for name in fact.test.values]
        any_of = Chance(any(one.may_hold for one in each), all(one.may_fail for one in each))
        return any_of if isinstance(fact.test, OneOf) else Chance(any_of.may_fail, any_of.may_hold)

    def _in_segment(self, name: str, named: set[str], attributes: Attributes) -> Chance:
        segment = self._segments.get(name)
        if name in named or segment is None:
            return Chance(name in named, name not in named)
        local = with_local_time(attributes, now=self._view.at, timezone=segment.timezone)
        return self._chance(segment.condition, local)
