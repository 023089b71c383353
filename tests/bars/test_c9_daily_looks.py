"""Experiments without any difference, looked at every day: how often a verdict is ever wrong. A usual 95 % interval
runs beside it on the same numbers."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from itertools import repeat
from math import log1p
from random import Random

import pytest

from proxy.audience.lifts import DAY, Lift
from proxy.audience.report import RuleReport, reports
from proxy.audience.results import ALL, HELD_OUT, ORDER, Comparison, Tally
from proxy.audience.verdicts import Outcome, ReportOptions
from proxy.model import Arm, Experiment, Rule

FULL = bool(os.environ.get("BAR_FULL"))
RUNS = 1_000 if FULL else 20
MOST_DECEIVED = 0.05
ONE_LOOK = 1.96


@dataclass(frozen=True, slots=True)
class Shop:
    """So many new visitors a day, of whom a share orders, on average so many days later; for so many days."""

    visitors: int
    orders: float
    days_later: float
    days: int


def experiment(*arms: str) -> Rule:
    return Rule("X", "home.hero", experiment=Experiment(tuple(Arm(arm, 10_000 // len(arms)) for arm in arms)))


def held_out(share: int) -> Rule:
    return Rule("X", "home.hero", holdout=share)


def groups_of(rule: Rule) -> dict[str, float]:
    if rule.experiment:
        return {arm.name: arm.share / 10_000 for arm in rule.experiment.arms}
    return {HELD_OUT: rule.holdout / 10_000, ALL: 1 - rule.holdout / 10_000}


def days(random: Random, rule: Rule, shop: Shop) -> list[RuleReport]:
    """What is told of the rule on each day. What visitors pay is skewed, as it is in shops."""
    groups, paid = groups_of(rule), {name: list[float]() for name in groups_of(rule)}
    sizes, due, told = Counter[str](), list[tuple[float, str, float]](), list[RuleReport]()
    for day in range(1, shop.days + 1):
        for name in random.choices(list(groups), list(groups.values()), k=shop.visitors):
            sizes[name] += 1
            if random.random() < shop.orders:
                later = random.expovariate(1 / shop.days_later) if shop.days_later else 0.0
                due.append((day - 1 + later, name, random.lognormvariate(4.0, 1.0)))
        for _, name, payment in (order for order in due if order[0] < day):
            paid[name].append(payment)
        due = [order for order in due if order[0] >= day]
        tallies = {name: Tally(sizes[name], {ORDER: len(paid[name])}, paid[name]) for name in groups if sizes[name]}
        comparison = Comparison(tallies, began=0.0)
        comparison.sum_up()
        told += reports({"X": comparison}, [rule], [], ReportOptions(day * DAY))
    return told


def deceived(told: list[RuleReport]) -> set[str]:
    """What looked sure on some day, and is not so."""
    found = set[str]()
    for one in told:
        lifts = [(kind, lift) for row in one.rows for kind, lift in row.lifts.items() if lift]
        found |= {"sizes"} if one.verdict.word is Outcome.DISTRUST else set()
        found |= {"verdict" for row in one.rows if row.verdict and row.verdict.word in (Outcome.BETTER, Outcome.WORSE)}
        found |= {"money" for kind, lift in lifts if kind == "paid" and lift.is_sure}
        found |= {"one look" for kind, lift in lifts if kind == ORDER and is_sure_at_one_look(lift)}
    return found


def is_sure_at_one_look(lift: Lift) -> bool:
    return abs(log1p(lift.value)) > ONE_LOOK * lift.error


def last_days(random: Random, shop: Shop, days: int) -> list[RuleReport]:
    """What is told each day of those who came within the last so many days."""
    rule, told, came = experiment("control", "new"), list[RuleReport](), list[dict[str, list[int]]]()
    for today in range(1, shop.days + 1):
        news = [int(random.random() < shop.orders) for _ in range(shop.visitors)]
        came.append({"control": news[::2], "new": news[1::2]})
        groups = {
            name: Tally(
                sum(len(one[name]) for one in came[-days:]), {ORDER: sum(sum(one[name]) for one in came[-days:])}
            )
            for name in ("control", "new")
        }
        comparison = Comparison(groups, began=max(0, today - days) * DAY, first=0.0)
        told += reports({"X": comparison}, [rule], [], ReportOptions(today * DAY))
    return told


CASES = {
    "two arms": (experiment("control", "new"), Shop(400, 0.05, 0.0, 30)),
    "two arms, orders days later": (experiment("control", "new"), Shop(400, 0.05, 4.0, 30)),
    "four arms": (experiment("control", "red", "green", "blue"), Shop(600, 0.05, 2.0, 30)),
    "a holdout of 5 %": (held_out(500), Shop(600, 0.05, 2.0, 30)),
    "a small shop": (experiment("control", "new"), Shop(30, 0.03, 2.0, 90)),
    "a frequent goal": (experiment("control", "new"), Shop(100, 0.5, 0.0, 40)),
}


@pytest.mark.parametrize("case", CASES)
def test_looking_at_results_daily_keeps_the_false_positive_rate(case: str) -> None:
    random, found = Random(case), Counter[str]()
    for _ in repeat(None, RUNS):
        found.update(deceived(days(random, *CASES[case])))
    print(f"{case}: of {RUNS} experiments without a difference looked sure " + ", ".join(
        f"by {name} {found[name]}" for name in ("verdict", "money", "sizes", "one look")))  # fmt: skip
    assert max(found["verdict"], found["money"], found["sizes"]) <= MOST_DECEIVED * RUNS
    if case == "two arms":
        assert found["one look"] > 3 * MOST_DECEIVED * RUNS, "why intervals of one look are not for every day"


def test_looking_at_the_last_seven_days_daily_keeps_the_false_positive_rate() -> None:
    random, found = Random("the last seven days"), Counter[str]()
    for _ in repeat(None, RUNS):
        found.update(deceived(last_days(random, Shop(1_000, 0.05, 0.0, 120), 7)))
    print(f"of {RUNS} looked sure by verdict {found['verdict']}")
    assert found["verdict"] <= MOST_DECEIVED * RUNS
