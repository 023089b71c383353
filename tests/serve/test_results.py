"""Results, counted over a store's log."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from math import inf
from pathlib import Path

import pytest

from proxy.audience.results import HELD_OUT, ORDER, Comparison, Tally, holdout_name
from proxy.bucketing import HOLDOUT, bucket
from proxy.bus import bus_of_machine
from proxy.model import Arrival, Event, Holdout, Profile
from proxy.rulebook.compile import load
from proxy.serve.results import KeptResults, Question, counted, known_of
from proxy.stores import open_store
from tests.running import PATIENCE_SECONDS

HALF = Holdout("Half", 5_000)


async def test_everybody_is_counted_by_what_chance_draws_them_by(tmp_path: Path) -> None:
    keys = [f"card-{number}" for number in range(40)]
    async with aclosing(open_store(f"sqlite:{tmp_path}/store.db")) as store:
        await store.put_profiles([Profile(f"v{key}", bucket_key=key) for key in keys])
        for key in keys:
            view = Event(5, "page:1", "page viewed", "/", shown=("Hero",))
            order = Event(6, "shop:1", ORDER, value=3.0)
            details: dict[str, str | float | bool] = {"slot home.hero": "Hero"}
            await store.apply(
                [Arrival(f"v{key}", view, "page", 5, details=details), Arrival(f"v{key}", order, "shop", 6)]
            )
        results = await counted(store, [HALF], -inf, inf)
        none = await counted(store, [HALF], 6, inf)
    out = sum(bucket(HOLDOUT + "Half", key) < 5_000 for key in keys)
    assert 0 < out < 40 and results.comparisons[holdout_name(HALF)].groups[HELD_OUT].money.total == 3.0 * out
    assert (results.visitors, none.visitors, len(none.comparisons)) == (40, 40, 0)


@pytest.mark.parametrize(
    ("file", "problem"), [(".", "cannot be used as a store"), ("gone.db", "the store's file was taken away")]
)
async def test_a_store_that_cannot_be_read_is_told(file: str, problem: str, tmp_path: Path) -> None:
    loaded = load({"a.rules.yaml": b"rules: []"})
    assert loaded.publication is not None, loaded.findings
    async with aclosing(KeptResults(f"sqlite:{tmp_path}/{file}", bus_of_machine(None), lambda: 1.0)) as kept:
        looked = await kept.look(loaded.publication, 0, "", PATIENCE_SECONDS)
    assert looked.stored is None and not looked.is_counting
    assert problem in looked.problem and not (tmp_path / "gone.db").exists()


async def test_cancelling_aclose_while_results_are_counted_is_not_swallowed(tmp_path: Path) -> None:
    loaded = load({"a.rules.yaml": b"rules: []"})
    assert loaded.publication is not None, loaded.findings
    kept = KeptResults(f"sqlite:{tmp_path}/gone.db", bus_of_machine(None), lambda: 1.0)
    assert (await kept.look(loaded.publication, 0, "", 0.0)).is_counting
    closing = asyncio.ensure_future(kept.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled() and not (await kept.look(loaded.publication, 0, "", 0.0)).problem
    await kept.aclose()


def test_of_rules_that_nobody_knows_only_those_are_kept_that_most_met() -> None:
    of = {f"fake {number}": Comparison({"shown": Tally(number)}) for number in range(300)}
    of |= {"Hero": Comparison({"shown": Tally(1)}), holdout_name(HALF): Comparison({"shown": Tally(1)})}
    known = known_of(of, Question("", frozenset({"Hero"}), (HALF,), 0.0))
    assert len(known) == 102 and {"Hero", holdout_name(HALF), "fake 299", "fake 200"} <= known.keys()
