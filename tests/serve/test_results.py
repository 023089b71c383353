"""Results, counted over a store's log."""

from __future__ import annotations

from contextlib import aclosing
from math import inf
from pathlib import Path

from proxy.audience.results import HELD_OUT, ORDER, named
from proxy.bucketing import HOLDOUT, bucket
from proxy.model import Arrival, Event, Holdout, Profile
from proxy.serve.results import counted
from proxy.stores import open_store


async def test_everybody_is_counted_by_what_chance_draws_them_by(tmp_path: Path) -> None:
    half = Holdout("Half", 5_000)
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
        results = await counted(store, [half], -inf, inf)
        none = await counted(store, [half], 6, inf)
    out = sum(bucket(HOLDOUT + "Half", key) < 5_000 for key in keys)
    assert 0 < out < 40 and results.of[named(half)].groups[HELD_OUT].money.total == 3.0 * out
    assert (results.visitors, none.visitors, len(none.of)) == (40, 40, 0)
