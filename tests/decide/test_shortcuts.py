from __future__ import annotations

from proxy.decide.plan import compile_plan
from proxy.decide.shortcuts import LIMIT, Remembered
from proxy.model import AllOf, Between, Fact, OneOf, Rule


def test_a_value_is_calculated_once() -> None:
    asked: list[object] = []
    remembered = Remembered(lambda value: asked.append(value) or len(asked))
    assert [remembered[value] for value in ("a", "b", "a", None, None)] == [1, 2, 1, 3, 3]


def test_values_that_are_one_key_but_not_one_value_are_never_mixed_up() -> None:
    remembered = Remembered(lambda value: 1 if isinstance(value, bool) else 2)
    assert [remembered[value] for value in (True, 1.0, 1, True, 0.0, False)] == [1, 2, 2, 1, 2, 1]


def test_many_values_do_not_fill_the_memory() -> None:
    remembered = Remembered(lambda value: len(str(value)))
    for number in range(3 * LIMIT):
        assert remembered[str(number)] == len(str(number))
        assert len(remembered) <= LIMIT


def test_short_cuts_without_some_attributes_are_those_of_the_others() -> None:
    facts = [Fact(name, OneOf(frozenset({"x"}))) for name in ("country", "device")]
    cuts = compile_plan([Rule("one", "hero", AllOf((*facts, Fact("orders", Between(low=1)))))]).short_cuts
    left = cuts.without(("country", "orders", "nobody asks"))
    assert ([each[0] for each in left.texts], [each[0] for each in left.typed]) == (["device"], [])
    assert [each[0] for each in cuts.typed] == ["orders"] and left.memberships is cuts.memberships
