"""What a rule asks of chance and caps when it is about to be shown."""

from __future__ import annotations

import pytest

from proxy.bucketing import BUCKETS, bucket
from proxy.decide.engine import decide
from proxy.decide.guard import holdout_split, split_change_times, split_outcomes, splits_of
from proxy.decide.plan import compile_plan
from proxy.model import (
    Arm,
    AttributeValue,
    Cap,
    Decision,
    Draw,
    EvaluationContext,
    Experiment,
    Fact,
    Holdout,
    Measure,
    OneOf,
    Reading,
    Reason,
    Rule,
)

ALWAYS = float("-inf")
SHOWN = Measure(Reading.COUNT, ("banner shown",), where=(("subject", OneOf(frozenset({"A"}))),))
AFTER_TWICE = (Cap("at most 2 times", SHOWN, 2.0),)
HALVES = Experiment((Arm("control", 5_000), Arm("new", 5_000, "A/new")))
IDS = [str(number) for number in range(400)]


def hero(*rules: Rule, holdouts: tuple[Holdout, ...] = (), **context: object) -> Decision:
    plan = compile_plan(rules, (), holdouts)
    return decide(plan, EvaluationContext(**context))["hero"]  # type: ignore[arg-type]


def test_a_rollout_takes_the_buckets_below_its_share_and_keeps_them_as_it_grows() -> None:
    def inside(share: int) -> set[str]:
        rule = Rule("A", "hero", variant="a", draws=(Draw("rollout:A", ((ALWAYS, share),)),))
        return {id for id in IDS if hero(rule, targeting_key=id).rule}

    assert inside(0) == set() and inside(BUCKETS) == set(IDS)
    assert inside(1_234) == {id for id in IDS if bucket("rollout:A", id) < 1_234} < inside(5_000)


def test_a_ramp_grows_at_its_dates_and_takes_nobody_before_the_first() -> None:
    rule = Rule("A", "hero", variant="a", draws=(Draw("rollout:A", ((1_000.0, 2_500), (2_000.0, BUCKETS))),))
    key = next(id for id in IDS if bucket("rollout:A", id) >= 2_500)
    early = next(id for id in IDS if bucket("rollout:A", id) < 2_500)
    at = (999.9, 1_000.0, 1_999.9, 2_000.0)
    assert [hero(rule, targeting_key=key, now=now).rule for now in at] == ["", "", "", "A"]
    assert [hero(rule, targeting_key=early, now=now).rule for now in at] == ["", "A", "A", "A"]
    assert hero(rule, now=2_000.0).rule == "A" and hero(rule, now=1_500.0).rule == ""  # nobody known


def test_of_a_group_a_visitor_meets_one_member_at_most() -> None:
    rules = [
        Rule("A", "hero", variant="a", draws=(Draw("group:G", ((ALWAYS, 3_000),)),)),
        Rule("B", "row", variant="b", draws=(Draw("group:G", ((ALWAYS, 8_000),), low=3_000),)),
    ]
    plan = compile_plan(rules)
    met = [[d.rule for d in decide(plan, EvaluationContext(id)).values() if d.rule] for id in IDS]
    assert {tuple(names) for names in met} == {("A",), ("B",), ()}


def test_an_experiments_arm_is_that_of_the_bucket_and_control_is_the_pages_own() -> None:
    rule = Rule("A", "hero", experiment=HALVES)
    for id in IDS:
        arm, variant = ("control", "") if bucket("experiment:A", id) < 5_000 else ("new", "A/new")
        assert hero(rule, targeting_key=id) == Decision("hero", variant, Reason.SPLIT, "A", "arm", arm)


def test_visitors_beyond_the_last_arm_or_without_id_are_not_in_the_experiment() -> None:
    rules = (Rule("A", "hero", priority=80, experiment=Experiment((Arm("few", 100, "f"),))), Rule("B", "hero"))
    names = {id: hero(*rules, targeting_key=id).rule for id in IDS}
    assert names == {id: "A" if bucket("experiment:A", id) < 100 else "B" for id in IDS}
    assert hero(*rules).rule == "B"


def test_the_key_that_chance_draws_by_outlives_a_login() -> None:
    rollout = Rule("A", "hero", variant="a", draws=(Draw("rollout:A", ((ALWAYS, 5_000),)),))
    for rule in (Rule("A", "hero", experiment=HALVES), rollout, Rule("A", "hero", variant="a", holdout=5_000)):
        before = [hero(rule, targeting_key=id) for id in IDS]
        after = [hero(rule, targeting_key=f"customer {id}", bucket_key=id, channel="app") for id in IDS]
        assert before == after and len(set(before)) == 2


def test_an_experiment_may_be_split_by_an_attribute_with_the_same_arm_for_all_who_share_it() -> None:
    rule = Rule("A", "hero", experiment=Experiment(HALVES.arms, split_by="company"))
    arms = {hero(rule, targeting_key=id, attributes={"company": "Northwind"}).arm for id in IDS}
    assert len(arms) == 1
    for value in ("", 7.0, True, frozenset({"Northwind"})):
        assert hero(rule, targeting_key="1", attributes={"company": value}).rule == ""
    assert hero(rule, targeting_key="1").rule == ""
    assert list(splits_of(rule)) == [], "no split of visitors"
    assert compile_plan([rule]).inputs_of(["hero"]).attributes == {"company"}


@pytest.mark.parametrize(("reading", "shown"), [(None, "A"), (0.0, "A"), (1.0, "A"), (2.0, "B"), (9.0, "B")])
def test_a_capped_rule_makes_way_for_the_next(reading: AttributeValue | None, shown: str) -> None:
    rules = (Rule("A", "hero", priority=80, variant="a", caps=AFTER_TWICE), Rule("B", "hero", variant="b"))
    assert hero(*rules, read={SHOWN: reading}.get).rule == shown


def test_with_nothing_below_it_a_capped_rule_is_named() -> None:
    rules = (Rule("A", "hero", variant="a", caps=AFTER_TWICE), Rule("Z", "hero", variant="z", caps=AFTER_TWICE))
    assert hero(*rules, read={SHOWN: 2.0}.get) == Decision("hero", detail="capped", withheld="A")


def test_only_the_rule_about_to_be_shown_is_asked_for_its_caps() -> None:
    asked: list[Measure] = []
    norway = Fact("country", OneOf(frozenset({"NO"})))
    others = [Rule(f"other {n}", "hero", norway, priority=90, variant="o", caps=AFTER_TWICE) for n in range(50)]
    below = [Rule(f"below {n}", "hero", priority=10, variant="b", caps=AFTER_TWICE) for n in range(50)]
    hero(*others, Rule("A", "hero", variant="a", caps=AFTER_TWICE), *below, read=asked.append)
    assert asked == [SHOWN]


def test_held_out_visitors_see_the_pages_default_and_the_withheld_rule_is_named() -> None:
    above, rule = Rule("A", "hero", variant="a", priority=80, holdout=2_000), Rule("B", "hero", variant="b")
    held_out = Decision("hero", "", Reason.SPLIT, detail="holdout", withheld="A")
    for id in IDS:
        assert (hero(above, rule, targeting_key=id) == held_out) == (bucket("holdout:A", id) < 2_000)
    assert hero(above, rule).rule == "A"


def test_a_holdout_may_be_of_all_slots_or_of_some_and_ends_at_its_time() -> None:
    key = next(id for id in IDS if bucket("holdout:Q4", id) < 500)
    everywhere, elsewhere = Holdout("Q4", 500, live_until=1_000.0), Holdout("Q4", 500, frozenset({"row"}))
    rule = Rule("A", "hero", variant="a")
    assert hero(rule, holdouts=(everywhere,), targeting_key=key, now=999.0).withheld == "A"
    assert hero(rule, holdouts=(everywhere,), targeting_key=key, now=1_000.0).rule == "A"
    assert hero(rule, holdouts=(elsewhere,), targeting_key=key).rule == "A"
    assert hero(Rule("B", "hero", live_until=0), holdouts=(everywhere,), targeting_key=key).detail == "default"
    later = Holdout("Q4", 500, live_from=10.0)
    assert [hero(rule, holdouts=(later,), targeting_key=key, now=now).withheld for now in (9.9, 10.0)] == ["", "A"]


def test_the_times_at_which_splits_change_are_those_of_ramps_and_holdouts() -> None:
    ramp = Draw("rollout:A", ((ALWAYS, 100), (5.0, 200), (7.0, 300)))
    held_out = [Holdout("Q4", 500, live_from=1.0), Holdout("Q1", 500, live_until=9.0)]
    assert sorted(split_change_times([Rule("A", "hero", draws=(ramp,))], held_out)) == [1.0, 5.0, 7.0, 9.0]


def test_a_page_that_draws_or_caps_needs_to_know_who_it_is() -> None:
    rules = [Rule("A", "hero", caps=AFTER_TWICE), Rule("B", "row"), Rule("C", "bar", experiment=HALVES)]
    plan = compile_plan(rules)
    asked = [plan.inputs_of([slot]) for slot in ("hero", "row", "bar")]
    assert [(len(one.splits), one.caps) for one in asked] == [(0, {*AFTER_TWICE}), (0, set()), (1, set())]
    assert compile_plan(rules, (), [Holdout("Q4", 500)]).inputs_of(["row"]).splits


def test_visitors_with_the_same_draws_get_the_same_decision() -> None:
    rollout = Draw("rollout:A", ((float("-inf"), 6_000),), low=2_000)
    rules = [Rule("A", "hero", draws=(rollout,), variant="a"), Rule("B", "row", experiment=HALVES, holdout=3_000)]
    splits = tuple({split for rule in rules for split in splits_of(rule)} | {holdout_split(Holdout("Q4", 1_000))})
    plan, seen = compile_plan(rules, holdouts=[Holdout("Q4", 1_000)]), dict[object, object]()
    for key in ("", *map(str, range(2_000))):
        decided = decide(plan, EvaluationContext(key))
        assert seen.setdefault(split_outcomes(splits, key), decided) == decided
    assert len(seen) == 1 + 3 * 2 * 2 * 2
