"""Groups that visitors fall into, and that none are seen where there are none."""

from __future__ import annotations

from random import Random

import pytest

from proxy.audience.clusters import LEAST_STABLE, LEAST_VISITORS, MOST_ROWS, clusters

HABITS = {
    "runner": ("favourite category: shoes/trail", "visits: at least 5", "orders: at least 1"),
    "bargain": ("favourite category: home", "bargain shopper: yes"),
    "gazer": ("favourite category: hats",),
}


def visitor(habit: str, chance: Random) -> frozenset[str]:
    """What is usual for the habit, with one feature in ten turned round, and what says nothing."""
    found = {feature for feature in HABITS[habit] if chance.random() < 0.9}
    found |= {f"pages viewed: at least {step}" for step in (5, 20) if chance.random() < 0.5}
    return frozenset(found | ({"bargain shopper: yes"} if chance.random() < 0.1 else set()))


def crowd(*counts: tuple[str, int]) -> list[frozenset[str]]:
    chance = Random(7)
    return [visitor(habit, chance) for habit, count in counts for _ in range(count)]


THREE = (("runner", 300), ("bargain", 200), ("gazer", 100))


def test_visitors_with_different_habits_fall_into_groups_with_the_lines_that_find_them() -> None:
    groups = clusters(crowd(*THREE), 10)
    for one, (habit, count) in zip(groups, THREE, strict=True):
        assert set(one.when) <= set(HABITS[habit]) and one.when
        assert one.members == pytest.approx(count, rel=0.25)
        assert one.share == one.members / 600
        assert min(one.found, one.right) > 0.8
        assert one.stability > 0.9
        assert one.apart[0].low > 1


def test_a_group_that_is_known_by_what_it_lacks_is_found_by_that() -> None:
    bought = {"orders: at least 1", "products in cart: at least 2", "bargain shopper: yes"}
    looks = [frozenset({"known: yes"} | ({f"town: {number}"} if number < 30 else set())) for number in range(150)]
    buys = [one | bought for one in looks]
    found = clusters(looks + buys, 5)
    assert [(one.when, one.unless) for one in found if not one.when] == [((), ("bargain shopper: yes",))]


def test_the_same_visitors_in_any_order_fall_into_the_same_groups() -> None:
    visitors = crowd(*THREE)
    shuffled = list(visitors)
    Random(1).shuffle(shuffled)
    assert clusters(shuffled, 10) == clusters(visitors, 10)


def test_one_crowd_falls_into_no_groups() -> None:
    chance = Random(5)
    features = [f"a{number}: yes" for number in range(12)]
    assert clusters([frozenset(one for one in features if chance.random() < 0.4) for _ in range(600)], 10) == []
    assert clusters([frozenset({"a: yes"})] * 600, 10) == []
    assert clusters([frozenset()] * 600, 10) == []


def test_a_few_visitors_are_no_group() -> None:
    assert clusters(crowd(("runner", LEAST_VISITORS // 2), ("gazer", LEAST_VISITORS // 2 - 1)), 10) == []


def test_however_many_visitors_there_are_few_distances_are_worked_out_and_all_are_counted() -> None:
    chance = Random(11)
    many = [frozenset({f"town: {chance.randrange(9_000)}", f"kind: {chance.randrange(2)}"}) for _ in range(3_000)]
    assert len(set(many)) > MOST_ROWS
    groups = clusters(many, 10)
    assert sum(one.members for one in groups) == 3_000
    assert {one.when for one in groups} == {("kind: 0",), ("kind: 1",)}
    assert min(one.stability for one in groups) >= LEAST_STABLE
