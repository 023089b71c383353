"""The rows of a report: which group the others are compared with, what is counted, and which lifts are known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from proxy.audience.compared_groups import (
    PAID_BY_EACH,
    RETURNED,
    ErrorRates,
    Row,
    compared_rows,
    in_order,
    kinds_counted,
    shares_of,
)
from proxy.audience.lifts import ALPHA, DAY
from proxy.audience.results import ALL, CLICK, GOALS, HELD_OUT, ORDER, Comparison, Tally, holdout_name
from proxy.audience.verdicts import Judge, Outcome, ReportOptions
from proxy.model import Arm, Experiment, Holdout, Rule

NOW = 1_000 * DAY
BEGAN = NOW - 20 * DAY


def tally(visitors: int, ordered: int, added: int = 0, clicked: int = 0) -> Tally:
    done = {ORDER: ordered, "product added": added, CLICK: clicked}
    return Tally(visitors, dict.fromkeys(GOALS, 0) | done, [10.0] * ordered)


def experiment(*arms: Arm, goal: str = "", guardrails: tuple[str, ...] = ()) -> Rule:
    return Rule("Bar", "all.topbar", experiment=Experiment(arms, goal=goal, guardrails=guardrails))


def rows_of(rule: Rule, groups: dict[str, Tally], counted: Sequence[str] = (ORDER,)) -> list[Row]:
    Comparison(groups, began=BEGAN).sum_up()
    expected = list(shares_of([rule], ()).get(rule.name, {}))
    judge = Judge(BEGAN, rule, True, ALPHA, ReportOptions(NOW), BEGAN)
    return compared_rows(in_order(groups, expected), counted, rule, judge, ErrorRates(ALPHA, ALPHA))


HALVES = Arm("control", 5_000), Arm("new", 5_000)


@pytest.mark.parametrize(("expected", "first"), [(("new", "Control"), "Control"), (("zebra", "ant"), "zebra")])
def test_the_control_is_what_others_are_compared_with_else_the_first_of_the_file(
    expected: tuple[str, ...], first: str
) -> None:
    groups = {name: tally(1, 0) for name in (*expected, "aardvark")}
    assert [name for name, _ in in_order(groups, expected)] == [first, *sorted({*groups} - {first}, reverse=True)]


def test_the_first_has_no_lifts_and_no_verdict_and_who_was_held_out_lifts_alone() -> None:
    groups = {HELD_OUT: tally(500, 40), "new": tally(5_000, 560), "control": tally(5_000, 400)}
    control, new, held_out = rows_of(experiment(*HALVES), groups)
    assert (control.group, control.lifts, control.verdict) == ("control", {}, None)
    assert new.group == "new" and new.verdict is not None and new.verdict.word is Outcome.BETTER
    assert held_out.group == HELD_OUT and held_out.verdict is None
    assert list(held_out.lifts) == list(new.lifts) == [ORDER, PAID_BY_EACH, RETURNED]


def test_shares_are_those_of_arms_and_holdouts_where_nobody_else_is_held_out() -> None:
    hero, tried = Rule("Hero", "home.hero", holdout=500), experiment(*HALVES)
    shop, bars = Holdout("Winter", 1_000), Holdout("Bars", 1_000, frozenset({"all.topbar"}))
    assert shares_of([hero, tried], [bars]) == {
        "Hero": {HELD_OUT: 500, ALL: 9_500}, "Bar": {"control": 5_000, "new": 5_000},
        holdout_name(bars): {HELD_OUT: 1_000, ALL: 9_000},
    }  # fmt: skip
    assert "Hero" not in shares_of([hero], [shop])


def test_steps_that_anybody_took_are_counted_where_they_are_asked_for_and_none_is_a_guardrail() -> None:
    comparison = Comparison({"control": tally(9_000, 900, 4_000), "new": tally(9_000, 900, 3_000)}, began=BEGAN)
    plain, guarding = experiment(*HALVES), experiment(*HALVES, guardrails=("bounce", CLICK))
    for rule, asked, told in (
        (plain, ReportOptions(NOW), ((ORDER,), ())),
        (plain, ReportOptions(NOW, steps=True), ((ORDER, "product added"), ())),
        (plain, ReportOptions(NOW, "product added", steps=True), (("product added", ORDER), ())),
        (guarding, ReportOptions(NOW, steps=True), ((ORDER, CLICK, "product added"), (CLICK,))),
    ):
        assert kinds_counted(rule, comparison, asked) == told
    added = rows_of(plain, dict(comparison.groups), (ORDER, "product added"))[1].lifts["product added"]
    assert added is not None and added.value == pytest.approx(-0.25) and added.high < 0


def test_clicks_are_not_compared_with_those_of_who_saw_nothing_to_click() -> None:
    groups = {HELD_OUT: tally(1_000, 100), ALL: tally(9_000, 900, clicked=900)}
    rule = Rule("Hero", "home.hero", holdout=1_000)
    _, shown = rows_of(rule, groups, (CLICK,))
    assert shown.verdict is not None and shown.verdict.text.startswith("clicks cannot be compared: ")
    assert shown.why_not_compared(CLICK) == "nothing to click, so not compared"
    _, shown = rows_of(rule, groups)
    assert shown.lifts[ORDER] and shown.why_not_compared(ORDER) == ""


def test_of_an_experiment_on_clicks_arms_with_banners_are_compared_and_others_are_told() -> None:
    rule = experiment(Arm("A", 4_000, "x"), Arm("B", 4_000, "x"), Arm("C", 2_000), goal=CLICK)
    groups = {name: tally(4_000, 400, clicked=clicked) for name, clicked in (("A", 200), ("B", 400), ("C", 0))}
    rows = rows_of(rule, groups | {HELD_OUT: tally(900, 90)}, (CLICK,))
    nothing = "nothing to click, so not compared"
    assert {row.group: row.why_not_compared(CLICK) for row in rows} == {
        "A": "",
        "B": "",
        "C": nothing,
        HELD_OUT: nothing,
    }
    assert rows[1].verdict is not None and rows[1].verdict.word is Outcome.BETTER
    few = rows_of(rule, groups | {"B": tally(4_000, 400, clicked=2)}, (CLICK,))
    assert few[1].why_not_compared(CLICK) == "too few to compare"
