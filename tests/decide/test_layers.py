"""Layers: one rule of each on a page, the best first."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.model import EvaluationContext, Rule

RULES = [
    Rule("Sale hero", "hero", variant="s", priority=80, layer="campaigns"),
    Rule("Sale bar", "bar", variant="s", layer="campaigns", order=1),
    Rule("Advice bar", "bar", variant="a", priority=20, layer="advice"),
    Rule("Advice row", "row", variant="a", priority=10, layer="advice"),
    Rule("Plain row", "row", variant="p", priority=0),
]


def shown(rules: Sequence[Rule], *slots: str) -> dict[str, str]:
    decided = decide(compile_plan(rules), EvaluationContext("v"), slots or None)
    return {slot: decision.rule for slot, decision in decided.items()}


def test_a_page_shows_one_rule_of_each_layer_and_several_layers_meet_on_it() -> None:
    assert shown(RULES) == {"hero": "Sale hero", "bar": "Advice bar", "row": "Plain row"}


def test_rules_of_slots_that_the_page_does_not_have_take_no_layer() -> None:
    assert shown(RULES, "bar", "row") == {"bar": "Sale bar", "row": "Advice row"}


def test_without_a_layer_slots_do_not_know_of_one_another() -> None:
    assert shown([Rule("A", "hero"), Rule("B", "bar")]) == {"hero": "A", "bar": "B"}


def test_a_slot_whose_only_rule_lost_its_layer_shows_the_pages_own() -> None:
    assert shown(RULES[:2]) == {"hero": "Sale hero", "bar": ""}
