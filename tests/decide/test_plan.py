from __future__ import annotations

from graphlib import CycleError

import msgspec
import pytest

from proxy.decide.engine import decide, fitting
from proxy.decide.plan import compile_plan
from proxy.model import AllOf, Between, Condition, EvaluationContext, Fact, IsKnown, NoneOf, OneOf, Rule, Segment
from tests.decide.worlds import World

NORWAY = Fact("country", OneOf(frozenset({"NO"})))
BUYER = Fact("orders", Between(low=1))


def in_segment(name: str) -> Fact:
    return Fact("segment", OneOf(frozenset({name})))


def ranked(rules: list[Rule]) -> list[str]:
    plan = compile_plan(rules)
    return [decision.rule for decision, _ in fitting(plan, "hero", plan.rule_order.masks["hero"])]


def test_rules_rank_by_priority_then_facts_then_order() -> None:
    rules = [
        Rule("late", "hero", order=9),
        Rule("early", "hero", order=1),
        Rule("fitting", "hero", AllOf((NORWAY, NoneOf((BUYER,)))), order=8),
        Rule("high", "hero", priority=80, order=7),
        Rule("low", "hero", AllOf((NORWAY, BUYER)), priority=20, order=0),
    ]
    assert ranked(rules) == ["high", "fitting", "early", "late", "low"]


def test_a_plan_says_what_it_is_made_of() -> None:
    plan = compile_plan([Rule("a", "hero"), Rule("b", "row"), Rule("c", "row", live_until=0)], version="v42")
    assert plan.slots == {"hero", "row"}
    assert [rule.name for rule in plan.rules] == ["a", "b", "c"]
    assert repr(plan) == "<Plan v42: 3 rules in 2 slots>"
    assert repr(compile_plan([])) == "<Plan without version: 0 rules in 0 slots>"


def test_what_a_slot_may_ask_includes_what_its_segments_ask() -> None:
    segments = [
        Segment("Buyers", BUYER),
        Segment("VIP", AllOf((in_segment("buyers"), Fact("spend", Between(low=500))))),
        Segment("Walkers", Fact("steps", Between(low=5))),
    ]
    rules = [
        Rule("a", "hero", AllOf((NORWAY, in_segment("vip")))),
        Rule("b", "row", Fact("weekday", OneOf(frozenset({"monday"})))),
        Rule("c", "list", Fact("segment", IsKnown())),
    ]
    plan = compile_plan(rules, segments)
    assert plan.inputs_of(["hero"]).attributes == {"country", "segment", "orders", "spend"}
    assert plan.inputs_of(["row", "unheard of"]).attributes == {"weekday"}
    assert plan.inputs_of(["list"]).attributes == {"segment", "orders", "spend", "steps"}
    assert plan.inputs_of([]).attributes == frozenset()


@pytest.mark.parametrize("condition", [in_segment("B"), NoneOf((in_segment("a"),))])
def test_segments_in_a_circle_are_refused(condition: Condition) -> None:
    with pytest.raises(CycleError):
        compile_plan([], [Segment("A", condition), Segment("B", in_segment("A"))])


def test_a_plan_without_rules_decides_nothing() -> None:
    assert decide(compile_plan([]), EvaluationContext()) == {}


def test_what_may_be_anything_leaves_every_bit_that_some_value_leaves() -> None:
    for seed in range(100):
        world = World(seed)
        plan, context = compile_plan(world.rules, world.segments), world.context()
        untold = {name for name in context.attributes if world.random.random() < 0.4} | {"segment"}
        known = {name: value for name, value in context.attributes.items() if name not in untold}
        perhaps = plan.possible(msgspec.structs.replace(context, attributes=known), untold)
        for _ in range(5):
            values = {name: value for name, value in world.context().attributes.items() if name in untold}
            assert plan.possible(msgspec.structs.replace(context, attributes=known | values)) & ~perhaps == 0
        assert plan.possible(context, ()) == plan.possible(context)
