"""What deciding may ask is found slot by slot, and of several slots it is all of it."""

from __future__ import annotations

from math import inf

import pytest

from proxy.bucketing import HOLDOUT, seed_number
from proxy.conditions.derived import derived_name
from proxy.decide.plan import compile_plan
from proxy.decide.slot_inputs import SlotInputs
from proxy.model import AllOf, Between, Cap, Draw, Fact, Holdout, Measure, OneOf, Reading, Rule, Segment
from tests.decide.worlds import World

VIEWS = Measure(Reading.COUNT, ("product viewed",))
SHOES = Fact("viewed shoes", Between(low=3), measure=VIEWS)
OLD = Fact(derived_name("birthday", "ago"), Between(low=1e9))
YEARLY = Fact(derived_name("birthday", "each year in Europe/Oslo"), Between(0, 0))
ALWAYS = ((-inf, 500),)
ONCE = Cap("once", VIEWS, 1.0)
NORWAY = Fact("country", OneOf(frozenset({"NO"})))


def asked(*rules: Rule, segments: tuple[Segment, ...] = (), holdouts: tuple[Holdout, ...] = ()) -> SlotInputs:
    return compile_plan(rules, segments, holdouts).inputs_of(["hero"])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule("A", "hero"), SlotInputs()),
        (Rule("A", "row", NORWAY), SlotInputs()),
        (Rule("A", "hero", NORWAY), SlotInputs(frozenset({"country"}))),
        (Rule("A", "hero", SHOES), SlotInputs(frozenset({"viewed shoes"}), {"viewed shoes": VIEWS})),
        (Rule("A", "hero", OLD), SlotInputs(frozenset({"birthday"}), moves=True)),
        (Rule("A", "hero", YEARLY), SlotInputs(frozenset({"birthday"}), moves=True)),
        (Rule("A", "hero", draws=(Draw("A", ALWAYS),)), SlotInputs(splits=frozenset({(seed_number("A"), (0, 500))}))),
        (Rule("A", "hero", caps=(ONCE,)), SlotInputs(caps=frozenset({ONCE}))),
    ],
)
def test_a_slot_asks_what_its_rules_ask(rule: Rule, expected: SlotInputs) -> None:
    assert asked(rule) == expected


def test_a_holdout_draws_where_there_is_a_rule_and_it_holds() -> None:
    splits = frozenset({(seed_number(HOLDOUT + "Q4"), (500,))})
    assert asked(Rule("A", "hero"), holdouts=(Holdout("Q4", 500),)) == SlotInputs(splits=splits)
    assert asked(Rule("A", "hero"), holdouts=(Holdout("Q4", 500, frozenset({"row"})),)) == SlotInputs()
    assert asked(Rule("A", "row"), holdouts=(Holdout("Q4", 500),)) == SlotInputs()


def test_what_a_segment_asks_through_another_is_asked() -> None:
    segments = (Segment("Shoes", SHOES), Segment("Old", AllOf((OLD, Fact("segment", OneOf(frozenset({"Shoes"})))))))
    found = asked(Rule("A", "hero", Fact("segment", OneOf(frozenset({"old"})))), segments=segments)
    assert found == SlotInputs(frozenset({"segment", "birthday", "viewed shoes"}), {"viewed shoes": VIEWS}, moves=True)


def test_several_slots_ask_all_that_each_asks() -> None:
    for seed in range(100):
        world = World(seed, with_chance=seed % 2 == 1)
        plan = compile_plan(world.rules, world.segments, world.holdouts)
        each = [plan.inputs_of([slot]) for slot in plan.slots]
        all_of_it = plan.inputs_of([*plan.slots, "a slot without rules"])
        assert all_of_it.attributes == {name for one in each for name in one.attributes}
        assert all_of_it.splits == {split for one in each for split in one.splits}
        assert all_of_it.caps == {cap for one in each for cap in one.caps}
        assert all_of_it.moves == any(one.moves for one in each)
