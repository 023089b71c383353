"""Deciding: a plan and a context go in, a decision for each slot comes out. Pure, and the hottest code of all.

It finds what `Plan.possible` defines, but faster: the bits of values seen before are looked up, numbers are bisected,
and the clock's answer is kept until something about the time changes. Chance and caps (`guard.py`) are evaluated only
for the winner; layers (`layers.py`) only when two winners are of one layer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple

import msgspec

from proxy.conditions.derived import value_of as worked_out_of
from proxy.decide.guard import Guard, withheld
from proxy.decide.plan import JOURNEY, Plan
from proxy.decide.shortcuts import LookupTables
from proxy.model import Attributes, Cap, Decision, EvaluationContext


class SharedBits(NamedTuple):
    """The first step of deciding, shared by many visitors: the bits left by the attributes they have in common, and the
    look-up tables of the other attributes."""

    possible: int
    rest: LookupTables


def shared_bits_of(plan: Plan, names: Collection[str], attributes: Attributes, now: float) -> SharedBits:
    """The bits left by the clock and by these values of the attributes in `names`, for visitors who share them."""
    possible = plan.clock.bits(now)
    asked = plan.columns.keys() & names
    for name in asked:
        possible &= plan.columns[name].bits(attributes.get(name))
    return SharedBits(possible, plan.lookup_tables.without(asked))


def decide(
    plan: Plan, context: EvaluationContext, slots: Iterable[str] | None = None, shared_bits: SharedBits | None = None
) -> dict[str, Decision]:
    """What each of the slots shows this visitor; without `slots`, each slot that has a rule. `shared_bits` must be of
    the same attribute values, and of the same period of the plan's clock."""
    if plan.journey is not None:
        context = at_stage(plan, context)
    possible = _possible(plan, context, shared_bits)
    rule_order = plan.rule_order
    mask, unfilled = rule_order.page(rule_order.masks if slots is None else slots)
    decisions = unfilled.copy()
    contenders, lowest, beneath = rule_order.contenders, rule_order.lowest, rule_order.beneath
    left = possible if mask is None else possible & mask
    while (place := left.bit_length() - lowest) >= 0:
        contender = contenders[place]
        if isinstance(contender, Decision):
            decisions[contender.slot] = contender
            left &= beneath[contender.slot]
            continue
        decision, residual, guard, bits = contender
        if residual is None or residual.holds(possible):
            said = decision if guard is None else guard.decide(context)
            if said is not None:
                if said.detail != "capped":
                    decisions[said.slot] = said
                    left &= beneath[said.slot]
                    continue
                if not decisions[said.slot].withheld:
                    decisions[said.slot] = said
        left = without(left, bits)
    if plan.layers is not None:
        decisions = plan.layers.settled(decisions, unfilled, lambda slot: _choices(plan, slot, possible, context))
    for holdout in plan.held_out:
        if holdout.takes(context):
            _hold_out(holdout.slots, decisions)
    return decisions


def at_stage(plan: Plan, context: EvaluationContext) -> EvaluationContext:
    """The context with the visitor's journey stage, if one fits."""
    if plan.journey is None or JOURNEY in context.attributes:
        return context
    stage = decide(plan.journey, context)[JOURNEY].rule
    return msgspec.structs.replace(context, attributes={**context.attributes, JOURNEY: stage}) if stage else context


def caps_asked(plan: Plan, context: EvaluationContext, slots: Iterable[str]) -> dict[str, list[Cap]]:
    """The caps that deciding each slot may read: those of all fitting rules, down to the first one that is shown
    regardless of what was shown before."""
    context = at_stage(plan, context)
    possible = _possible(plan, context)
    layered = plan.layers.of if plan.layers else {}

    def may_pass(choice: tuple[Decision, Guard | None]) -> bool:
        return choice[1] is not None or choice[0].rule in layered

    asking = {slot: takewhile(may_pass, fitting(plan, slot, possible)) for slot in slots}
    return {slot: [cap for _, guard in choices if guard for cap in guard.caps] for slot, choices in asking.items()}


def _choices(plan: Plan, slot: str, possible: int, context: EvaluationContext) -> Iterator[Decision]:
    """All possible decisions of the slot, best first, capped ones included."""
    for contender, guard in fitting(plan, slot, possible):
        said = contender if guard is None else guard.decide(context)
        if said is not None:
            yield said


def fitting(plan: Plan, slot: str, possible: int) -> Iterator[tuple[Decision, Guard | None]]:
    """The fitting rules of the slot, best first."""
    rule_order = plan.rule_order
    left = possible & rule_order.masks.get(slot, 0)
    while left:
        contender = rule_order.contenders[left.bit_length() - rule_order.lowest]
        decision, residual, guard, bits = contender if isinstance(contender, tuple) else (contender, None, None, 1)
        if residual is None or residual.holds(possible):
            yield decision, guard
        left = without(left, bits)


def without(left: int, bits: int) -> int:
    """The number without its highest `bits` bits, set or not."""
    below = left.bit_length() - bits
    return left ^ (left >> below << below)


def _hold_out(slots: frozenset[str] | None, decisions: dict[str, Decision]) -> None:
    for slot, decision in decisions.items():
        if decision.rule and (slots is None or slot in slots):
            decisions[slot] = withheld(decision)


def _possible(plan: Plan, context: EvaluationContext, shared_bits: SharedBits | None = None) -> int:
    """As `Plan.possible`."""
    try:
        value_of = context.attributes.get
        if shared_bits is not None:
            possible, cuts = shared_bits
        else:
            cuts = plan.lookup_tables
            after, until, possible, _ = plan.clock.latest
            if not after < context.now <= until:
                possible = plan.clock.bits(context.now)
        for attribute, remembered in cuts.texts:
            possible &= remembered[value_of(attribute)]
        for attribute, breaks, ranges, truths, remembered in cuts.typed:
            value = value_of(attribute)
            if type(value) is float:
                possible &= ranges[bisect_left(breaks, value)]
            elif type(value) is bool:
                possible &= truths[value]
            else:
                possible &= remembered[value]
        for attribute, column in plan.derived:
            possible &= column.bits(worked_out_of(attribute, context.attributes, context.now))
        if cuts.memberships is None:
            return possible
        own_bits = possible & plan.membership.own_bits
        return possible & cuts.memberships[own_bits, value_of("segment"), context.unverified]
    except TypeError:  # a value that is not hashable, so no test of an editor can match it
        return plan.possible(context)
