"""What survives the values that pass some tests, held against going through them all."""

from __future__ import annotations

from functools import reduce
from math import inf, isfinite, nextafter
from operator import and_, or_
from random import Random

from proxy.conditions.values import holds
from proxy.decide.column import Column, column
from proxy.decide.conjunctions import Literal
from proxy.decide.dead import MOST_SAMPLES, SurvivorFinder
from proxy.model import Between, NotOneOf, OneOf


def between(random: Random) -> Literal:
    low, high = sorted(random.sample(range(100_000), 2))
    ends = random.choice(((low, high), (low, inf), (-inf, high)))
    return Literal("n", Between(*ends, open_low=random.random() < 0.3, open_high=random.random() < 0.3))


def numbers(random: Random, tests: int) -> tuple[Column, list[Literal]]:
    """A column of which each bit asks for numbers between two others."""
    literals = [between(random) for _ in range(tests)]
    asked = {literal: 1 << place for place, literal in enumerate(literals)}
    return column([asked], (1 << tests) - 1), list(asked)


def test_of_numbers_it_is_what_going_through_them_all_finds() -> None:
    random = Random(7)
    for tests in (1, 5, 40, 400):
        asked, literals = numbers(random, tests)
        surviving = SurvivorFinder(asked, is_single=True)
        finite = [point for point in asked.breaks if isfinite(point)]
        every = [point for point in (*finite, nextafter(finite[-1], inf)) if isfinite(point)]
        for chosen in ([one] for one in literals[:50]):
            found = surviving.of(frozenset(chosen))
            passing = [point for point in every if all(holds(literal.test, point) for literal in chosen)]
            survivors = [asked.bits(point) for point in passing]
            assert found is not None
            assert (found.any_value, found.all_values) == (reduce(or_, survivors), reduce(and_, survivors))
            assert {asked.bits(kind) for kind in found.samples} == (
                set(survivors) if len(survivors) <= MOST_SAMPLES else set()
            )
            assert all(holds(chosen[0].test, kind) for kind in found.samples)


def test_tests_that_ask_for_more_than_numbers_are_gone_through() -> None:
    four, other = Literal("n", OneOf(frozenset({"4"}))), Literal("n", Between(2, 9))
    surviving = SurvivorFinder(column([{four: 1, other: 2}], 3), is_single=True)
    both = surviving.of(frozenset({four, other}))
    assert both is not None
    assert (both.any_value, both.all_values, both.samples) == (3, 3, [4.0])


def test_where_values_are_not_all_known_nothing_is_said() -> None:
    rest = Literal("country", NotOneOf(frozenset({"NO"})))
    assert SurvivorFinder(column([{rest: 1}], 1), is_single=True).of(frozenset({rest})) is None
