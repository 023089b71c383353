"""The plan: all rules compiled to bitsets. Every conjunction of every rule is one bit of an integer.

An example with three rules for one slot, best first:

    bit 2   Norway sale      country NO, cart total at least 20
    bit 1   Trail season     segment Trail runners
    bit 0   Welcome          everybody

For each attribute a `Column` gives the bits that a value leaves possible: `country` NO leaves 111, any other country
011, since only bit 2 tests it; `segment` {VIP} leaves 101, `cart total` 12 leaves 011. For a visitor from Norway, in
segment VIP, with 12 in the cart: 111 & 101 & 011 = 001. The rule of the highest bit left in the slot's part of the
integer wins: Welcome. So a decision takes a few look-ups and ANDs, however many rules there are. Random shares and caps
of a rule are in its `Guard`, which is evaluated only when the rule is about to win.

The bits are, from the lowest:  [conditions of segments][literals of residuals][slot][slot]...  and within a slot by
rank, the best rule highest: higher priority, then more facts, then earlier in the folder. A plan is immutable;
`decide/engine.py` reads it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import count
from math import inf
from typing import NamedTuple

import msgspec

from proxy.conditions.derived import MARK, base_of, value_of
from proxy.conditions.localtime import CLOCK_ATTRIBUTES
from proxy.decide.clock import Clock
from proxy.decide.column import Column, column
from proxy.decide.conjunctions import Literal, alternatives, facts_of
from proxy.decide.guard import CompiledHoldout, compiled_holdout, decision_of, guard_of, split_change_times
from proxy.decide.layers import Layers
from proxy.decide.layout import Contender, Layout, RuleOrder
from proxy.decide.lookup_tables import LookupTables, lookup_tables
from proxy.decide.membership import ComputedSegment, Membership
from proxy.decide.residual import Residual, residual
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

SCHEDULE, VERIFIED = "schedule", "verified"
JOURNEY = "journey stage"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan:
    """Compiled rules.

    * `rule_order`: the rules of each slot; `layers`: None if no rule has a layer.
    * `columns`, `derived`, `clock`, `membership`: these give the bits of a visitor; `lookup_tables` cache them.
    * `inputs`: for each slot, what its decision depends on.
    * `journey`: a plan of its own, whose one slot shows the journey stage; None without stages.
    """

    version: str
    rules: tuple[Rule, ...]
    segments: tuple[Segment, ...]
    rule_order: RuleOrder
    layers: Layers | None
    holdouts: tuple[Holdout, ...]
    compiled_holdouts: tuple[CompiledHoldout, ...]
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

    def possible(self, context: EvaluationContext, ignored: Container[str] = ()) -> int:
        """The bits that a visitor satisfies, without residuals. Attributes in `ignored` may have any value. (`decide`
        gets the same bits from look-up tables, which need hashable values.)"""
        attributes = context.attributes
        bits = self.clock.bits(context.now)
        for attribute, found in (*self.columns.items(), *self.derived):
            if base_of(attribute) not in ignored:
                bits &= found.bits(value_of(attribute, attributes, context.now))
        if "segment" in ignored:
            return bits
        segment_bits = bits & self.membership.segment_bits
        return bits & self.membership.bits((segment_bits, attributes.get("segment"), context.unverified))

    @property
    def parts(self) -> list[object]:
        """The many objects that it consists of, to be freed one by one (`garbage.py`)."""
        return [*self.rules, *self.rule_order.contenders, *self.inputs.values()]

    def inputs_of(self, slots: Iterable[str]) -> SlotInputs:
        """The inputs of these slots together."""
        return SlotInputs.together(self.inputs[slot] for slot in slots if slot in self.inputs)


def compile_plan(
    rules: Sequence[Rule],
    segments: Sequence[Segment] = (),
    holdouts: Sequence[Holdout] = (),
    *,
    journey: Sequence[Segment] = (),
    version: str = "",
) -> Plan:
    """The plan of these rules. Segments may depend on one another; raises `graphlib.CycleError` for a cycle. The stages
    of a `journey` may not test the stage."""
    layout = Layout()
    computed = tuple(_computed_segment(segment, layout) for segment in in_dependency_order(segments))
    segment_bits = layout.all_bits
    rule_order = _rule_order(rules, layout)
    columns = layout.columns()
    clock = Clock(
        layout.all_bits,
        columns.pop(("now", SCHEDULE), None),
        {key: columns.pop(key) for key in list(columns) if key[0] in CLOCK_ATTRIBUTES},
        split_change_times(rules, holdouts),
        ((countdown, rule.timezone) for rule in rules for countdown in rule.countdowns),
    )
    no_tests = column([{}], layout.all_bits)
    plain_segments, verified = columns.pop(("segment", ""), no_tests), columns.pop(("segment", VERIFIED), None)
    membership = Membership(computed, segment_bits, plain_segments, verified)
    plain = {attribute: found for (attribute, _), found in columns.items()}
    derived = tuple((attribute, plain.pop(attribute)) for attribute in list(plain) if MARK in attribute)
    return Plan(
        version,
        tuple(rules),
        tuple(segments),
        rule_order,
        _layers(rules),
        tuple(holdouts),
        tuple(map(compiled_holdout, holdouts)),
        plain,
        derived,
        clock,
        membership,
        lookup_tables(plain, membership),
        inputs_by_slot(rules, lambda facts: _with_named_segments(facts, segments, journey), holdouts),
        compile_plan(list(map(_stage_rule, count(), journey)), segments) if journey else None,
    )


def rank(rule: Rule) -> tuple[int, int, int]:
    """The sort key of the rules of a slot, best first."""
    return (-rule.priority, -sum(1 for _ in facts_of(rule.condition)), rule.order)


def in_dependency_order(segments: Iterable[Segment]) -> list[Segment]:
    """The segments sorted so that each comes after those that it names. (`segment: any` in a segment means the ones
    before it.)"""
    by_name = {segment.name.casefold(): segment for segment in segments}
    uses = {name: segment_names_in(facts_of(segment.condition), by_name) for name, segment in by_name.items()}
    return [by_name[name] for name in TopologicalSorter(uses).static_order()]


def segment_names_in(facts: Iterable[Fact], segments: Mapping[str, Segment]) -> list[str]:
    """The names among `segments` that the facts name, casefolded."""
    named = (
        fact.test.values for fact in facts if fact.attribute == "segment" and isinstance(fact.test, OneOf | NotOneOf)
    )
    names = {name.casefold() for values in named for name in values}
    return sorted([name for name in names if name in segments])


# -- assigning bits


class _Form(NamedTuple):
    """A condition ready to get bits: its qualified conjunctions, and its residual."""

    conjunctions: tuple[frozenset[Literal], ...]
    residual: Residual | None


def _form(owner: Rule | Segment, layout: Layout) -> _Form:
    found = alternatives(owner.condition)
    rest = residual(found.left_out, lambda literal: layout.bit_of(qualified(literal, owner)))
    made = (frozenset(qualified(literal, owner) for literal in conjunction) for conjunction in found.conjunctions)
    return _Form(tuple(made), rest)


def qualified(literal: Literal, owner: Rule | Segment) -> Literal:
    """The literal with its qualifier: the time zone of a weekday or hours, or `VERIFIED` for signed segments."""
    if literal.attribute == "now":
        return msgspec.structs.replace(literal, qualifier=SCHEDULE)
    if literal.attribute in CLOCK_ATTRIBUTES:
        return msgspec.structs.replace(literal, qualifier=owner.timezone)
    if literal.attribute == "segment" and isinstance(owner, Rule) and owner.needs_verified:
        return msgspec.structs.replace(literal, qualifier=VERIFIED)
    return literal


def _computed_segment(segment: Segment, layout: Layout) -> ComputedSegment:
    form = _form(segment, layout)
    return ComputedSegment(segment.name, sum(map(layout.add_conjunction, form.conjunctions)), form.residual)


def _rule_order(rules: Sequence[Rule], layout: Layout) -> RuleOrder:
    live: dict[str, list[Rule]] = {slot: [] for slot in sorted({rule.slot for rule in rules})}
    for rule in rules:
        if not rule.paused:
            live[rule.slot].append(rule)
    # Residuals get their bits before any slot.
    forms = {slot: [(rule, _form(rule, layout)) for rule in sorted(here, key=rank)] for slot, here in live.items()}
    lowest = layout.width + 1
    contenders: list[Contender] = []
    masks, below = dict[str, int](), dict[str, int]()
    for slot, entries in forms.items():
        below[slot] = layout.all_bits
        while entries:  # the best last; each is freed by itself, as to free all at once would hold up pages
            contenders += _contenders(*entries.pop(), layout)
        masks[slot] = layout.all_bits ^ below[slot]
    paused = [Decision(slot, reason=Reason.DISABLED, detail="paused") for slot, here in live.items() if not here]
    unfilled = {slot: Decision(slot) for slot in live} | {decision.slot: decision for decision in paused}
    return RuleOrder(lowest, tuple(contenders), masks, below, unfilled)


def _contenders(rule: Rule, form: _Form, layout: Layout) -> Iterator[Contender]:
    """Assigns the rule's bits; yields a contender for each."""
    decision, guard = decision_of(rule), guard_of(rule)
    for number, conjunction in enumerate(form.conjunctions, start=1):
        layout.add_conjunction(conjunction | schedule_of(rule))
        yield (decision, form.residual, guard, number) if form.residual or guard else decision


def _with_named_segments(facts: list[Fact], segments: Sequence[Segment], journey: Sequence[Segment]) -> list[Fact]:
    """The facts, and those in the conditions of the segments and stages that they name, directly or indirectly."""
    found = list(facts)
    unused = {segment.name.casefold(): segment for segment in segments}
    stages = list(journey)
    for fact in found:  # grows as it is walked
        if fact.attribute == "segment":
            by_name = isinstance(fact.test, OneOf | NotOneOf)
            for name in segment_names_in([fact], unused) if by_name else list(unused):
                found += facts_of(unused.pop(name).condition)
        while stages and fact.attribute == JOURNEY:
            found += facts_of(stages.pop().condition)
    return found


def _layers(rules: Sequence[Rule]) -> Layers | None:
    of = {rule.name: rule.layer for rule in rules if rule.layer}
    return Layers(of, {rule.name: place for place, rule in enumerate(sorted(rules, key=rank))}) if of else None


def _stage_rule(depth: int, stage: Segment) -> Rule:
    """The rule that shows a journey stage: of the stages that fit, the last wins."""
    return Rule(stage.name, JOURNEY, stage.condition, priority=depth, timezone=stage.timezone, place=stage.place)


def schedule_of(rule: Rule) -> frozenset[Literal]:
    """A rule's schedule as a test of `now`; nothing for a rule that is always live."""
    if (rule.live_from, rule.live_until) == (-inf, inf):
        return frozenset()
    return frozenset({Literal("now", Between(rule.live_from, rule.live_until, open_high=True), qualifier=SCHEDULE)})
