"""How sure a difference is."""

from __future__ import annotations

from collections import Counter
from math import sqrt
from random import Random

import pytest

from proxy.audience.lift import Lift, evenness, of_money, of_share
from proxy.audience.results import Tally

ORDER = "order completed"


def tally(visitors: int, did: int = 0, *paid: float) -> Tally:
    return Tally(visitors, Counter({ORDER: did}), sum(paid), sum(one * one for one in paid))


def test_a_share_is_compared_as_a_ratio_with_the_interval_of_its_logarithm() -> None:
    lift = of_share(ORDER, tally(1_000, 60), tally(1_000, 40))
    assert lift is not None and lift.value == pytest.approx(0.5)
    spread = 1.96 * sqrt(1 / 60 - 1 / 1_000 + 1 / 40 - 1 / 1_000)  # by hand, 0.3913
    assert (lift.low, lift.high) == pytest.approx((1.5 * 2.718281828**-spread - 1, 1.5 * 2.718281828**spread - 1))
    assert lift.is_sure and not Lift(0.1, -0.1, 0.3).is_sure and Lift(-0.2, -0.3, -0.1).is_sure


def test_of_a_few_nothing_is_told() -> None:
    assert of_share(ORDER, tally(1_000, 4), tally(1_000, 40)) is None
    assert of_money(tally(1), tally(9)) is None


def test_money_is_compared_by_what_each_paid() -> None:
    lift = of_money(tally(4, 0, 1, 2, 3, 4), tally(4, 0, 1, 1, 1, 1))
    assert lift is not None and lift.value == pytest.approx(1.5)
    assert lift.high - lift.value == pytest.approx(1.96 * sqrt((5 / 3) / 4))


def test_the_interval_holds_what_is_true_in_about_95_of_100_cases() -> None:
    random, inside = Random(1), 0
    for _ in range(400):
        one, other = (sum(random.random() < 0.1 for _ in range(500)) for _ in range(2))
        lift = of_share(ORDER, tally(500, one), tally(500, other))
        inside += lift is not None and lift.low <= 0 <= lift.high
    assert 365 <= inside <= 395


@pytest.mark.parametrize(
    ("off", "groups", "chance"),  # the usual table of chi-square at 5 % and 0.1 %
    [(3.841, 2, 0.05), (5.991, 3, 0.05), (7.815, 4, 0.05), (9.488, 5, 0.05), (11.070, 6, 0.05), (10.828, 2, 0.001)],
)
def test_sizes_are_judged_by_chi_square(off: float, groups: int, chance: float) -> None:
    whole, shares = 1_000_000 * groups, [1.0] * groups
    by = sqrt(off * 1_000_000 / 2)
    sizes = [round(1_000_000 + by), round(1_000_000 - by)] + [1_000_000] * (groups - 2)
    assert sum(sizes) == whole and evenness(sizes, shares) == pytest.approx(chance, rel=0.02)


def test_sizes_that_are_as_they_should_be_are_no_surprise() -> None:
    assert evenness([500, 500], [5_000, 5_000]) == 1.0
    assert evenness([7], [10_000]) == 1.0
    assert evenness([50, 100], [2_500, 5_000]) == 1.0
