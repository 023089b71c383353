"""The decision: from a plan and a context to a decision for each slot. Pure, and the hottest code of all.

It gives the same result as `Plan.possible`, but faster: the bits of values seen before are looked up, numbers are
bisected, and the clock's bits are cached until the next change of time. Random shares and caps (`guard.py`) are
evaluated only for winners, layers (`layers.py`) only if two winners are of one layer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import msgspec

from proxy.conditions.derived import value_of as derived_value
from proxy.decide.guard import Guard, held_out_decision
from proxy.decide.lookup_tables import LookupTables
from proxy.decide.plan import JOURNEY, Plan
from proxy.model import Attributes, Cap, Decision, EvaluationContext


class SharedBits(NamedTuple):
    """The part of a decision that many visitors share: the bits left by the attributes that they have in common, and
    the look-up tables of all other attributes."""

    possible: int
    tables: LookupTables


def shared_bits_of(plan: Plan, names: Collection[str], attributes: Attributes, now: float) -> SharedBits:
    """The bits left by the clock and by the values of the attributes in `names`, for visitors who share these
    values."""
    possible = plan.clock.bits(now)
    shared = plan.columns.keys() & names
    for name in shared:
        possible &= plan.columns[name].bits(attributes.get(name))
    return SharedBits(possible, plan.lookup_tables.without(shared))


def decide(
    plan: Plan, context: EvaluationContext, slots: Iterable[str] | None = None, shared_bits: SharedBits | None = None
) -> dict[str, Decision]:
    """The decision of each of the slots for this visitor; without `slots`, of each slot that has a rule. `shared_bits`
    must be made with the same values, in the same period of the plan's clock."""
    if plan.journey is not None:
        context = with_journey_stage(plan, context)
    possible = _possible(plan, context, shared_bits)
    rule_order = plan.rule_order
    mask, unfilled = rule_order.of_slots(rule_order.masks if slots is None else slots)
    decisions = unfilled.copy()
    contenders, lowest, below = rule_order.contenders, rule_order.lowest, rule_order.below
    left = possible if mask is None else possible & mask
    while (place := left.bit_length() - lowest) >= 0:
        contender = contenders[place]
        if isinstance(contender, Decision):
            decisions[contender.slot] = contender
            left &= below[contender.slot]
            continue
        decision, residual, guard, bits = contender
        if residual is None or residual.holds(possible):
            result = decision if guard is None else guard.decide(context)
            if result is not None:
                if result.detail != "capped":
                    decisions[result.slot] = result
                    left &= below[result.slot]
                    continue
                if not decisions[result.slot].withheld:
                    decisions[result.slot] = result
        left = without_highest(left, bits)
    if plan.layers is not None:
        decisions = plan.layers.resolved(decisions, unfilled, lambda slot: _choices(plan, slot, possible, context))
    for holdout in plan.compiled_holdouts:
        if holdout.includes(context):
            _hold_out(holdout.slots, decisions)
    return decisions


def with_journey_stage(plan: Plan, context: EvaluationContext) -> EvaluationContext:
    """The context with the visitor's journey stage, if one fits."""
    if plan.journey is None or JOURNEY in context.attributes:
        return context
    stage = decide(plan.journey, context)[JOURNEY].rule
    return msgspec.structs.replace(context, attributes={**context.attributes, JOURNEY: stage}) if stage else context


def caps_read(plan: Plan, context: EvaluationContext, slots: Iterable[str]) -> dict[str, list[Cap]]:
    """The caps that deciding each slot may read: those of all fitting rules, down to the first rule that is shown
    whatever the visitor's history is."""
    context = with_journey_stage(plan, context)
    possible = _possible(plan, context)
    layered = plan.layers.layer_of if plan.layers else {}

    def may_pass(choice: tuple[Decision, Guard | None]) -> bool:
        return choice[1] is not None or choice[0].rule in layered

    tried = {slot: takewhile(may_pass, fitting(plan, slot, possible)) for slot in slots}
    return {slot: [cap for _, guard in choices if guard for cap in guard.caps] for slot, choices in tried.items()}


def tried(
    place: int, decisions: Sequence[Decision], plan: Plan, context: EvaluationContext, rows: Container[str]
) -> Iterator[Decision]:
    """The decision of that place on a page, and, as long as it is for one of `rows` and whoever asks goes on, as there
    are no products for it, that of the next rule. An experiment's arm makes way for nothing: those who met it would not
    be like the others any more."""
    decision, passed = decisions[place], set[str]()
    others = [*decisions[:place], *decisions[place + 1 :]]
    yield decision
    while decision.variant in rows and decision.detail == "rule":
        passed.add(decision.rule)
        decision = _next_decision(plan, context, decision.slot, passed, others)
        yield decision


def _next_decision(
    plan: Plan, context: EvaluationContext, slot: str, passed: Collection[str], others: Iterable[Decision]
) -> Decision:
    """The decision of a slot when the rules in `passed` had nothing to show: that of the next rule that fits. `others`
    are the decisions of the page's other slots, whose layers are taken. No holdout covers the slot, or it would have
    had no rule in the first place."""
    context = with_journey_stage(plan, context)
    layers = plan.layers
    taken = {layers.layer(other) for other in others} - {""} if layers else set[str]()
    for decision in _choices(plan, slot, _possible(plan, context), context):
        is_tried = decision.detail == "capped" or decision.rule in passed
        if not is_tried and not (layers and layers.layer(decision) in taken):
            return decision
    return Decision(slot)


def _choices(plan: Plan, slot: str, possible: int, context: EvaluationContext) -> Iterator[Decision]:
    """The decisions of the slot's fitting rules, best first, capped ones included."""
    for contender, guard in fitting(plan, slot, possible):
        decision = contender if guard is None else guard.decide(context)
        if decision is not None:
            yield decision


def fitting(plan: Plan, slot: str, possible: int) -> Iterator[tuple[Decision, Guard | None]]:
    """The decisions of the slot's fitting rules, best first, each with its guard."""
    rule_order = plan.rule_order
    left = possible & rule_order.masks.get(slot, 0)
    while left:
        contender = rule_order.contenders[left.bit_length() - rule_order.lowest]
        decision, residual, guard, bits = contender if isinstance(contender, tuple) else (contender, None, None, 1)
        if residual is None or residual.holds(possible):
            yield decision, guard
        left = without_highest(left, bits)


def without_highest(left: int, bits: int) -> int:
    """The number without its highest `bits` bits, set or not."""
    below = left.bit_length() - bits
    return left ^ (left >> below << below)


def _hold_out(slots: frozenset[str] | None, decisions: dict[str, Decision]) -> None:
    for slot, decision in decisions.items():
        if decision.rule and (slots is None or slot in slots):
            decisions[slot] = held_out_decision(decision)


def _possible(plan: Plan, context: EvaluationContext, shared_bits: SharedBits | None = None) -> int:
    """The same bits as `Plan.possible`."""
    try:
        value_of = context.attributes.get
        if shared_bits is not None:
            possible, tables = shared_bits
        else:
            tables = plan.lookup_tables
            after, until, possible, _ = plan.clock.latest
            if not after < context.now <= until:
                possible = plan.clock.bits(context.now)
        for attribute, bits_of in tables.texts:
            possible &= bits_of[value_of(attribute)]
        for attribute, breaks, ranges, truths, bits_of in tables.typed:
            value = value_of(attribute)
            if type(value) is float:
                possible &= ranges[bisect_left(breaks, value)]
            elif type(value) is bool:
                possible &= truths[value]
            else:
                possible &= bits_of[value]
        for attribute, column in plan.derived:
            possible &= column.bits(derived_value(attribute, context.attributes, context.now))
        if tables.memberships is None:
            return possible
        segment_bits = possible & plan.membership.segment_bits
        return possible & tables.memberships[segment_bits, value_of("segment"), context.unverified]
    except TypeError:  # a value that is not hashable cannot be looked up
        return plan.possible(context)
