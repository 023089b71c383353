from __future__ import annotations

import pytest

from proxy.decide.engine import decide, without_highest
from proxy.decide.layout import MOST_CACHED, RuleOrder
from proxy.decide.plan import compile_plan
from proxy.model import AnyOf, Decision, EvaluationContext, Fact, OneOf, Reason, Rule


def is_from(country: str) -> Fact:
    return Fact("country", OneOf(frozenset({country})))


def rule_order(*rules: Rule) -> RuleOrder:
    return compile_plan(rules).rule_order


def test_slots_stand_one_above_the_other_by_name_and_what_is_beneath_is_known() -> None:
    two = rule_order(Rule("b", "row"), Rule("a", "hero", AnyOf((is_from("NO"), is_from("SE")))))
    assert (two.masks, two.below) == ({"hero": 0b011, "row": 0b100}, {"hero": 0, "row": 0b011})
    assert [contender.rule for contender in two.contenders if isinstance(contender, Decision)] == ["a", "a", "b"]


def test_a_page_with_all_slots_needs_no_mask() -> None:
    two = rule_order(Rule("a", "hero"), Rule("b", "row"), Rule("c", "away", paused=True))
    assert two.of_slots(("row", "hero", "away", "unheard of"))[0] is None
    mask, unfilled = two.of_slots(["row", "row", "unheard of"])
    assert mask == two.masks["row"]
    assert [decision.reason for decision in unfilled.values()] == [Reason.STATIC] * 2
    assert two.of_slots(("away",))[1]["away"].detail == "paused"


def test_what_is_decided_for_one_is_not_what_the_next_begins_with() -> None:
    plan = compile_plan([Rule("a", "hero", is_from("NO"), variant="a")])
    shown = [decide(plan, EvaluationContext(attributes={"country": code}))["hero"].rule for code in ("NO", "SE", "NO")]
    assert shown == ["a", "", "a"]


def test_many_sets_of_slots_do_not_fill_the_memory() -> None:
    one = rule_order(Rule("a", "hero"))
    for number in range(MOST_CACHED + 10):
        one.of_slots((str(number),))
    assert len(one.cache) <= MOST_CACHED


@pytest.mark.parametrize(
    ("left", "bits", "rest"), [(0b1011, 1, 0b0011), (0b1011, 2, 0b0011), (0b1011, 3, 1), (1, 1, 0)]
)
def test_the_highest_bits_go_set_or_not(left: int, bits: int, rest: int) -> None:
    assert without_highest(left, bits) == rest
