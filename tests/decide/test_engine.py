from __future__ import annotations

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from proxy.decide.engine import caps_read, decide, shared_bits_of
from proxy.decide.plan import compile_plan
from proxy.model import (
    AllOf,
    AnyOf,
    Between,
    Cap,
    Decision,
    EvaluationContext,
    Fact,
    IsKnown,
    Measure,
    NoneOf,
    NotOneOf,
    OneOf,
    Reading,
    Reason,
    Rule,
    Segment,
)
from tests.decide.plain import plain_decisions
from tests.decide.worlds import World

NORWAY = Fact("country", OneOf(frozenset({"NO"})))
VIP = Fact("segment", OneOf(frozenset({"VIP"})))
BUYER = Fact("orders", Between(low=1))


def shown(rules: list[Rule], segments: list[Segment] | None = None, **context: object) -> str:
    plan = compile_plan(rules, segments or [])
    return decide(plan, EvaluationContext(**context))["hero"].rule  # type: ignore[arg-type]


@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 1_000, 50)], ids=str)
def test_the_plan_decides_as_trying_every_rule_does(seeds: range) -> None:
    for seed in seeds:
        world = World(seed, with_chance=seed % 2 == 1)
        plan = compile_plan(world.rules, world.segments, world.holdouts)
        for _ in range(8):
            context = world.context()
            assert decide(plan, context) == plain_decisions(world, context), f"seed {seed}: {context}"


@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 200, 50)], ids=str)
def test_what_is_begun_with_what_many_have_in_common_ends_as_if_all_were_asked(seeds: range) -> None:
    for seed in seeds:
        world = World(seed, with_chance=seed % 2 == 1)
        plan = compile_plan(world.rules, world.segments, world.holdouts)
        first = world.context()
        common = world.random.sample(sorted(plan.columns), min(2, len(plan.columns)))
        shared_bits = shared_bits_of(plan, (*common, "segment", "nobody asks"), first.attributes, first.now)
        for _ in range(8):
            context = world.context()
            own = {name: value for name, value in context.attributes.items() if name not in common}
            said = {name: value for name, value in first.attributes.items() if name in common}
            context = msgspec.structs.replace(context, now=first.now, attributes=own | said)
            assert decide(plan, context, None, shared_bits) == plain_decisions(world, context), (
                f"seed {seed}: {context}"
            )


def test_the_worlds_above_ask_for_residuals_and_show_much() -> None:
    plans = [(world, compile_plan(world.rules, world.segments)) for world in map(World, range(200))]
    contenders = [contender for _, plan in plans for contender in plan.rule_order.contenders]
    decisions = [decision for world, plan in plans for decision in decide(plan, world.context()).values()]
    assert sum(isinstance(each, tuple) and each[1] is not None for each in contenders) > len(contenders) / 20
    assert len(decisions) / 3 < sum(decision.rule != "" for decision in decisions) < len(decisions)


def test_the_worlds_above_come_to_every_kind_of_decision_and_layers_clash() -> None:
    details: Counter[str] = Counter()
    clashes = 0
    for world in (World(seed, with_chance=True) for seed in range(200)):
        plan, context = compile_plan(world.rules, world.segments, world.holdouts), world.context()
        details.update(decision.detail for decision in decide(plan, context).values())
        alone = replace(plan, layers=None, holdouts=(), compiled_holdouts=())
        layers = [plan.layers.layer(decision) for decision in decide(alone, context).values()] if plan.layers else []
        clashes += any(layers.count(layer) > 1 for layer in layers if layer)
    assert {detail for detail, count in details.items() if count > 10} == {
        "default", "rule", "nothing new", "arm", "holdout", "capped"
    }  # fmt: skip
    assert clashes > 5


def test_a_decision_says_what_is_shown_and_why() -> None:
    plan = compile_plan([Rule("sale", "hero", NORWAY, variant="sale.html")])
    assert decide(plan, EvaluationContext(attributes={"country": "no"})) == {
        "hero": Decision("hero", "sale.html", Reason.TARGETING_MATCH, "sale", "rule")
    }
    assert decide(plan, EvaluationContext()) == {"hero": Decision("hero")}


def test_only_the_slots_asked_for_are_decided_known_or_not() -> None:
    plan = compile_plan([Rule("a", "hero", variant="a"), Rule("b", "row", variant="b")])
    decided = decide(plan, EvaluationContext(), ("row", "never.heard.of"))
    assert [(slot, decision.rule) for slot, decision in decided.items()] == [("row", "b"), ("never.heard.of", "")]


def test_a_rule_that_shows_nothing_new_wins_over_lower_ones() -> None:
    rules = [Rule("quiet", "hero", NORWAY, priority=80), Rule("loud", "hero", variant="loud")]
    decision = decide(compile_plan(rules), EvaluationContext(attributes={"country": "NO"}))["hero"]
    assert (decision.rule, decision.variant, decision.detail) == ("quiet", "", "nothing new")


def test_when_a_tangled_rule_says_no_the_next_in_rank_wins() -> None:
    groups = [AnyOf(tuple(Fact(name, OneOf(frozenset({"x"}))) for name in names)) for names in ("abc", "def", "ghi")]
    rules = [Rule("tangled", "hero", AllOf((NORWAY, *groups)), variant="t"), Rule("plain", "hero", variant="p")]
    assert shown(rules, attributes={"country": "NO", "a": "x", "d": "x"}) == "plain"
    assert shown(rules, attributes={"country": "NO", "a": "x", "d": "x", "i": "x"}) == "tangled"


def test_a_visitor_without_segments_is_in_none() -> None:
    rules = [Rule("others", "hero", Fact("segment", NotOneOf(frozenset({"VIP"}))), variant="o")]
    assert shown(rules) == "others"
    assert shown(rules, attributes={"segment": frozenset({"VIP"})}) == ""
    assert shown([Rule("none", "hero", Fact("segment", IsKnown(False)), variant="n")]) == "none"


def test_an_unknown_attribute_satisfies_only_a_plain_negation() -> None:
    assert shown([Rule("not", "hero", Fact("country", NotOneOf(frozenset({"NO"}))), variant="n")]) == ""
    assert shown([Rule("unless", "hero", NoneOf((NORWAY,)), variant="u")]) == "unless"


def test_a_segment_is_true_of_those_whose_attributes_make_it_so() -> None:
    segments = [Segment("VIP", AllOf((NORWAY, Fact("segment", OneOf(frozenset({"buyers"}))))), "", "UTC")]
    segments.append(Segment("Buyers", BUYER))
    rules = [Rule("vip", "hero", VIP, variant="v")]
    assert shown(rules, segments, attributes={"country": "NO", "orders": 2.0}) == "vip"
    assert shown(rules, segments, attributes={"country": "NO", "orders": 0.0}) == ""
    assert shown(rules, segments, attributes={"country": "NO", "segment": frozenset({"BUYERS"})}) == "vip"


def test_an_unsigned_segment_never_satisfies_a_rule_that_needs_a_verified_one() -> None:
    rules = [
        Rule("private", "hero", VIP, variant="p", priority=80, needs_verified=True),
        Rule("public", "hero", VIP, variant="o"),
    ]
    vip = {"segment": frozenset({"vip"})}
    assert shown(rules, attributes=vip) == "private"
    assert shown(rules, attributes=vip, unverified=frozenset({"VIP"})) == "public"
    assert (
        shown(rules, [Segment("VIP", BUYER)], attributes={**vip, "orders": 3.0}, unverified=vip["segment"]) == "private"
    )


@pytest.mark.parametrize(
    "odd", [[1], {"a": 1}, {"NO"}, object(), 7, None, b"NO", float("nan")], ids=lambda odd: type(odd).__name__
)
def test_a_value_of_an_odd_type_matches_nothing_and_breaks_nothing(odd: object) -> None:
    rules = [Rule("odd", "hero", AnyOf((NORWAY, Fact("country", Between(low=8)), VIP)), variant="o")]
    assert shown(rules, attributes={"country": odd, "segment": odd}) == ""


def test_a_truth_and_the_number_one_are_not_mistaken_for_each_other() -> None:
    plan = compile_plan(
        [
            Rule("truth", "hero", Fact("tier", OneOf(frozenset({"yes"}))), variant="t"),
            Rule("number", "row", Fact("tier", Between(1, 1)), variant="n"),
        ]
    )
    for _ in range(2):
        for value, expected in (
            (True, ("truth", "")),
            (1.0, ("", "number")),
            (1, ("", "number")),
            ("yes", ("truth", "")),
        ):
            decided = decide(plan, EvaluationContext(attributes={"tier": value}))
            assert (decided["hero"].rule, decided["row"].rule) == expected


def test_a_rule_is_live_from_its_first_second_until_just_before_its_end() -> None:
    plan = compile_plan([Rule("sale", "hero", variant="s", live_from=1_000.0, live_until=2_000.0)])
    moments = (999.999, 1_000.0, 1_999.999, 2_000.0, 1_500.0, 0.0)
    assert [decide(plan, EvaluationContext(now=now))["hero"].rule for now in moments] == [
        "",
        "sale",
        "sale",
        "",
        "sale",
        "",
    ]


class Watched:
    """A context in which only that is seen which `serve/showing.py` remembers a page by. What is added to it here has
    to be added to the key there, or one visitor's page is shown to another."""

    def __init__(self, context: EvaluationContext) -> None:
        self.now = context.now
        self.attributes = context.attributes
        self.unverified = context.unverified


def test_deciding_looks_at_nothing_that_a_page_is_not_remembered_by() -> None:
    """Where chance and caps have a say, it is not remembered."""
    remembered = 0
    for world in map(World, range(100)):
        plan, context = compile_plan(world.rules, world.segments), world.context()
        slots = [slot for slot in plan.slots if not (plan.inputs_of([slot]).splits or plan.inputs_of([slot]).caps)]
        remembered += len(slots)
        assert decide(plan, Watched(context), slots) == decide(plan, context, slots)  # type: ignore[arg-type]
    assert remembered > 50


def test_no_cap_has_a_say_but_those_that_are_told_before() -> None:
    told, capped = 0, 0
    for world in (World(seed, with_chance=True) for seed in range(300)):
        plan, context = compile_plan(world.rules, world.segments, world.holdouts), world.context()
        measures = [cap.measure for caps in caps_read(plan, context, plan.slots).values() for cap in caps]
        readings = {measure: context.read(measure) for measure in measures}
        decided = decide(plan, context)
        assert decide(plan, msgspec.structs.replace(context, read=readings.get)) == decided
        told, capped = told + len(measures), capped + sum(one.detail == "capped" for one in decided.values())
    assert told > 300 and capped > 50


def capped(name: str, when: Fact, priority: int) -> Rule:
    cap = Cap(name, Measure(Reading.COUNT, (name,)), 1.0)
    return Rule(name, "hero", when, variant=name, priority=priority, caps=(cap,))


@pytest.mark.parametrize(("layer", "told"), [("", ["first", "second"]), ("loud", ["first", "second", "below"])])
def test_caps_of_rules_that_do_not_fit_or_stand_below_a_sure_one_are_not_told(layer: str, told: list[str]) -> None:
    """What is of a layer may have to give way."""
    sure = Rule("sure", "hero", NORWAY, variant="sure", layer=layer)
    rules = [capped("first", NORWAY, 90), capped("other", BUYER, 80), capped("second", NORWAY, 70), sure,
             capped("below", NORWAY, 20)]  # fmt: skip
    found = caps_read(compile_plan(rules), EvaluationContext(attributes={"country": "NO"}), ["hero", "row"])
    assert {slot: [cap.text for cap in caps] for slot, caps in found.items()} == {"hero": told, "row": []}
