"""Rules compiled for deciding: every conjunction of every rule is one bit of an integer.

How it works, with three rules for one slot, best first:

    bit 2   Norway sale      country NO, cart total at least 20
    bit 1   Trail season     segment Trail runners
    bit 0   Welcome          everybody

For each attribute a `Column` knows, per value, the bits that this value leaves possible: `country` NO leaves 111,
any other country 011, for only bit 2 asks about it; `segment` {VIP} leaves 101, `cart total` 12 leaves 011. A visitor
from Norway, in segment VIP, with 12 in the cart: 111 & 101 & 011 = 001. The highest bit left in the slot's part of the
integer is the winner: Welcome. So a decision costs a few look-ups and ANDs, however many rules there are. What the
winner asks of chance and of the visitor's history stands in its `Guard`.

Bits are laid out, from the lowest, as  [segments' conditions][literals of residuals][slot][slot]...  and within a slot
in rank, the best highest, for an integer knows its highest bit: higher priority, then more facts, then earlier in the
folder. A plan is immutable; `decide/engine.py` reads it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import count, groupby
from math import inf
from typing import NamedTuple

import msgspec

from proxy.conditions.derived import MARK, base_of, value_of
from proxy.decide.clock import Clock
from proxy.decide.column import Column, column
from proxy.decide.conjunctions import Literal, alternatives, facts_of
from proxy.decide.guard import HeldOut, decision_of, guard_of, held_out_by, split_change_times
from proxy.decide.layers import Layers
from proxy.decide.layout import Layout
from proxy.decide.membership import ComputedSegment, Membership
from proxy.decide.residual import Residual, residual
from proxy.decide.rule_order import Contender, RuleOrder
from proxy.decide.shortcuts import LookupTables, lookup_tables
from proxy.decide.slot_inputs import SlotInputs, inputs_by_slot
from proxy.model import (
    Between,
    Decision,
    EvaluationContext,
    Fact,
    Holdout,
    NotOneOf,
    OneOf,
    Reason,
    Rule,
    Segment,
)

CLOCK_ATTRIBUTES = ("weekday", "hours", "now")
SCHEDULE, VERIFIED = "schedule", "verified"
JOURNEY = "journey stage"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan:
    """Compiled rules. `rule_order` has each slot's rules; `layers` is None when no rule has one; the rest serves to
    find a visitor's bits. `journey` is a plan of its own, whose one slot shows the stage."""

    version: str
    rules: tuple[Rule, ...]
    segments: tuple[Segment, ...]
    rule_order: RuleOrder
    layers: Layers | None
    holdouts: tuple[Holdout, ...]
    held_out: tuple[HeldOut, ...]
    columns: Mapping[str, Column]
    derived: tuple[tuple[str, Column], ...]
    clock: Clock
    membership: Membership
    lookup_tables: LookupTables
    inputs: Mapping[str, SlotInputs]
    journey: Plan | None = None

    def __repr__(self) -> str:
        return f"<Plan {self.version or 'without version'}: {len(self.rules)} rules in {len(self.slots)} slots>"

    @property
    def slots(self) -> frozenset[str]:
        """Every slot that has a rule, live or not."""
        return frozenset(self.rule_order.masks)

    def possible(self, context: EvaluationContext, untold: Container[str] = ()) -> int:
        """The bits a visitor satisfies, before residuals. `decide` finds the same by look-up tables, which need
        hashable values. Attributes in `untold` may have any value."""
        attributes = context.attributes
        bits = self.clock.bits(context.now)
        for attribute, found in (*self.columns.items(), *self.derived):
            if base_of(attribute) not in untold:
                bits &= found.bits(value_of(attribute, attributes, context.now))
        if "segment" in untold:
            return bits
        own_bits = bits & self.membership.own_bits
        return bits & self.membership.bits((own_bits, attributes.get("segment"), context.unverified))

    @property
    def parts(self) -> list[object]:
        """The many objects it consists of, to be freed one by one (`garbage.py`)."""
        return [*self.rules, *self.rule_order.contenders, *self.inputs.values()]

    def inputs_of(self, slots: Iterable[str]) -> SlotInputs:
        """The inputs of these slots."""
        return SlotInputs.together(self.inputs[slot] for slot in slots if slot in self.inputs)


def compile_plan(
    rules: Sequence[Rule],
    segments: Sequence[Segment] = (),
    holdouts: Sequence[Holdout] = (),
    *,
    journey: Sequence[Segment] = (),
    version: str = "",
) -> Plan:
    """The plan of these rules. Segments may depend on one another, but not in a cycle (`graphlib.CycleError`). No stage
    of a `journey` depends on the stage."""
    layout = Layout()
    computed = tuple(_computed(segment, layout) for segment in in_order_of_use(segments))
    own_bits = layout.everyone
    rule_order = _rule_order(rules, layout)
    columns = layout.columns()
    clock = Clock(
        layout.everyone,
        columns.pop(("now", SCHEDULE), None),
        {asked: columns.pop(asked) for asked in list(columns) if asked[0] in CLOCK_ATTRIBUTES},
        split_change_times(rules, holdouts),
    )
    nobody_asks = column([{}], layout.everyone)
    asked, verified = columns.pop(("segment", ""), nobody_asks), columns.pop(("segment", VERIFIED), None)
    membership = Membership(computed, own_bits, asked, verified)
    plain = {attribute: found for (attribute, _), found in columns.items()}
    derived = tuple((attribute, plain.pop(attribute)) for attribute in list(plain) if MARK in attribute)
    return Plan(
        version,
        tuple(rules),
        tuple(segments),
        rule_order,
        _layers(rules),
        tuple(holdouts),
        tuple(map(held_out_by, holdouts)),
        plain,
        derived,
        clock,
        membership,
        lookup_tables(plain, membership),
        inputs_by_slot(rules, lambda facts: _with_what_they_name(facts, segments, journey), holdouts),
        compile_plan(list(map(_stage, count(), journey)), segments) if journey else None,
    )


def rank(rule: Rule) -> tuple[int, int, int]:
    """The sort key of the rules of a slot, the winner first."""
    return (-rule.priority, -sum(1 for _ in facts_of(rule.condition)), rule.order)


def in_order_of_use(segments: Iterable[Segment]) -> list[Segment]:
    """Segments sorted so that each comes after those it names, else in the given order. `segment: any` in a segment
    means the ones before it."""
    by_name = {segment.name.casefold(): segment for segment in segments}
    uses = {name: names_in(facts_of(segment.condition), by_name) for name, segment in by_name.items()}
    return [by_name[name] for name in TopologicalSorter(uses).static_order()]


def names_in(facts: Iterable[Fact], segments: Mapping[str, Segment]) -> list[str]:
    """The computed segments named in facts, casefolded."""
    asked = (
        fact.test.values for fact in facts if fact.attribute == "segment" and isinstance(fact.test, OneOf | NotOneOf)
    )
    names = {name.casefold() for values in asked for name in values}
    return sorted([name for name in names if name in segments])


# -- giving out bits


class _Form(NamedTuple):
    """A condition prepared for bits: each literal says what exactly it tests."""

    conjunctions: tuple[frozenset[Literal], ...]
    residual: Residual | None


def _form(asker: Rule | Segment, layout: Layout) -> _Form:
    found = alternatives(asker.condition)
    asked = residual(found.left_out, lambda literal: layout.literal(spoken(literal, asker)))
    made = (frozenset(spoken(literal, asker) for literal in conjunction) for conjunction in found.conjunctions)
    return _Form(tuple(made), asked)


def spoken(literal: Literal, asker: Rule | Segment) -> Literal:
    """The literal with what it tests: which time zone's clock, which kind of segments."""
    if literal.attribute == "now":
        return msgspec.structs.replace(literal, of=SCHEDULE)
    if literal.attribute in CLOCK_ATTRIBUTES:
        return msgspec.structs.replace(literal, of=asker.timezone)
    if literal.attribute == "segment" and isinstance(asker, Rule) and asker.needs_verified:
        return msgspec.structs.replace(literal, of=VERIFIED)
    return literal


def _computed(segment: Segment, layout: Layout) -> ComputedSegment:
    form = _form(segment, layout)
    return ComputedSegment(segment.name, sum(map(layout.conjunction, form.conjunctions)), form.residual)


def _rule_order(rules: Sequence[Rule], layout: Layout) -> RuleOrder:
    best_last = sorted((rule for rule in rules if not rule.paused), key=rank)[::-1]
    by_slot = sorted(best_last, key=lambda rule: rule.slot)
    forms = [(rule, _form(rule, layout)) for rule in by_slot]  # before any slot's bits, which must be together
    lowest = layout.width + 1
    contenders: list[Contender] = []
    masks = dict.fromkeys(sorted({rule.slot for rule in rules}), 0)
    beneath = dict.fromkeys(masks, 0)
    for slot, entries in groupby(forms, key=lambda entry: entry[0].slot):
        beneath[slot] = layout.everyone
        for rule, form in entries:
            contenders += _contenders(rule, form, layout)
        masks[slot] = layout.everyone ^ beneath[slot]
    live = {rule.slot for rule in by_slot}
    unfilled = {slot: Decision(slot) if slot in live else _paused(slot) for slot in masks}
    return RuleOrder(lowest, tuple(contenders), masks, beneath, unfilled)


def _contenders(rule: Rule, form: _Form, layout: Layout) -> Iterator[Contender]:
    """A contender for each of the rule's bits, which are assigned here."""
    decision, guard = decision_of(rule), guard_of(rule)
    for number, conjunction in enumerate(form.conjunctions, start=1):
        layout.conjunction(conjunction | schedule_of(rule))
        yield (decision, form.residual, guard, number) if form.residual or guard else decision


def _paused(slot: str) -> Decision:
    return Decision(slot, reason=Reason.DISABLED, detail="paused")


def _with_what_they_name(facts: list[Fact], segments: Sequence[Segment], journey: Sequence[Segment]) -> list[Fact]:
    """The facts, and those of the segments and stages that they name, directly or indirectly."""
    found = list(facts)
    unused = {segment.name.casefold(): segment for segment in segments}
    stages = list(journey)
    for fact in found:  # grows as it is walked
        if fact.attribute == "segment":
            by_name = isinstance(fact.test, OneOf | NotOneOf)
            for name in names_in([fact], unused) if by_name else list(unused):
                found += facts_of(unused.pop(name).condition)
        while stages and fact.attribute == JOURNEY:
            found += facts_of(stages.pop().condition)
    return found


def _layers(rules: Sequence[Rule]) -> Layers | None:
    of = {rule.name: rule.layer for rule in rules if rule.layer}
    return Layers(of, {rule.name: place for place, rule in enumerate(sorted(rules, key=rank))}) if of else None


def _stage(depth: int, stage: Segment) -> Rule:
    """The rule that shows a stage: of the fitting ones, the last wins."""
    return Rule(stage.name, JOURNEY, stage.condition, priority=depth, timezone=stage.timezone, place=stage.place)


def schedule_of(rule: Rule) -> frozenset[Literal]:
    """A rule's schedule as a test of `now`; nothing for a rule that is always live."""
    if (rule.live_from, rule.live_until) == (-inf, inf):
        return frozenset()
    return frozenset({Literal("now", Between(rule.live_from, rule.live_until, open_high=True), of=SCHEDULE)})
