"""What is told of a rule beside its condition."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from proxy.bucketing import bucket
from proxy.decide.plan import compile_plan
from proxy.decide.rule_facts import caps, chance, holdouts, layer, paused, reached_until, schedule
from proxy.decide.why import why, why_text
from proxy.model import (
    Arm,
    Between,
    Cap,
    Decision,
    Draw,
    EvaluationContext,
    Experiment,
    Fact,
    Holdout,
    Measure,
    OneOf,
    Period,
    Reading,
    Rule,
    Then,
)

SHOWN = Measure(Reading.COUNT, ("banner shown",))
RAMP = Draw("rollout:New hero", ((float("-inf"), 100), (864_000.0, 10_000)), text="ramp")
RULES = [
    Rule(
        "Sale", "hero", variant="s", priority=80, caps=(Cap("limit Campaign banners", SHOWN, 3.0),), layer="campaigns"
    ),
    Rule("New hero", "hero", variant="n", priority=70, draws=(RAMP,)),
    Rule("Bar", "hero", priority=60, experiment=Experiment((Arm("control", 5_000), Arm("shipping", 5_000, "b/s")))),
    Rule("Also sale", "bar", variant="a", layer="campaigns"),
]
HELD_OUT = next(str(number) for number in range(100) if bucket("holdout:Q4", str(number)) < 500)


def told(shown: float, key: str = "6f1e", rules: list[Rule] = RULES) -> list[str]:
    plan = compile_plan(rules, (), [Holdout("Q4", 500)])
    context = EvaluationContext(key, 0.0, read={SHOWN: shown}.get)
    return [line.rstrip() for line in why_text(why(plan, context)).splitlines()]


def test_caps_chance_layers_and_holdouts_are_told() -> None:
    assert told(1.0) == [
        "bar on (no page) for visitor 6f1e at 1 Jan 00:00:00 UTC",
        "✔ SHOWN          the page's own default",
        "✘ not            Also sale                                                priority normal",
        '     ✘ layer campaigns  ("Sale" has it, in hero)',
        "  Holdout: no  (Q4, 5 %; bucket 35.37 of 100)",
        "",
        "hero on (no page) for visitor 6f1e at 1 Jan 00:00:00 UTC",
        "✔ SHOWN          Sale                                                     priority high",
        "     ✔ limit Campaign banners  (1 of 3)",
        "✘ not            New hero                                                 priority 70",
        "     ✘ ramp: 1 %  (bucket 48.20 of 100, grows on 11 Jan 00:00)",
        "· would be next  Bar                                                      priority 60",
        "     ✔ arm shipping  (bucket 99.98 of 100)",
        "  Holdout: no  (Q4, 5 %; bucket 35.37 of 100)",
    ]


def test_a_capped_rule_says_how_often_it_was_shown_and_leaves_its_layer() -> None:
    bar, hero = told(3.0)[1], told(3.0)[5:7]
    assert bar.startswith("✔ SHOWN          Also sale")
    assert hero[0].startswith("✘ capped         Sale") and hero[1] == "     ✘ limit Campaign banners  (3 of 3)"


@pytest.mark.parametrize(("shown", "told_of_it"), [(0.0, "no order since"), (5.0, "ordered since")])
def test_an_order_that_ends_a_rule_is_told_not_how_often_it_was_shown_before(shown: float, told_of_it: str) -> None:
    ends = Measure(Reading.COUNT, ("banner shown",), then=Then(("order completed",), inf))
    plan = compile_plan([Rule("Sale", "hero", variant="s", caps=(Cap("stop after bought: 1 time", ends, 1.0),))])
    text = why_text(why(plan, EvaluationContext("6f1e", 0.0, read={ends: shown}.get)))
    assert f"stop after bought: 1 time  ({told_of_it} it was shown)" in text


def test_why_says_that_a_visitor_has_no_id() -> None:
    assert "     ✘ in no arm  (a visitor without an id has no bucket)" in told(0.0, key="")


def test_why_names_the_rule_a_holdout_withheld() -> None:
    assert told(0.0, HELD_OUT, RULES[:1])[1:] == [
        "✔ SHOWN          the page's own default",
        "✘ held out       Sale                                                     priority high",
        "     ✔ limit Campaign banners  (0 of 3)",
        "  Holdout: yes  (Q4, 5 %; bucket 0.23 of 100)",
    ]


DAY, INF = 86_400.0, float("inf")


@pytest.mark.parametrize(
    ("begins", "ends", "now", "said"),
    [
        (-INF, INF, 0.0, None),
        (DAY, 3 * DAY, 0.0, ("2 Jan 00:00 – 4 Jan 00:00", False, "starts in 1 d")),
        (DAY, 3 * DAY, DAY, ("2 Jan 00:00 – 4 Jan 00:00", True, "")),
        (DAY, 3 * DAY, 3 * DAY, ("2 Jan 00:00 – 4 Jan 00:00", False, "over since less than a minute")),
        (DAY, 3 * DAY, 5 * DAY, ("2 Jan 00:00 – 4 Jan 00:00", False, "over since 2 d")),
        (DAY, INF, 0.0, ("from 2 Jan 00:00", False, "starts in 1 d")),
        (DAY, INF, 2 * DAY, ("from 2 Jan 00:00", True, "")),
        (-INF, DAY, 0.0, ("until 2 Jan 00:00", True, "")),
        (-INF, DAY, 2 * DAY, ("until 2 Jan 00:00", False, "over since 1 d")),
        (3 * DAY, DAY, 0.0, ("4 Jan 00:00 – 2 Jan 00:00", False, "ends before it starts")),
    ],
)
def test_a_schedule_says_whether_it_is_live_else_how_far_away(
    begins: float, ends: float, now: float, said: tuple[str, bool, str] | None
) -> None:
    found = list(schedule(Rule("A", "hero", live_from=begins, live_until=ends), now))
    assert [(fact.text, fact.ok, fact.distance) for fact in found] == ([said] if said else [])


VIEWS = Measure(Reading.COUNT, ("product viewed",))
LATELY = replace(VIEWS, within_seconds=7 * DAY)


@pytest.mark.parametrize(
    ("measure", "test", "often", "said"),
    [
        (LATELY, Between(3.0, INF), 3, "until 13 Jan 00:00"),
        (LATELY, Between(2.5, INF), 3, "until 13 Jan 00:00"),
        (LATELY, Between(3.0, INF, open_low=True), 4, "until 13 Jan 00:00"),
        (replace(LATELY, within_seconds=365 * DAY), Between(1.0, INF), 1, "until 6 Jan 1971 00:00"),
        (VIEWS, Between(3.0, INF), None, ""),
        (LATELY, Between(0.0, INF), None, ""),
        (LATELY, Between(-INF, 2.0), None, ""),
        (LATELY, OneOf(frozenset({"3"})), None, ""),
        (replace(LATELY, reading=Reading.DAYS_SINCE), Between(3.0, INF), None, ""),
        (None, Between(3.0, INF), None, ""),
    ],
)
def test_a_count_says_until_when_it_holds(
    measure: Measure | None, test: Between | OneOf, often: int | None, said: str
) -> None:
    asked: list[int] = []

    def read(measure: Measure) -> float:
        asked.append(measure.cap)
        return 5.0

    fact = Fact("viewed", test, measure=measure)
    assert reached_until(fact, EvaluationContext("a", 10 * DAY, read=read), "UTC") == said
    assert asked == ([] if often is None else [often])
    never = EvaluationContext("a", 10 * DAY, read=lambda _: None)
    assert reached_until(fact, never, "UTC") == ""


def test_a_layer_is_taken_by_another_slot_that_shows_or_withholds_a_rule_of_it() -> None:
    rule, layers = Rule("Also sale", "bar", layer="campaigns"), {"Sale": "campaigns", "Other": "news"}
    for decision, said in (
        (Decision("hero", rule="Sale"), ['"Sale" has it, in hero']),
        (Decision("hero", withheld="Sale", detail="holdout"), ['"Sale" has it, in hero']),
        (Decision("hero", withheld="Sale", detail="capped"), []),
        (Decision("hero", rule="Other"), []),
        (Decision("bar", rule="Sale"), []),
    ):
        assert [fact.seen for fact in layer(rule, {decision.slot: decision}, layers)] == said
    both = {slot: Decision(slot, rule="Sale") for slot in ("hero", "row")}
    assert len(list(layer(rule, both, layers))) == 1
    assert list(layer(Rule("No layer", "bar"), both, layers)) == []


def test_holdouts_are_those_of_the_slot_and_say_when_they_are_over() -> None:
    context = EvaluationContext("customer", 5.0, bucket_key=HELD_OUT)
    of = [Holdout("Q4", 500), Holdout("Row", 500, frozenset({"row"})), Holdout("Q4", 500, live_until=5.0)]
    found = list(holdouts(of, "hero", context))
    assert [(fact.text, fact.ok) for fact in found] == [("Q4, 5 %", True), ("Q4, 5 %", False)]
    assert found[0].seen == f"bucket {bucket('holdout:Q4', HELD_OUT) / 100:.2f} of 100" and found[1].seen == "over"
    assert [fact.text for fact in holdouts(of, "row", context)] == ["Q4, 5 %", "Row, 5 %", "Q4, 5 %"]


def test_a_share_that_is_whole_grows_no_more_and_a_paused_rule_says_so() -> None:
    for steps, grows in ((RAMP.steps, "grows on 11 Jan 00:00"), (((-INF, 100),), ""), (((-INF, 0), (9.0, 1)), "1 Jan")):
        (fact,) = chance(Rule("A", "hero", draws=(Draw("rollout:A", steps, text="ramp"),)), EvaluationContext("6f1e"))
        assert grows in fact.distance and bool(fact.distance) == bool(grows)
    assert [(fact.text, fact.ok) for fact in paused(Rule("A", "hero", paused=True))] == [("paused", False)]
    assert list(paused(Rule("A", "hero"))) == []


@pytest.mark.parametrize(
    ("measure", "period"),
    [(SHOWN, ""), (Measure(Reading.COUNT, ("banner shown",), period=Period.WEEK), " this week"),
     (Measure(Reading.COUNT, ("banner shown",), within_seconds=3 * DAY), " in 3 d")],
)  # fmt: skip
def test_a_cap_says_its_period_and_counts_nothing_as_zero(measure: Measure, period: str) -> None:
    rule = Rule("A", "hero", caps=(Cap("at most 2 times", measure, 2.0),))
    for read, seen, is_below in ((None, 0, True), (1.0, 1, True), (2.0, 2, False)):
        (fact,) = caps(rule, EvaluationContext("a", read=lambda _, read=read: read))  # type: ignore[misc]
        assert (fact.seen, fact.ok) == (f"{seen} of 2{period}", is_below)
