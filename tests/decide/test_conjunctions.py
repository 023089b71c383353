from __future__ import annotations

import pytest

from proxy.decide.conjunctions import MAX_CONJUNCTIONS, Literal, Part, alternatives, facts_of
from proxy.model import EVERYBODY, AllOf, AnyOf, Condition, Fact, NoneOf, OneOf


def fact(name: str) -> Fact:
    return Fact(name, OneOf(frozenset({"x"})))


A, B, C, D = (fact(name) for name in "abcd")

FORMS: list[tuple[Condition, set[str]]] = [
    (EVERYBODY, {""}),
    (AnyOf(), set()),
    (NoneOf(), {""}),
    (A, {"a"}),
    (AllOf((A, B)), {"a b"}),
    (AnyOf((A, B)), {"a", "b"}),
    (NoneOf((A, B)), {"!a !b"}),
    (NoneOf((AllOf((A, B)),)), {"!a", "!b"}),
    (NoneOf((NoneOf((A, B)),)), {"a", "b"}),
    (AllOf((AnyOf((A, B)), AnyOf((C, D)))), {"a c", "a d", "b c", "b d"}),
    (AnyOf((AllOf((A, B)), AllOf((B, A)), C)), {"a b", "c"}),
]


def written(conjunction: frozenset[Literal]) -> str:
    return " ".join(sorted(("" if each.wanted else "!") + each.attribute for each in conjunction))


@pytest.mark.parametrize(("condition", "expected"), FORMS)
def test_a_condition_becomes_its_conjunctions(condition: Condition, expected: set[str]) -> None:
    form = alternatives(condition)
    assert {written(conjunction) for conjunction in form.conjunctions} == expected
    assert form.left_out == ()


def test_a_part_that_would_multiply_too_much_is_left_out_and_the_rest_kept() -> None:
    wide = AnyOf(tuple(fact(f"w{number}") for number in range(MAX_CONJUNCTIONS)))
    form = alternatives(AllOf((wide, A, AnyOf((B, C)))))
    assert {written(conjunction) for conjunction in form.conjunctions} == {"a b", "a c"}
    assert form.left_out == (Part(wide),)


def test_too_many_alternatives_leave_the_whole_condition_out() -> None:
    wide = AnyOf(tuple(fact(f"w{number}") for number in range(MAX_CONJUNCTIONS + 1)))
    assert alternatives(wide).conjunctions == (frozenset(),)
    (left_out,) = alternatives(NoneOf((wide, NoneOf((wide,))))).left_out
    assert left_out.wanted and list(facts_of(left_out.condition)) == list(facts_of(wide))


def test_facts_come_in_the_order_written() -> None:
    assert list(facts_of(AllOf((A, NoneOf((B, AnyOf((C,)))), D)))) == [A, B, C, D]
