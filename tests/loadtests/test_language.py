"""The work of the language bench uses all there is, and is whole."""

from __future__ import annotations

from random import Random

from loadtests.language import measured, rule_files, sentence, with_everything, with_history
from loadtests.work import NOW, work
from proxy.decide.engine import decide
from proxy.decide.plan import compile_plan
from proxy.rulebook.compile import load
from proxy.rulebook.lints import Site


def test_the_rules_use_experiments_caps_rollouts_and_holdouts_and_visitors_reach_caps() -> None:
    todo, random = work(400, 200), Random(1)
    rules = [with_everything(rule, random) for rule in todo.rules]
    assert all(
        any(map(used, rules))
        for used in (lambda r: r.experiment, lambda r: r.caps, lambda r: r.draws, lambda r: r.holdout)
    )
    plan = compile_plan(rules)
    decisions = [d for v in todo.visitors for d in decide(plan, with_history(v, rules, random)).values()]
    assert {"arm", "rule", "holdout"} <= {decision.detail for decision in decisions}


def test_the_files_are_clean_and_full() -> None:
    loaded = load(rule_files(100), site=Site(NOW))
    assert loaded.publication is not None and len(loaded.publication.rules) == 100
    assert any(rule.experiment for rule in loaded.publication.rules)


def test_it_measures_and_says_so() -> None:
    result = measured(50, rounds=1)
    assert result.plain_us > 0 and result.times > 0 and result.check_seconds > 0
    assert sentence(result).startswith("50 rules, 5 slots: ")
