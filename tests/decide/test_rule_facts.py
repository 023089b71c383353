"""What is told of a rule beside its condition."""

from __future__ import annotations

from proxy.bucketing import bucket
from proxy.decide.plan import compile_plan
from proxy.decide.why import why, why_text
from proxy.model import Arm, Cap, Draw, EvaluationContext, Experiment, Holdout, Measure, Reading, Rule

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


def test_why_says_that_a_visitor_has_no_id() -> None:
    assert "     ✘ in no arm  (a visitor without an id has no bucket)" in told(0.0, key="")


def test_why_names_the_rule_a_holdout_withheld() -> None:
    assert told(0.0, HELD_OUT, RULES[:1])[1:] == [
        "✔ SHOWN          the page's own default",
        "✘ held out       Sale                                                     priority high",
        "     ✔ limit Campaign banners  (0 of 3)",
        "  Holdout: yes  (Q4, 5 %; bucket 0.23 of 100)",
    ]
