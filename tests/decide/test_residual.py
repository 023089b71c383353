from __future__ import annotations

from itertools import product

from proxy.conditions.values import matches
from proxy.decide.conjunctions import Literal, Part
from proxy.decide.residual import residual
from proxy.model import AllOf, AnyOf, Fact, NoneOf, OneOf

A, B, C, D = (Fact(name, OneOf(frozenset({"x"}))) for name in "abcd")
TANGLED = AnyOf((AllOf((A, NoneOf((B, AllOf((C, D)))))), AllOf((B, AnyOf((C, NoneOf((D,))))))))


def test_a_residual_holds_when_its_condition_does() -> None:
    bits: dict[Literal, int] = {}
    asked = residual([Part(TANGLED)], lambda literal: bits.setdefault(literal, 1 << len(bits)))
    refused = residual([Part(TANGLED, wanted=False)], lambda literal: bits.setdefault(literal, 1 << len(bits)))
    assert asked is not None and refused is not None
    for known in product((True, False), repeat=4):
        attributes = {name: "x" for name, is_known in zip("abcd", known, strict=True) if is_known}
        held = sum(bit for literal, bit in bits.items() if (literal.attribute in attributes) == literal.wanted)
        expected = matches(TANGLED, attributes, now=0, timezone="UTC")
        assert (asked.holds(held), refused.holds(held)) == (expected, not expected)


def test_every_part_must_hold() -> None:
    bits = {"a": 1, "b": 2}
    both = residual([Part(AnyOf((A,))), Part(AnyOf((B,)))], lambda literal: bits[literal.attribute])
    assert both is not None
    assert [both.holds(held) for held in (0, 1, 2, 3)] == [False, False, False, True]


def test_nothing_left_out_is_no_residual() -> None:
    assert residual([], lambda literal: 1) is None
