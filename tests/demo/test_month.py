"""The made-up month as results count it, from a store and by the demo's own rules."""

from __future__ import annotations

from contextlib import aclosing
from math import inf
from pathlib import Path

from proxy.audience.report import reports
from proxy.audience.results import ORDER, exposures_in
from proxy.audience.verdicts import Outcome, ReportOptions
from proxy.decide.engine import decide
from proxy.demo.month import MONTH_SECONDS, NAME, VISITORS, month_before
from proxy.model import EvaluationContext, shown_name
from proxy.rulebook.compile import load
from proxy.serve.results import counted
from proxy.stores import open_store
from proxy.stores.ruledir import read_folder

LOADED = load(read_folder(Path(__file__).parents[2] / "rules"))
NOW = 1_795_000_000.0


def test_each_visitor_is_in_the_arm_in_which_the_rules_put_them() -> None:
    assert LOADED.publication is not None
    for arrival in list(month_before(NOW))[:300]:
        for met in exposures_in(arrival):
            decision = decide(LOADED.publication.plan, EvaluationContext(arrival.visitor_id, NOW))[met.slot]
            assert shown_name(decision) == f"{met.rule} / {met.group}"


async def test_results_find_the_better_arm_and_a_second_start_adds_nothing(tmp_path: Path) -> None:
    assert LOADED.publication is not None
    async with aclosing(open_store(f"sqlite:{tmp_path}/demo.db")) as store:
        for _ in range(2):
            await store.apply(list(month_before(NOW)))
        results = await counted(store, (), -inf, inf)
    (told,) = reports(results.comparisons, LOADED.publication.rules, (), ReportOptions(NOW))
    assert told.verdict.word is Outcome.BETTER and told.verdict.text.startswith("better by "), told.verdict
    assert results.visitors == VISITORS
    assert [row.group for row in told.rows] == ["gifts", "bestsellers"]
    groups = results.comparisons[NAME].groups.values()
    assert all(0 < group.converted[ORDER] < group.converted["checkout started"] for group in groups)
    assert NOW - MONTH_SECONDS <= told.since < NOW
