"""What follows from tests of one attribute, held against values."""

from __future__ import annotations

from random import Random

from proxy.conditions.values import holds
from proxy.decide.conjunctions import Literal
from proxy.decide.implication import contradiction, implies, passing_text, values_that_pass, with_implied
from proxy.model import AttributeValue, Between, OneOf, WithinHours
from tests.decide.worlds import NUMBERS, TEXTS, World

VALUES: tuple[AttributeValue | None, ...] = (
    None, True, False, 0.0, 1.0, 2.0, 3.0, 4.0, 19.95, 20.0, 99.5, "", "4", "yes", "gold", "NO", "be", "/shoes/trail",
    frozenset(), frozenset({"red"}), frozenset({"red", "Blue"}), frozenset({"VIP", "nl"}), frozenset({"Straße", "4"}),
)  # fmt: skip


def literals(random: Random, world: World) -> list[Literal]:
    name = random.choice([*TEXTS, *NUMBERS, "refinement.colour"])
    tests = [world._test(name, ()) for _ in range(random.randint(2, 3))]
    return [Literal("x", test, random.random() < 0.7) for test in tests]


def passes(value: AttributeValue | None, literal: Literal) -> bool:
    return holds(literal.test, value) == literal.wanted


def test_what_is_said_to_follow_or_to_contradict_does_so_for_every_value() -> None:
    world, random, told = World(1), Random(2), [0, 0]
    for _ in range(4_000):
        given, wanted, *rest = literals(random, world)
        if implies(given, wanted):
            told[0] += 1
            assert all(passes(value, wanted) for value in VALUES if passes(value, given)), (given, wanted)
        if contradiction([given, wanted, *rest], lambda attribute: False) is not None:
            told[1] += 1
            assert not any(all(passes(value, each) for each in (given, wanted, *rest)) for value in VALUES)
    assert min(told) > 100


def test_values_are_named_only_where_there_are_no_others() -> None:
    countries = [Literal("country", OneOf(frozenset({"NO", "4"})))]
    assert values_that_pass(countries, (), True) == ["4", 4.0, "no", False]
    assert values_that_pass(countries, (), False) is None
    assert values_that_pass([Literal("country", OneOf(frozenset({"NO"})), wanted=False)], (), True) is None
    assert values_that_pass([Literal("n", Between(2, 5))], (1.0, 5.0, float("inf")), True) == [5.0]
    assert values_that_pass([Literal("h", WithinHours(0, 60))], (-1.0, 59.0, 1_439.0), True) == [59.0]


def test_a_text_that_passes_some_tests_passes_what_follows_from_them() -> None:
    world, random, told = World(3), Random(4), 0
    for _ in range(4_000):
        *given, wanted = literals(random, world)
        text = passing_text(given)
        if text is not None:
            assert all(passes(text, each) for each in given)
        if text is not None and any(implies(each, wanted) for each in given):
            told += 1
            assert passes(text, wanted), (given, wanted)
    assert told > 100
    assert passing_text([Literal("n", Between(2, 5))]) is None


def test_a_verified_segment_implies_the_segment() -> None:
    verified = Literal("segment", OneOf(frozenset({"VIP"})), qualifier="verified")
    assert with_implied(frozenset({verified})) == {verified, Literal("segment", verified.test)}
