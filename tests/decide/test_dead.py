"""Rules that can never show. Held against every visitor of a small world in tests/bars/test_c3_dead_rules.py."""

from __future__ import annotations

import sys
from dataclasses import replace
from random import Random

from proxy.decide.dead import dead_rules
from proxy.model import (
    AllOf,
    AnyOf,
    Arm,
    Between,
    Cap,
    Condition,
    Draw,
    Experiment,
    Fact,
    Measure,
    NoneOf,
    NotOneOf,
    OneOf,
    Reading,
    Rule,
    WithinHours,
)

VIP = Fact("segment", OneOf(frozenset({"VIP"})))
NORWAY = Fact("country", OneOf(frozenset({"NO"})))
NETHERLANDS = Fact("country", OneOf(frozenset({"NL"})))


def orders(low: float = float("-inf"), high: float = float("inf")) -> Fact:
    return Fact("orders", Between(low, high))


def rule(name: str, *parts: Condition, priority: int = 50, **more: object) -> Rule:
    return replace(Rule(name, "hero", AllOf(parts), "v", priority), **more)  # type: ignore[arg-type]


def dead(*rules: Rule) -> dict[str, list[str] | str]:
    found = dead_rules(rules, lambda attribute: attribute not in ("segment", "tags"))
    return {each.rule.name: [other.name for other in each.covered_by] or each.contradiction for each in found}


def test_a_narrower_rule_below_a_wider_one_can_never_show() -> None:
    wide, narrow = rule("wide", NORWAY, priority=80), rule("narrow", NORWAY, VIP, orders(2))
    assert dead(wide, narrow) == {"narrow": ["wide"]}
    assert dead(replace(wide, priority=20), narrow) == {}
    assert dead(rule("all", priority=80), narrow) == {"narrow": ["all"]}
    assert dead(replace(wide, slot="row"), narrow) == {}


def test_implication_does_not_depend_on_spelling() -> None:
    above = rule("above", Fact("country", OneOf(frozenset({"no", "SE"}))), orders(1, 9), priority=80)
    assert dead(above, rule("below", NORWAY, orders(2, 5))) == {"below": ["above"]}
    assert dead(above, rule("below", NORWAY, orders(2, 10))) == {}
    assert dead(rule("above", NoneOf((VIP,)), priority=80), rule("below", NoneOf((VIP, NORWAY)))) == {
        "below": ["above"]
    }


def test_several_rules_may_take_everybody_between_them() -> None:
    each = [rule("no", NORWAY, priority=80), rule("nl", NETHERLANDS, priority=80)]
    both = rule("both", Fact("country", OneOf(frozenset({"NL", "NO"}))))
    assert dead(*each, both) == {"both": ["nl", "no"]}
    assert dead(each[0], both) == {}
    relay = [rule("first", priority=80, live_until=5.0), rule("then", priority=80, live_from=5.0)]
    assert dead(*relay, rule("all along", live_from=1.0, live_until=9.0)) == {"all along": ["first", "then"]}


def test_a_rule_with_chance_a_cap_or_a_layer_takes_nobody_for_certain_but_one_with_a_holdout_does() -> None:
    above, below = rule("above", priority=80), rule("below", VIP)
    cap = Cap("c", Measure(Reading.COUNT, ("banner shown",)), 1.0)
    half = Draw("rollout:above", ((float("-inf"), 5_000),))
    whole = Draw("rollout:above", ((float("-inf"), 10_000),))
    arms = Experiment((Arm("a", 5_000), Arm("b", 5_000)))
    for unsure in ({"caps": (cap,)}, {"draws": (half,)}, {"layer": "L"}, {"experiment": arms}):
        assert dead(replace(above, **unsure), below) == {}  # type: ignore[arg-type]
    for certain in ({"draws": (whole,)}, {"holdout": 500}, {"variant": ""}):
        assert dead(replace(above, **certain), below) == {"below": ["above"]}  # type: ignore[arg-type]


def test_a_row_that_may_have_no_products_takes_nobody_for_certain() -> None:
    above, below = rule("above", priority=80, variant="row"), rule("below", VIP)
    assert not list(dead_rules([above, below], lambda name: True, {"row"}))
    assert [found.rule.name for found in dead_rules([above, below], lambda name: True, {"other"})] == ["below"]


def test_conditions_that_contradict_one_another_fit_nobody() -> None:
    assert dead(rule("a", NORWAY, NETHERLANDS)) == {"a": "country"}
    assert dead(rule("a", orders(5), orders(high=4))) == {"a": "orders"}
    assert dead(rule("a", VIP, NoneOf((VIP,)))) == {"a": "segment"}
    assert dead(rule("a", Fact("hours", WithinHours(60, 120)), Fact("hours", WithinHours(180, 240)))) == {"a": "hours"}
    assert dead(rule("a", AnyOf())) == {"a": ""}
    assert dead(rule("a", AnyOf((AllOf((NORWAY, NETHERLANDS)), VIP)))) == {}


def test_a_set_may_hold_both_of_two_words() -> None:
    tags = [Fact("tags", OneOf(frozenset({tag}))) for tag in "ab"]
    assert dead(rule("a", *tags)) == {}
    assert dead(rule("above", Fact("tags", NotOneOf(frozenset({"b"}))), priority=80), rule("below", tags[0])) == {}


def test_a_share_of_nobody_shows_to_nobody() -> None:
    assert dead(rule("a", draws=(Draw("rollout:a", ((float("-inf"), 0),)),))) == {"a": ""}
    assert dead(rule("a", experiment=Experiment((Arm("a", 0),)))) == {"a": ""}


def test_verified_segments_are_segments_but_not_the_other_way_round() -> None:
    verified = rule("verified", VIP, needs_verified=True)
    assert dead(rule("above", VIP, priority=80), verified) == {"verified": ["above"]}
    assert dead(replace(verified, priority=80), rule("below", VIP)) == {}


def test_twice_as_many_rules_take_about_twice_as_long_though_no_two_begin_or_end_together() -> None:
    few, many = calls_for(300), calls_for(600)
    assert many < 2.5 * few, (few, many)


def calls_for(rules: int) -> int:
    """How many calls it takes to find the dead among rules that each have their own hours and prices."""
    random = Random(rules)
    made = [
        rule(f"{number}", orders(random.uniform(0, 9), random.uniform(10, 20)), live_from=random.random())
        for number in range(rules)
    ]
    made = [replace(each, live_until=random.uniform(1, 2), order=place) for place, each in enumerate(made)]
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        dead(*made)
    finally:
        sys.setprofile(None)
    return calls
