from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.decide.why import why, why_text
from proxy.model import AllOf, AnyOf, Between, EvaluationContext, Fact, OneOf, Rule, Segment, WithinHours
from tests.decide.plain import winner
from tests.decide.worlds import World


@pytest.mark.parametrize("seed", range(2_000, 2_060))
def test_what_why_says_is_shown_is_what_is_decided(seed: int) -> None:
    world = World(seed, with_chance=seed % 2 == 1)
    plan = compile_plan(world.rules, world.segments, world.holdouts)
    for _ in range(5):
        context = world.context()
        told = {story.slot: winner(story) for story in why(plan, context)}
        assert told == {
            slot: (decision.rule, decision.withheld if decision.detail == "holdout" else "")
            for slot, decision in decide(plan, context).items()
        }


NOW = datetime(2026, 11, 25, 11, 0, 3, tzinfo=UTC).timestamp()
DAY = 86_400.0


def one_of(attribute: str, word: str) -> Fact:
    return Fact(attribute, OneOf(frozenset({word})), f"{attribute} {word}")


SEGMENTS = [Segment("Trail runners", Fact("trail views", Between(low=3), "trail views at least 3"))]
RULES = [
    Rule(
        "Early access",
        "home.hero",
        AllOf((one_of("segment", "VIP"), one_of("country", "NO"))),
        variant="early",
        priority=80,
        live_from=NOW - DAY / 2,
        live_until=NOW + 2 * DAY,
        timezone="Europe/Oslo",
    ),
    Rule("Come back", "home.hero", AnyOf((one_of("visitor", "returning"), one_of("device", "phone"))), variant="back"),
    Rule("Trail season", "home.hero", one_of("segment", "Trail runners"), variant="trail", priority=70),
    Rule("Winter sale", "home.hero", variant="winter", priority=20, live_from=NOW + 2 * DAY),
    Rule("Autumn sale", "home.hero", priority=10, live_until=NOW - 3 * 3600),
    Rule("Everybody", "home.hero", variant="all", priority=0),
]
ANNA = EvaluationContext(
    "6f1e",
    NOW,
    {"page": "/", "segment": frozenset({"VIP"}), "country": "NO", "trail views": 2.0, "visitor": "returning"},
)


def test_the_story_reads_like_this() -> None:
    told = why_text(why(compile_plan(RULES, SEGMENTS, version="v42"), ANNA))
    assert [line.rstrip() for line in told.splitlines()] == [
        "home.hero on / for visitor 6f1e at 25 Nov 11:00:03 UTC, rules v42",
        "✔ SHOWN          Early access                                             priority high",
        "     ✔ 25 Nov 00:00 – 27 Nov 12:00  (25 Nov 12:00 Europe/Oslo)",
        "     ✔ segment VIP  (VIP)",
        "     ✔ country NO  (NO)",
        "✘ not            Trail season                                             priority 70",
        "     ✘ segment Trail runners  (VIP)",
        "          ✘ Trail runners: trail views at least 3  (2, 1 more needed)",
        "· would be next  Come back                                                priority normal",
        "     ✔ any of",
        "          ✔ visitor returning  (returning)",
        "          ✘ device phone  (unknown)",
        "✘ not            Winter sale                                              priority low",
        "     ✘ from 27 Nov 11:00  (25 Nov 11:00, starts in 2 d)",
        "✘ not            Autumn sale  (nothing new: the page's own default)       priority 10",
        "     ✘ until 25 Nov 08:00  (25 Nov 11:00, over since 3 h)",
        "· fits too       Everybody                                                priority 0",
    ]


def test_all_slots_are_told_by_one_clock_and_other_clocks_are_named() -> None:
    wednesday, opening = one_of("weekday", "wednesday"), Fact("hours", WithinHours(600, 1_080), "hours 10:00 to 18:00")
    rules = [
        Rule("Oslo", "a.b", opening, priority=90, timezone="Europe/Oslo"),
        Rule("Lima", "c.d", AllOf((opening, one_of("segment", "Weekday"))), timezone="America/Lima"),
        Rule("Bergen", "c.d", opening, priority=10, timezone="Europe/Oslo"),
    ]
    stories = why(compile_plan(rules, [Segment("Weekday", wednesday, timezone="UTC")]), EvaluationContext(now=NOW))
    assert {story.at for story in stories} == {"25 Nov 12:00:03 Europe/Oslo"}
    lima = stories[1].rules[0].facts
    told = (*stories[0].rules[0].facts, *lima, *lima[1].parts)
    assert [fact.seen for fact in told] == ["12:00", "06:00 America/Lima", "Weekday", "wednesday UTC"]


def test_a_slot_that_no_rule_fits_shows_the_pages_own_default() -> None:
    told = why_text(why(compile_plan(RULES[:1]), EvaluationContext(now=NOW)))
    assert told.splitlines()[:2] == [
        "home.hero on (no page) for an anonymous visitor at 25 Nov 12:00:03 Europe/Oslo",
        "✔ SHOWN          the page's own default",
    ]


def test_an_unsigned_segment_is_not_seen_by_a_rule_that_needs_a_verified_one() -> None:
    rule = replace(RULES[2], needs_verified=True, condition=one_of("segment", "VIP"))
    (story,) = why(compile_plan([rule]), msgspec.structs.replace(ANNA, unverified=frozenset({"VIP"})))
    assert [(fact.ok, fact.seen) for fact in story.rules[0].facts] == [(False, "nothing")]


def test_of_a_segment_without_a_condition_it_says_who_knows() -> None:
    plan = compile_plan([replace(RULES[2], condition=one_of("segment", "Wholesale"))], [Segment("Wholesale", AnyOf())])
    assert "✘ Wholesale: another system says who" in why_text(why(plan, msgspec.structs.replace(ANNA, attributes={})))


def test_the_story_has_a_json_form() -> None:
    (story,) = json.loads(msgspec.json.encode(why(compile_plan(RULES, SEGMENTS), ANNA)))
    assert story["decision"]["rule"] == "Early access"
    assert [rule["verdict"] for rule in story["rules"]][:3] == ["shown", "not", "would be next"]
    assert story["rules"][1]["facts"][0]["parts"][0]["distance"] == "1 more needed"


def test_only_the_slots_asked_for_are_told() -> None:
    assert [story.slot for story in why(compile_plan(RULES), ANNA, ("none.here",))] == ["none.here"]


def test_of_many_rules_the_first_and_those_that_fit_are_told() -> None:
    plan = compile_plan(RULES, SEGMENTS)
    told = why_text(why(plan, ANNA, ["home.hero"], most=1))
    assert "Early access" in told and "Come back" in told and "Trail season" not in told
    assert told.endswith("more that do not fit: `tailorbird why` tells all")
    assert why(plan, ANNA, most=100) == why(plan, ANNA)
