"""What is said of a difference, in words."""

from __future__ import annotations

import re
from math import exp, inf, log

import pytest

from proxy.audience.lifts import ALPHA, DAY, TYPICAL_LIFT, Lift, half_width, percent, period_alpha, share_lift
from proxy.audience.results import ORDER, Tally
from proxy.audience.verdicts import Judge, Outcome, ReportOptions
from proxy.model import Experiment, Rule

NOW = 1_000 * DAY
PLAIN = Rule("Hero", "home.hero", holdout=500)


def lift(value: float, error: float) -> Lift:
    reach = half_width(error, TYPICAL_LIFT, ALPHA)
    low, high = (exp(log(1 + value) + sign * reach) - 1 for sign in (-1, 1))
    return Lift(value, low, high, error)


def judged(
    found: Lift | None, rule: Rule | None = PLAIN, *, days: float = 20, asked: ReportOptions = ReportOptions(NOW)
) -> tuple[Outcome, str]:
    verdict = Judge(NOW - days * DAY, rule, rule is not None, ALPHA, asked).verdict(found)
    return verdict.word, verdict.text


@pytest.mark.parametrize(
    ("found", "word", "text"),
    [
        (lift(0.30, 0.05), Outcome.BETTER, "better by 12 % to 52 %"),
        (lift(0.06, 0.01), Outcome.BETTER, "better by 2.4 % to 9.7 %"),
        (lift(-0.30, 0.05), Outcome.WORSE, "worse by 18 % to 40 %"),
        (lift(0.0, 0.01), Outcome.SAME, "no difference found that matters: less than 5 % either way"),
        (
            lift(0.10, 0.05),
            Outcome.EARLY,
            "too early: about 35 days more at this rate if it stays as it looks, else more than a year",
        ),
        (lift(0.0, 0.016), Outcome.EARLY, "too early: about 90 days more at this rate"),
        (lift(0.02, 0.5), Outcome.EARLY, "too early: more than a year at this rate"),
        (
            lift(0.05, 0.02),
            Outcome.EARLY,
            "too early: about 18 days more at this rate if it stays as it looks, else up to 152 days",
        ),
        (
            lift(0.20, 0.10),
            Outcome.EARLY,
            "too early: about 36 days more at this rate if it stays as it looks, else more than a year",
        ),
        (None, Outcome.EARLY, "too early: fewer than 5 of a group did it"),
    ],
)
def test_a_difference_is_judged(found: Lift | None, word: Outcome, text: str) -> None:
    assert judged(found) == (word, text)


def test_a_difference_that_matters_is_as_large_as_is_said() -> None:
    small = lift(0.0, 0.01)
    assert judged(small, asked=ReportOptions(NOW, relevant_lift=0.02))[0] is Outcome.EARLY
    assert judged(small, asked=ReportOptions(NOW, relevant_lift=0.2))[0] is Outcome.SAME


def test_before_its_days_are_over_an_experiment_is_not_judged() -> None:
    tried = Rule("Bar", "all.topbar", experiment=Experiment((), min_days=14))
    assert judged(lift(0.3, 0.01), tried, days=13.9) == (Outcome.EARLY, "too early: it runs for 13 of at least 14 days")
    assert judged(lift(0.3, 0.01), tried, days=14)[0] is Outcome.BETTER


def test_what_is_drawn_by_something_else_than_the_visitor_is_not_judged() -> None:
    word, text = judged(lift(0.3, 0.01), Rule("Bar", "all.topbar", experiment=Experiment((), split_by="company")))
    assert word is Outcome.UNDECIDED and "it is split by company" in text


@pytest.mark.parametrize(
    ("rule", "until"),
    [
        (Rule("Hero", "home.hero", live_until=NOW), inf),
        (Rule("Hero", "home.hero", paused=True), inf),
        (None, inf),
        (PLAIN, NOW - DAY),
    ],
    ids=["it is over", "it is paused", "it is gone", "the time asked for is over"],
)
def test_where_nobody_comes_any_more_it_says_where_the_difference_lies(rule: Rule | None, until: float) -> None:
    word, text = judged(lift(0.1, 0.05), rule, asked=ReportOptions(NOW, until=until))
    assert word is Outcome.UNDECIDED and text == "undecided: it lies between -5.6% and +28.2%"


def test_what_is_small_is_told_with_a_decimal() -> None:
    assert (percent(0.031), percent(0.123), percent(1.5)) == ("3.1 %", "12 %", "150 %")


def test_the_rate_of_hours_is_not_taken_for_that_of_days() -> None:
    assert judged(lift(0.10, 0.05), days=0.9) == (Outcome.EARLY, "too early: it runs for less than a day")
    assert "at this rate" in judged(lift(0.10, 0.05), days=1)[1]


def test_of_a_part_of_its_time_nothing_is_promised_for_the_days_to_come() -> None:
    tried = Rule("Bar", "all.topbar", experiment=Experiment((), min_days=14))
    last_week = Judge(NOW - 7 * DAY, tried, True, ALPHA, ReportOptions(NOW), first=NOW - 30 * DAY)
    verdict = last_week.verdict(lift(0.10, 0.05))
    assert verdict.word is Outcome.UNDECIDED and verdict.text.endswith("; all of its time tells more")
    assert Judge(NOW - 7 * DAY, tried, True, ALPHA, ReportOptions(NOW)).verdict(None).word is Outcome.EARLY


def test_the_days_that_a_period_may_begin_with_share_one_error_rate() -> None:
    assert period_alpha(NOW, NOW) == period_alpha(NOW, inf) == ALPHA
    rates = [period_alpha(NOW + day * DAY, NOW) for day in range(1, 10_000)]
    assert 0.49 * ALPHA < sum(rates) < ALPHA and rates == sorted(rates, reverse=True)
    assert period_alpha(NOW + 1, NOW) == ALPHA / 2


def test_how_long_two_variants_would_take_is_about_how_long_they_do() -> None:
    judge = Judge(NOW - 10 * DAY, PLAIN, True, ALPHA, ReportOptions(NOW))
    (told,) = judge.time_needed(Tally(10_000, {ORDER: 500}), ORDER)
    found = re.fullmatch(
        r"two variants here would show a difference of 20 % in about (\d+) days, of 10 % in about (\d+) days, "
        r"of 5 % in about 361 days", told)  # fmt: skip
    assert found, told
    for days, lift in ((int(found[1]), 0.2), (int(found[2]), 0.1)):
        control = Tally(500 * days, {ORDER: round(500 * days * 0.05)})
        better = Tally(500 * days, {ORDER: round(500 * days * 0.05 * (1 + lift))})
        seen = share_lift(ORDER, better, control)
        assert seen and abs(seen.low) < 0.01, "as likely as not it is sure by then"
    assert not list(judge.time_needed(Tally(100, {ORDER: 8}), ORDER)), "of a few nothing is told"
