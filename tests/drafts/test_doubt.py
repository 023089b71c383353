"""A slot is in doubt only when what was not recorded could change what it shows."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from proxy.decide.engine import decide
from proxy.decide.plan import JOURNEY, compile_plan
from proxy.diagnostics import as_text
from proxy.drafts.doubt import Doubts, missing_in
from proxy.model import AttributeValue, Cap, Fact, IsKnown, Measure, OneOf, Reading, Rule, Segment, View, measure_name
from proxy.rulebook.compile import Publication, load

HEAD = """version: 1
segments:
  Spenders:
    when: {orders: at least 3}
  VIP:
    description: named by a cookie
rules:
"""
FILES = {"slots.yaml": b"slots: {home.hero: {}}", "attributes.yaml": b"attributes: {orders: number}"}
LOWEST = "  - {name: Last, slot: home.hero, priority: 0, show: {banner: {title: Last}}}\n"


def publication(*conditions: str) -> Publication:
    rules = "".join(
        f"  - {{name: Rule {n}, slot: home.hero, {words}, show: {{banner: {{title: Hi}}}}}}\n"
        for n, words in enumerate(conditions)
    )
    loaded = load({"a.rules.yaml": (HEAD + rules + LOWEST).encode(), **FILES})
    assert loaded.publication is not None, as_text(loaded.findings, loaded.sources)
    return loaded.publication


# Nobody asked for orders when this was recorded.
VIEW = View(
    1_795_435_200.0,
    "v1",
    {"home.hero": "Last"},
    {"page": "/", "country": "NO", "visitor": "new", "segment": frozenset({"VIP"})},
    ("device", "language"),
)


@pytest.mark.parametrize(
    ("condition", "doubt"),
    [
        ("when: {orders: at least 3}", True),
        ("when: {orders: at least 3, country: NO}", True),
        ("when: {orders: at least 3, country: NL}", False),
        ("when: {orders: at least 3, device: phone}", False),
        ("when: {country: NO}, unless: {orders: at least 3}", True),
        ("when: {country: NL}, unless: {orders: at least 3}", False),
        ("when: {any of: [{orders: at least 3}, {visitor: new}]}", False),
        ("when: {any of: [{orders: at least 3}, {visitor: returning}]}", True),
        ("when: {none of: [{orders: at least 3}, {visitor: new}]}", False),
        ("when: {segment: Spenders}", True),
        ("when: {segment: [Spenders, VIP]}", False),
        ("when: {segment: not Spenders}", True),
        ("when: {any of: [{segment: VIP}, {orders: 3}]}", False),
        ("unless: {any of: [{segment: VIP}, {orders: 3}]}", False),
        ("when: {segment: any}", True),
        ("until: 2026-01-01, when: {orders: at least 3}", False),
        ("from: 2027-01-01, when: {orders: at least 3}", False),
    ],
)
def test_a_rule_leaves_doubt_only_where_it_may_hold_and_may_fail(condition: str, doubt: bool) -> None:
    plan = publication(condition).plan
    assert "orders" in plan.inputs_of(["home.hero"]).attributes
    assert Doubts(plan).about(VIEW) == ({"home.hero": {"orders"}} if doubt else {})


def test_what_stands_below_a_sure_winner_leaves_no_doubt() -> None:
    plan = publication("when: {country: NO}, priority: high", "when: {orders: at least 3}").plan
    assert Doubts(plan).about(VIEW) == {}


def test_what_was_asked_and_not_known_is_not_missing() -> None:
    assert missing_in(VIEW, frozenset({"device", "country", "orders"})) == {"orders"}


SHOWN = Measure(Reading.COUNT, ("banner shown",), 86_400.0)
CAP = Cap("3 a day", SHOWN, 3.0)
CAPPED = Rule("Capped", "home.hero", variant="a", priority=80, caps=(CAP,))
LOW = Rule("Low", "home.hero", variant="b")


@pytest.mark.parametrize(
    ("readings", "doubt"), [({}, True), ({measure_name(SHOWN): None}, False), ({measure_name(SHOWN): 3.0}, False)]
)
def test_a_cap_is_in_doubt_when_nobody_counted(readings: dict[str, AttributeValue | None], doubt: bool) -> None:
    view = msgspec.structs.replace(VIEW, readings=readings)
    assert Doubts(compile_plan([CAPPED, LOW])).about(view) == ({"home.hero": {"3 a day"}} if doubt else {})


def test_a_capped_rule_leaves_the_doubt_to_the_next() -> None:
    asking = replace(LOW, condition=Fact("orders", IsKnown()))
    for reading, doubt in ((3.0, {"home.hero": {"orders"}}), (2.0, {})):
        view = msgspec.structs.replace(VIEW, readings={measure_name(SHOWN): reading})
        assert Doubts(compile_plan([CAPPED, asking])).about(view) == doubt


def test_a_stage_of_the_journey_is_in_doubt_with_what_it_asks() -> None:
    stages = [Segment("New", Fact("visitor", OneOf(frozenset({"new"})))), Segment("Loyal", Fact("orders", IsKnown()))]
    wants_new = Rule("For new", "home.hero", Fact(JOURNEY, OneOf(frozenset({"New"}))), "a")
    plan = compile_plan([wants_new], journey=stages)
    assert Doubts(plan).about(VIEW) == {"home.hero": {"orders"}}
    told = msgspec.structs.replace(VIEW, unknown=("orders",))
    assert Doubts(plan).about(told) == {}
    assert decide(plan, told.context)["home.hero"].rule == "For new"


def test_doubt_about_a_layer_is_doubt_about_every_slot_it_may_stand_in() -> None:
    asking = Rule("Asking", "home.hero", Fact("orders", IsKnown()), "a", layer="campaign")
    row = Rule("Row", "home.row", variant="b", layer="campaign")
    view = msgspec.structs.replace(VIEW, shown={"home.hero": "", "home.row": "", "all.topbar": ""})
    assert Doubts(compile_plan([asking, row])).about(view) == {"home.hero": {"orders"}, "home.row": {"orders"}}
