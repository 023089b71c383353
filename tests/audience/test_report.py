"""What is told of results: groups beside the one they are measured by, and whether to believe it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.audience.lifts import DAY, in_money, in_percent
from proxy.audience.report import RuleReport, reports
from proxy.audience.results import ALL, HELD_OUT, LEAST_PAYERS, ORDER, Comparison, Tally, holdout_name
from proxy.audience.verdicts import Outcome, ReportOptions
from proxy.model import Arm, Experiment, Holdout, Rule

NOW = 1_000 * DAY


def tally(visitors: int, ordered: int, added: int = 0, paid: float = 10.0) -> Tally:
    return Tally(visitors, {ORDER: ordered, "product added": added}, [paid] * ordered)


def experiment(*arms: str, guardrails: tuple[str, ...] = ()) -> Rule:
    shares = tuple(Arm(name, 10_000 // len(arms)) for name in arms)
    return Rule("Bar", "all.topbar", experiment=Experiment(shares, guardrails=guardrails))


def told_of(rule: Rule | None, groups: dict[str, Tally], *holdouts: Holdout, crossed: int = 0) -> RuleReport:
    comparison = Comparison(groups, crossed, NOW - 20 * DAY)
    comparison.sum_up()
    name = rule.name if rule else "Bar"
    (told,) = reports({name: comparison}, [rule] if rule else [], holdouts, ReportOptions(NOW))
    return told


def test_of_several_arms_the_best_is_told_and_intervals_are_wider_the_more_there_are() -> None:
    groups = {"control": tally(5_000, 400), "red": tally(5_000, 410), "green": tally(5_000, 560)}
    told = told_of(experiment("control", "red", "green"), groups)
    assert told.verdict.word is Outcome.BETTER and told.verdict.text.startswith("green: better by ")
    alone = told_of(experiment("control", "green"), {name: groups[name] for name in ("control", "green")})
    of_three, of_two = (next(row.lifts[ORDER] for row in one.rows if row.group == "green") for one in (told, alone))
    assert of_three and of_two and of_three.low < of_two.low
    assert alone.verdict == alone.rows[1].verdict


@pytest.mark.parametrize(
    ("red", "note"),
    [
        (900, "green is better than red, too: +33.3% ("),
        (1_150, "green and red are both better than the first, and which of the two is best is open: +4.3% ("),
    ],
)
def test_of_several_better_arms_the_best_comes_first_beside_the_others(red: int, note: str) -> None:
    groups = {"control": tally(9_000, 600), "red": tally(9_000, red), "green": tally(9_000, 1_200)}
    told = told_of(experiment("control", "red", "green"), groups)
    assert told.verdict.text.startswith("green: better by ")
    assert [each.partition("(")[0] + "(" for each in told.notes] == [note]


def test_a_rule_is_measured_by_those_held_out_of_it() -> None:
    rule = Rule("Hero", "home.hero", holdout=1_000)
    told = told_of(rule, {ALL: tally(9_000, 900), HELD_OUT: tally(1_000, 60)})
    assert [row.group for row in told.rows] == [HELD_OUT, ALL] and told.verdict.word is Outcome.BETTER


def test_sizes_that_do_not_fit_the_split_are_said_before_all_else() -> None:
    told = told_of(experiment("control", "new"), {"control": tally(5_000, 400), "new": tally(4_000, 560)})
    assert told.chance is not None and told.chance < 0.001
    assert told.verdict.word is Outcome.DISTRUST
    assert [(row.lifts, row.verdict) for row in told.rows] == [({}, None)] * 2
    assert told.notes == [
        "of those counted, control 55.6% instead of 50.0%, new 44.4% instead of 50.0%: were shares changed under way, "
        "or does one make visitors leave after a page?",
        "by their shares, whoever was counted, order completed of new beside control: +40.0% (+14.8% to +70.8%); "
        "that holds if shares never changed, and all events arrive",
    ]
    one_sided = told_of(experiment("control", "new"), {"control": tally(5_000, 400)})
    assert one_sided.verdict.word is Outcome.DISTRUST


def test_of_what_is_split_by_an_attribute_groups_are_counted_and_neither_compared_nor_doubted() -> None:
    rule = Rule(
        "Bar", "all.topbar", experiment=Experiment((Arm("control", 5_000), Arm("new", 5_000)), split_by="company")
    )
    told = told_of(rule, {"control": tally(5_000, 400), "new": tally(2_000, 560)})
    assert [(row.visitors, row.did[ORDER], row.lifts) for row in told.rows] == [(5_000, 400, {}), (2_000, 560, {})]
    assert told.verdict.text.startswith("counted, not judged: it is split by company")
    assert told.chance is None and not told.notes


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule("Hero", "home.hero"), "so there is nothing to compare with: give it `holdout: 5%`"),
        (experiment("control", "new"), "so there is nothing to compare with"),
    ],
)
def test_without_anything_to_compare_with_it_says_what_to_do(rule: Rule, text: str) -> None:
    told = told_of(rule, {"control" if rule.experiment else ALL: tally(3, 0)})
    assert told.verdict.word is Outcome.ALONE and told.verdict.text.endswith(text)


def test_what_is_given_back_more_often_is_told_of_who_ordered_not_of_all() -> None:
    groups = {"control": tally(9_000, 600), "new": tally(9_000, 900)}
    groups["control"].returned, groups["new"].returned = 120, 180
    assert "gave something back" not in " ".join(told_of(experiment("control", "new"), groups).notes), (
        "as they buy more"
    )
    groups["new"].returned = 300
    told = told_of(experiment("control", "new"), groups)
    assert told.verdict.word is Outcome.BETTER
    (note,) = told.notes
    assert note.startswith("new: of those who ordered ") and note.endswith(" more gave something back")


def test_a_guardrail_that_gets_worse_and_who_met_more_than_one_are_told() -> None:
    groups = {"control": tally(9_000, 900, 4_000), "new": tally(9_000, 1_200, 3_000)}
    told = told_of(experiment("control", "new", guardrails=("bounce", "product added")), groups, crossed=3)
    assert told.counted == (ORDER, "product added") and told.verdict.word is Outcome.BETTER
    assert told.notes[0].startswith("new: product added is worse by ")
    assert told.notes[1:] == ["3 met more than one of these, and count for the first"]


def test_an_arm_that_keeps_buyers_away_is_told_whatever_the_verdict_is_about() -> None:
    groups = {"control": tally(9_000, 900), "fine": tally(9_000, 900), "broken": tally(9_000, 300)}
    told = told_of(experiment("control", "fine", "broken"), groups)
    assert told.verdict.word is Outcome.EARLY and told.verdict.text.startswith("fine: ")
    assert any(note.startswith("broken: order completed is worse by ") for note in told.notes), told.notes
    rule = experiment("control", "broken")
    assert rule.experiment is not None
    del groups["fine"]
    only = told_of(rule, groups)
    assert only.verdict.word is Outcome.WORSE and "worse" not in " ".join(only.notes), "it is what the verdict says"
    soon = told_of(replace(rule, experiment=replace(rule.experiment, min_days=90)), groups)
    assert soon.verdict.word is Outcome.EARLY and soon.notes[-1].startswith("broken: order completed is worse by ")


def test_that_each_pays_less_is_told_whatever_the_goal() -> None:
    groups = {"control": tally(9_000, 900, paid=50.0), "new": tally(9_000, 1_200, paid=20.0)}
    told = told_of(experiment("control", "new"), groups)
    assert told.verdict.word is Outcome.BETTER
    assert [note.partition(" pays ")[0] for note in told.notes] == ["new: each visitor"]
    assert told.notes[0].endswith(" less")


def test_of_several_currencies_what_was_paid_in_the_most_frequent_one_is_compared() -> None:
    groups = {"control": tally(1_000, 100), "new": tally(1_000, 100)}
    groups["new"].payments.append(90_000.0)
    groups["new"].paid_in = ["EUR"] * 100 + ["SEK"]
    comparison = Comparison(groups, began=NOW - DAY, currencies={"SEK": 1, "EUR": 199})
    comparison.sum_up()
    (told,) = reports({"Bar": comparison}, [experiment("control", "new")], [], ReportOptions(NOW))
    lift = told.rows[1].lifts["paid"]
    assert lift and lift.value == 0.0 and (told.currency, told.rows[1].paid) == ("EUR", 1.0)
    assert told.notes == ["orders came in 2 currencies (EUR, SEK): what was paid is that of the 199 of 200 in EUR"]


def test_orders_without_a_currency_beside_others_are_told() -> None:
    comparison = Comparison({"new": tally(1_000, 100)}, began=NOW - DAY, currencies={"": 1, "EUR": 99})
    comparison.sum_up()
    (told,) = reports({"Bar": comparison}, [], [], ReportOptions(NOW))
    assert "some orders name no currency: they are added up as if they were in EUR" in told.notes


def test_a_rule_that_is_gone_is_told_as_far_as_it_was_met() -> None:
    told = told_of(None, {"b": tally(5_000, 410), "a": tally(5_000, 400)})
    assert [row.group for row in told.rows] == ["a", "b"] and told.chance is None
    assert told.notes == ["it is not in the rule folder any more"] and told.verdict.word is Outcome.UNDECIDED


def test_what_each_paid_is_told_with_what_each_paid_who_paid_and_up_to_what_it_counts() -> None:
    groups = {"control": tally(1_000, LEAST_PAYERS, paid=20.0), "new": tally(1_000, LEAST_PAYERS, paid=20.0)}
    groups["new"].payments[0] = 9_000.0
    told = told_of(experiment("control", "new"), groups)
    new = told.rows[1]
    assert (new.paid, new.paid_by_payer, told.cap) == (10.98, 109.8, 20.0)
    lift = new.lifts["paid"]
    assert lift is not None and lift.value == 0.0 and in_money(lift).startswith("+0.00 (-")
    assert in_percent(lift).endswith("may be chance")


def test_where_one_keeps_more_visitors_its_lift_is_told_by_the_shares() -> None:
    groups = {"control": tally(45_000, 2_700), "new": tally(50_000, 3_400)}
    told = told_of(experiment("control", "new"), groups)
    assert told.verdict.word is Outcome.DISTRUST and told.rows[1].lifts == {}
    (note,) = [note for note in told.notes if note.startswith("by their shares")]
    assert note.startswith(f"by their shares, whoever was counted, {ORDER} of new beside control: +25.9% (")
    uneven = Rule("Bar", "all.topbar", experiment=Experiment((Arm("control", 8_000), Arm("new", 2_000))))
    (note,) = [note for note in told_of(uneven, groups).notes if note.startswith("by their shares")]
    assert "new beside control: +403.7% (" in note
    assert not any("shares" in note for note in told_of(experiment("control", "new"), MANY_ALIKE).notes)


MANY_ALIKE = {"control": tally(45_000, 2_700), "new": tally(45_100, 2_720)}


@pytest.mark.parametrize(("unheld", "is_doubted"), [(0, False), (50, False), (51, True)])
def test_a_holdout_that_began_later_than_it_says_is_not_judged_and_told_when_it_began(
    unheld: int, is_doubted: bool
) -> None:
    groups, winter = {HELD_OUT: tally(1_000, 100), ALL: tally(9_000, 900)}, Holdout("Winter", 1_000)
    comparison = Comparison(groups, began=NOW - 20 * DAY, unheld=unheld, unheld_at=NOW - DAY)
    (told,) = reports({holdout_name(winter): comparison}, [], [winter], ReportOptions(NOW))
    began = "write into it `from: 1972-09-26 00:01Z`, and it is counted from then on"
    assert (told.verdict.word is Outcome.DISTRUST) == is_doubted == any(began in note for note in told.notes)
    assert all(bool(row.lifts) is not is_doubted for row in told.rows[1:])
