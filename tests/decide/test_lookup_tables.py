from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.decide.engine import decide
from proxy.decide.lookup_tables import MOST_VALUES, ComputedDict
from proxy.decide.plan import compile_plan
from proxy.model import AllOf, AnyOf, Between, EvaluationContext, Fact, OneOf, Rule, Segment

VIP = Rule("one", "hero", Fact("segment", OneOf(frozenset({"VIP"}))))


def test_a_value_is_calculated_once() -> None:
    asked: list[object] = []
    remembered = ComputedDict(lambda value: asked.append(value) or len(asked))
    assert [remembered[value] for value in ("a", "b", "a", None, None)] == [1, 2, 1, 3, 3]


def test_values_that_are_one_key_but_not_one_value_are_never_mixed_up() -> None:
    remembered = ComputedDict(lambda value: 1 if isinstance(value, bool) else 2)
    assert [remembered[value] for value in (True, 1.0, 1, True, 0.0, False)] == [1, 2, 2, 1, 2, 1]


def test_many_values_do_not_fill_the_memory() -> None:
    remembered = ComputedDict(lambda value: len(str(value)))
    for number in range(3 * MOST_VALUES):
        assert remembered[str(number)] == len(str(number))
        assert len(remembered) <= MOST_VALUES


def test_short_cuts_without_some_attributes_are_those_of_the_others() -> None:
    facts = [Fact(name, OneOf(frozenset({"x"}))) for name in ("country", "device", "segment")]
    cuts = compile_plan([Rule("one", "hero", AllOf((*facts, Fact("orders", Between(low=1)))))]).lookup_tables
    left = cuts.without(("country", "orders", "nobody asks"))
    assert ([each[0] for each in left.texts], [each[0] for each in left.typed]) == (["device", "segment"], [])
    assert [each[0] for each in cuts.typed] == ["orders"] and left.memberships is cuts.memberships


@pytest.mark.parametrize(
    ("rule", "segments", "is_plain"),
    [
        (VIP, [], True),
        (VIP, [Segment("Named", AnyOf())], True),
        (VIP, [Segment("Norway", Fact("country", OneOf(frozenset({"no"}))))], False),
        (replace(VIP, needs_verified=True), [], False),
    ],
    ids=["named", "without a condition", "with one", "signed"],
)
def test_segments_that_are_only_named_are_asked_like_texts(rule: Rule, segments: list[Segment], is_plain: bool) -> None:
    plan = compile_plan([rule], segments)
    assert (plan.lookup_tables.memberships is None) is is_plain
    for named in (None, frozenset[str](), frozenset({"vip"}), frozenset({"x", "VIP"}), "Vip", "x", True, 4.0, ("VIP",)):
        context = EvaluationContext(attributes={} if named is None else {"segment": named})  # type: ignore[dict-item]
        is_vip = named in ("Vip", frozenset({"vip"}), frozenset({"x", "VIP"}))
        for _ in range(2):
            assert (decide(plan, context)["hero"].rule == "one") is is_vip
