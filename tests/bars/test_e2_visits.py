"""Visits of a real shop, in the split that papers publish figures on: the next product among the first 20. The short
form learns from the last eighth and asks one case in sixty, so it is held to less."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.catalogue.evaluation import evaluate, published
from proxy.catalogue.history_files import read_sequences

FOLDER = Path(os.environ.get("BAR_DATA", Path(__file__).parent.parent.parent.parent / "shared" / "data")) / "diginetica"
IS_FULL = bool(os.environ.get("BAR_FULL"))


@pytest.mark.bar("E2")
@pytest.mark.skipif(not FOLDER.exists(), reason="the folder diginetica is not here; BAR_DATA says where")
def test_the_next_product_is_predicted() -> None:
    with (FOLDER / "train_sessions.txt").open() as train, (FOLDER / "test_prefix_label.txt").open() as test:
        trial = published(read_sequences(train), test)
    if not IS_FULL:
        begin = len(trial.learnt) * 7 // 8
        trial = replace(trial, learnt=trial.learnt[begin:], at=trial.at[begin:], cases=trial.cases[::60])
    scores = evaluate(trial, time.perf_counter, lambda name, cases: cases)
    for name, score in scores.items():
        figures = score.figures(trial.products)
        print(
            f"\n{name:<16} HR@20 {figures['hr@20']:.4f}  MRR@20 {figures['mrr@20']:.4f}  "
            f"{figures['us_median']:,.0f} us median",
            end="",
        )
    mine, counted = scores["for you now"].figures(1), scores["co-occurrence"].figures(1)
    assert mine["hr@20"] >= (0.54 if IS_FULL else 0.40)
    assert mine["mrr@20"] >= (0.19 if IS_FULL else 0.14)
    assert mine["hr@20"] > counted["hr@20"]
    if IS_FULL:
        assert mine["us_median"] <= 2_000
