"""Named market baskets: a cart of frankfurters brings mustard, and what a cart lacks is foretold better than by
counting or by what is popular. The short form asks one case in eight."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.catalogue.evaluation import evaluate, learn_baskets, split
from proxy.catalogue.history_files import read_history

DATA = Path(os.environ.get("BAR_DATA", Path(__file__).parent.parent.parent.parent / "shared" / "data"))
STEP = 1 if os.environ.get("BAR_FULL") else 8

pytestmark = [
    pytest.mark.bar("E1"),
    pytest.mark.skipif(not (DATA / "groceries.csv").exists(), reason="groceries.csv is not here; BAR_DATA says where"),
]


def test_frankfurters_bring_mustard() -> None:
    log = read_history((DATA / "groceries.csv").open(encoding="utf-8"))
    found = learn_baskets([group.products for group in log.groups]).together(["frankfurter"], 5)
    print(f"\nbought together with frankfurter: {', '.join(found)}")
    assert "mustard" in found


def test_items_missing_from_a_cart_are_predicted_better_than_by_counting() -> None:
    trial = split(read_history((DATA / "groceries.csv").open(encoding="utf-8")))
    scores = evaluate(replace(trial, cases=trial.cases[::STEP]), time.perf_counter, lambda name, cases: cases)
    rates = {name: score.figures(trial.products)["hr@10"] for name, score in scores.items()}
    print(f"\n{len(trial.cases[::STEP]):,} cases, HR@10:", *(f"{name} {rate:.4f}" for name, rate in rates.items()))
    assert rates["for this cart"] >= 1.03 * max(rates["co-occurrence"], rates["popularity"])
