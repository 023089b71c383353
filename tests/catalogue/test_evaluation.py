from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from proxy.catalogue.evaluation import Case, Score, evaluate, published, split
from proxy.catalogue.history_files import Group, HistoryFile
from proxy.errors import OperatorError


def passed_on(name: str, cases: Iterable[Case]) -> Iterable[Case]:
    return cases


def test_figures_are_those_of_the_textbook() -> None:
    score = Score()
    score.add(["a", "b"], "a", 1e-6)
    score.add(["x", "b", "a"], "a", 3e-6)
    score.add(["x"] * 6 + ["a"], "a", 2e-6)
    score.add(["x"], "a", 4e-6)
    figures = score.figures(products=8)
    assert (figures["hr@5"], figures["hr@10"]) == (0.5, 0.75)
    assert figures["mrr@5"] == pytest.approx((1 + 1 / 3) / 4)
    assert figures["mrr@20"] == pytest.approx((1 + 1 / 3 + 1 / 7) / 4)
    assert figures["ndcg@5"] == pytest.approx((1 + 1 / 2) / 4)
    assert figures["coverage@5"] == 3 / 8
    assert (figures["us_median"], figures["cases"]) == (pytest.approx(3.0), 4)


def test_a_published_split_is_taken_as_it_is() -> None:
    trial = published([("1", "2"), ("3",)], ["1 2\t9\n", "3\t1", "", "5"])
    assert trial.cases == (Case(("1", "2"), "9"), Case(("3",), "1"))
    assert trial.left_out == 0 and trial.at == (0.0, 1.0)


def test_visits_are_split_by_time_and_unknowable_cases_left_out() -> None:
    groups = [Group(("a", "b"), float(n)) for n in range(8)] + [Group(("a", "b", "new"), 8.0), Group(("b", "b"), 9.0)]
    trial = split(HistoryFile("visits", tuple(groups)))
    assert len(trial.learnt) == 8
    assert trial.cases == (Case(("a",), "b"), Case(("b",), "b"))
    assert trial.left_out == 1


def test_baskets_hide_one_product_at_a_time() -> None:
    trial = split(HistoryFile("baskets", tuple(Group(("a", "b", "c"), float(n)) for n in range(5))))
    assert len(trial.learnt) == 4
    assert trial.cases == (Case(("b", "c"), "a"), Case(("a", "c"), "b"), Case(("a", "b"), "c"))


def test_nothing_to_foretell_is_said() -> None:
    with pytest.raises(OperatorError):
        split(HistoryFile("baskets", (Group(("a",), 0.0),)))


@pytest.mark.parametrize("kind", ["visits", "baskets"])
def test_every_strategy_is_asked_every_case_and_what_belongs_together_is_found(kind: str) -> None:
    pairs = [("a", "b"), ("c", "d"), ("e", "f")]
    log = HistoryFile(
        "visits" if kind == "visits" else "baskets", tuple(Group(pairs[n % 3], float(n)) for n in range(60))
    )
    ticks = itertools.count()
    scores = evaluate(split(log), lambda: next(ticks), passed_on)
    mine = ["for you now", "also viewed"] if kind == "visits" else ["for this cart", "bought together"]
    assert list(scores) == [*mine, "co-occurrence", "popularity"]
    assert len({score.cases for score in scores.values()}) == 1
    for name in mine:
        assert scores[name].figures(6)["hr@5"] == 1.0
