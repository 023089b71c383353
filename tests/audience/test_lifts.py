"""How sure a difference is, for who looks every day."""

from __future__ import annotations

from math import exp, inf, log, sqrt
from random import Random

import pytest

from proxy.audience.lifts import (
    ALPHA,
    SUSPICIOUS_P_VALUE,
    TYPICAL_LIFT,
    Lift,
    half_width,
    money_lift,
    sample_size_factor,
    share_lift,
    split_p_value,
)
from proxy.audience.results import ORDER, Money, Tally

RUNS = 200


def tally(visitors: int, did: int = 0, *paid: float) -> Tally:
    return Tally(visitors, {ORDER: did}, money=Money.of(paid, inf))


def test_a_share_is_compared_as_a_ratio_with_the_interval_of_its_logarithm() -> None:
    lift = share_lift(ORDER, tally(1_000, 60), tally(1_000, 40))
    assert lift is not None and lift.value == pytest.approx(0.5)
    assert lift.error == pytest.approx(sqrt(1 / 60 - 1 / 1_001 + 1 / 40 - 1 / 1_001))
    known = (0.2 / lift.error) ** 2  # by hand, 1.008
    reach = lift.error * sqrt((1 + 1 / known) * (log(1 + known) + 2 * log(20)))
    assert (lift.low, lift.high) == pytest.approx((1.5 * exp(-reach) - 1, 1.5 * exp(reach) - 1))
    assert not lift.is_sure and Lift(-0.2, -0.3, -0.1, 0.05).is_sure


def test_an_interval_is_the_confidence_sequence_as_its_authors_write_it() -> None:
    for visitors, rho in ((100, 0.03), (10_000, 0.03), (1_000_000, 0.005)):
        many = visitors * rho * rho + 1
        written = sqrt(2 * many / (visitors * rho) ** 2 * log(sqrt(many) / ALPHA))  # of a mean, with a variance of 1
        assert half_width(1 / sqrt(visitors), rho, ALPHA) == pytest.approx(written)


def test_of_a_few_nothing_is_told() -> None:
    assert share_lift(ORDER, tally(1_000, 4), tally(1_000, 40)) is None
    assert money_lift(tally(9, 4, *[1.0] * 4), tally(9, 9, *[1.0] * 9)) is None
    assert money_lift(tally(9, 5, *[-1.0] * 5), tally(9, 9, *[-1.0] * 9)) is None, "all of it was paid back"


def test_what_everybody_did_is_not_certain_of_those_to_come() -> None:
    lift = share_lift(ORDER, tally(50, 50), tally(50, 50))
    assert lift is not None and lift.low < -0.05 and lift.high > 0.05


def test_money_is_compared_by_what_each_paid_with_the_spread_of_all() -> None:
    lift = money_lift(tally(10, 0, 1, 2, 3, 4, 5), tally(10, 0, 1, 1, 1, 1, 1))
    assert lift is not None and lift.value == pytest.approx(1.0)
    squares = 55 + 5 - 20 * 1.0**2
    assert lift.error == pytest.approx(sqrt(squares / 19 * (1 / 10 + 1 / 10)))
    assert lift.high - lift.value == pytest.approx(half_width(lift.error, TYPICAL_LIFT * 1.0, ALPHA))


def test_a_difference_that_is_there_is_found() -> None:
    random, found = Random(1), 0
    for _ in range(50):
        groups = [tally(20_000, sum(random.random() < share for _ in range(20_000))) for share in (0.05, 0.04)]
        lift = share_lift(ORDER, *groups)
        found += lift is not None and lift.low > 0
    assert found >= 45, "a quarter more, of a thousand and eight hundred"


def test_how_many_more_visitors_it_takes_is_told() -> None:
    for reach in (0.2, 0.05, 0.01):
        times = sample_size_factor(0.1, ALPHA, reach)
        assert half_width(0.1 / sqrt(times), TYPICAL_LIFT, ALPHA) == pytest.approx(reach, rel=1e-6)
    assert sample_size_factor(0.01, ALPHA, 0.9) == pytest.approx(1.0)


# -- sizes


@pytest.mark.parametrize(
    ("sizes", "shares", "is_even"),
    [
        ([500, 500], [5_000, 5_000], True),
        ([7], [10_000], True),
        ([520, 480], [5_000, 5_000], True),
        ([560, 440], [5_000, 5_000], False),
        ([50, 950], [500, 9_500], True),
        ([90, 910], [500, 9_500], False),
        ([100, 0], [5_000, 5_000], False),
        ([3, 0], [5_000, 5_000], True),
        ([501_000, 499_000], [5_000, 5_000], True),
        ([503_000, 497_000], [5_000, 5_000], False),
        ([400, 300, 300], [4_000, 3_000, 3_000], True),
        ([300, 400, 300], [4_000, 3_000, 3_000], False),
        ([50, 100, 0], [2_500, 5_000, 0], True),
    ],
)
def test_sizes_that_chance_does_not_make_are_found(sizes: list[int], shares: list[float], is_even: bool) -> None:
    assert (split_p_value(sizes, shares) >= SUSPICIOUS_P_VALUE) == is_even


def test_daily_looks_seldom_report_a_sample_ratio_mismatch_made_by_chance() -> None:
    random, doubted = Random(3), 0
    for _ in range(RUNS):
        sizes, was_doubted = [0, 0], False
        for _ in range(40):
            held_out = sum(random.random() < 0.1 for _ in range(50))
            sizes[0] += held_out
            sizes[1] += 50 - held_out
            was_doubted |= split_p_value(sizes, [0.1, 0.9]) < SUSPICIOUS_P_VALUE
        doubted += was_doubted
    assert doubted <= 0.02 * RUNS
