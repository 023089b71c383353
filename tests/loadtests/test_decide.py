from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from loadtests.decide import NEW, RIVALS, Row, measured, table
from loadtests.work import BROAD_SLOT, SLOTS, work
from proxy.conditions.values import matches
from proxy.decide.conjunctions import facts_of
from proxy.decide.plan import compile_plan


@pytest.mark.bar("A4")
@pytest.mark.parametrize("engine", ["tailorbird", NEW, *RIVALS])
def test_every_engine_gives_the_answers_that_trying_each_rule_gives(engine: str) -> None:
    if engine in RIVALS:
        rival = RIVALS[engine]
        try:
            importlib.import_module(rival)
        except ImportError as error:
            pytest.skip(f"{engine} is not installed: {error}")
    (row,) = measured(300, [engine], rounds=1, visitors=60)
    assert row.equal and row.us > 0 and (row.engine, row.rules, row.slots) == (engine, 300, 5)


def test_the_work_is_what_it_says() -> None:
    todo = work(1_000, 100)
    assert todo == work(1_000, 100)
    kinds = {fact.attribute for rule in todo.rules for fact in facts_of(rule.condition)}
    assert len(kinds) >= 8
    assert {rule.slot for rule in todo.rules} == set(SLOTS)
    asking = [each for each in compile_plan(todo.rules).rule_order.contenders if isinstance(each, tuple)]
    assert len({decision.rule for decision, residual, *_ in asking if residual is not None}) == 200
    broad = [rule for rule in todo.rules if rule.slot == BROAD_SLOT]
    matched = [
        matches(rule.condition, visitor.attributes, now=visitor.now, timezone=rule.timezone)
        for rule in broad
        for visitor in todo.visitors[:20]
    ]
    assert 0.85 < sum(matched) / len(matched) < 0.95


def test_the_table_says_how_many_times_longer_a_rival_took_and_which_answers_differ() -> None:
    told = table([Row("tailorbird", 1_000, 5, 3.0, True), Row("zen", 1_000, 5, 600.0, False)])
    assert told.splitlines()[2].split() == ["zen", "1,000", "5", "600.0", "200", "DIFFER"]


def test_the_json_form_is_a_list_of_rows() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "loadtests.decide", "--json", "--rules", "50", "--engines", "tailorbird"],
        capture_output=True,
        check=True,
        text=True,
    )
    (row,) = json.loads(run.stdout)
    assert (row["engine"], row["rules"], row["slots"], row["equal"]) == ("tailorbird", 50, 5, True)
