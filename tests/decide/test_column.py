from __future__ import annotations

from itertools import product
from random import Random

import pytest

from proxy.conditions.values import holds
from proxy.decide.column import column
from proxy.decide.conjunctions import Literal
from proxy.model import (
    AttributeValue,
    Between,
    Contains,
    IsKnown,
    NotOneOf,
    OneOf,
    StartsWith,
    Test,
    WithinHours,
)

INF = float("inf")
TESTS: list[Test] = [
    OneOf(frozenset({"NO", "nl"})),
    OneOf(frozenset({"1", "19.95", "-3"})),
    OneOf(frozenset({"Yes"})),
    OneOf(frozenset()),
    NotOneOf(frozenset({"no", "4"})),
    NotOneOf(frozenset()),
    StartsWith(("n", "TRAIL")),
    Contains(("shoe", "RAIN")),
    IsKnown(),
    IsKnown(wanted=False),
    Between(1, 4),
    Between(1, 4, open_low=True, open_high=True),
    Between(low=19.95),
    Between(high=0, open_high=True),
    Between(4, 1),
    Between(4, 4),
    WithinHours(600, 1080),
    WithinHours(1320, 360),
    WithinHours(0, 0),
]
VALUES: list[AttributeValue | None] = [
    None,
    *("", "NO", "no", "nl", "Trail shoes", "terrain", "yes", "1", "4.0"),
    *(frozenset(), frozenset({"NL", "x"}), frozenset({"no", "trail"})),
    *(True, False),
    *(-3.0, -0.0, 0.0, 0.5, 1.0, 1.0000000001, 3.999, 4.0, 4.5, 19.949999, 19.95, 19.950000000001, 1e300, INF, 4),
    *(359.0, 360.0, 600.0, 1079.0, 1080.0, 1319.0, 1320.0, 1439.0),
]
LITERALS = [Literal("it", test, wanted) for test, wanted in product(TESTS, (True, False))]
EVERYONE = (1 << len(LITERALS) + 1) - 1
NO_AMOUNTS_OF_DAY = (-3.0, 1e300, INF)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_bit_is_left_by_a_value_that_passes_its_test(value: AttributeValue | None) -> None:
    bits = column([{literal: 1 << number for number, literal in enumerate(LITERALS)}], EVERYONE).bits(value)
    for number, literal in enumerate(LITERALS):
        if isinstance(literal.test, WithinHours) and value in NO_AMOUNTS_OF_DAY:
            continue  # `hours` is only ever a minute of the day
        assert bool(bits >> number & 1) == (holds(literal.test, value) == literal.wanted), literal
    assert bits >> len(LITERALS) == 1, "a bit that asks nothing is always left"


def test_of_many_patterns_those_are_met_that_a_text_begins_with_or_holds() -> None:
    random = Random(1)
    words = ["".join(random.choices("abcß", k=random.randint(0, 4))) for _ in range(400)]
    literals = [Literal("it", kind((word,))) for word in words for kind in (StartsWith, Contains)]
    bit_of = {literal: 1 << number for number, literal in enumerate(dict.fromkeys(literals))}
    many = column([bit_of], (1 << len(bit_of)) - 1)
    for text in ["", "a", "Ab", "STRASSE", *("".join(random.choices("abcß", k=12)) for _ in range(50))]:
        bits = many.bits(text)
        assert {literal for literal, bit in bit_of.items() if bits & bit} == {
            literal for literal in bit_of if holds(literal.test, text)
        }


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_bit_with_two_tests_needs_both(value: AttributeValue | None) -> None:
    some, number = Literal("it", NotOneOf(frozenset({"no", "2"}))), Literal("it", Between(1, 4))
    bits = column([{some: 0b011}, {number: 0b010}], 0b111).bits(value)
    assert bool(bits & 0b010) == (holds(some.test, value) and holds(number.test, value))
    assert bool(bits & 0b001) == holds(some.test, value)


def test_an_amount_that_is_none_lies_in_no_range() -> None:
    asked = {Literal("it", Between(low=3)): 0b01, Literal("it", Between(high=3)): 0b10}
    assert column([asked], 0b11).bits(float("nan")) == 0


def test_numbers_and_truths_make_a_column_typed_but_norway_does_not() -> None:
    for words, is_typed in ((["no", "yes"], True), (["4"], True), (["red"], False), (["NO", "SE"], False)):
        asked = {Literal("it", OneOf(frozenset(words))): 1}
        assert column([asked], 1).is_typed is is_typed
