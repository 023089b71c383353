"""What deciding may ask is found slot by slot, and of several slots it is all of it."""

from __future__ import annotations

import pytest

from proxy.conditions.derived import derived_name
from proxy.decide.plan import compile_plan
from proxy.decide.questions import Questions
from proxy.model import AllOf, Between, Draw, Fact, Holdout, Measure, OneOf, Reading, Rule, Segment
from tests.decide.worlds import World

VIEWS = Measure(Reading.COUNT, ("product viewed",))
SHOES = Fact("viewed shoes", Between(low=3), measure=VIEWS)
OLD = Fact(derived_name("birthday", "ago"), Between(low=1e9))
NORWAY = Fact("country", OneOf(frozenset({"NO"})))


def asked(*rules: Rule, segments: tuple[Segment, ...] = (), holdouts: tuple[Holdout, ...] = ()) -> Questions:
    return compile_plan(rules, segments, holdouts).asked_in(["hero"])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule("A", "hero"), Questions()),
        (Rule("A", "row", NORWAY), Questions()),
        (Rule("A", "hero", NORWAY), Questions(frozenset({"country"}))),
        (Rule("A", "hero", SHOES), Questions(frozenset({"viewed shoes"}), {"viewed shoes": VIEWS})),
        (Rule("A", "hero", OLD), Questions(frozenset({"birthday"}), moves=True)),
        (Rule("A", "hero", draws=(Draw("A", ()),)), Questions(reads_history=True)),
    ],
)
def test_a_slot_asks_what_its_rules_ask(rule: Rule, expected: Questions) -> None:
    assert asked(rule) == expected


def test_a_holdout_needs_to_know_who_it_is_where_there_is_a_rule() -> None:
    assert asked(Rule("A", "hero"), holdouts=(Holdout("Q4", 500),)).reads_history
    assert not asked(Rule("A", "row"), holdouts=(Holdout("Q4", 500),)).reads_history


def test_what_a_segment_asks_through_another_is_asked() -> None:
    segments = (Segment("Shoes", SHOES), Segment("Old", AllOf((OLD, Fact("segment", OneOf(frozenset({"Shoes"})))))))
    found = asked(Rule("A", "hero", Fact("segment", OneOf(frozenset({"old"})))), segments=segments)
    assert found == Questions(frozenset({"segment", "birthday", "viewed shoes"}), {"viewed shoes": VIEWS}, moves=True)


def test_several_slots_ask_all_that_each_asks() -> None:
    for seed in range(100):
        world = World(seed, with_chance=seed % 2 == 1)
        plan = compile_plan(world.rules, world.segments, world.holdouts)
        each = [plan.asked_in([slot]) for slot in plan.slots]
        all_of_it = plan.asked_in([*plan.slots, "a slot without rules"])
        assert all_of_it.attributes == {name for one in each for name in one.attributes}
        assert all_of_it.reads_history == any(one.reads_history for one in each)
        assert all_of_it.moves == any(one.moves for one in each)
