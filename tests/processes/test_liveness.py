"""Signs of life are heard, and a loop that is held up is noticed."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from proxy.metrics import Metrics
from proxy.processes import liveness
from proxy.processes.liveness import Lag, beat


async def test_a_loop_that_is_held_up_is_counted_by_how_long() -> None:
    metrics = Metrics()
    watching = asyncio.create_task(Lag(metrics).watch())
    for seconds, over in ((0.46, "250 ms"), (1.21, "1000 ms")):
        await asyncio.sleep(0)
        time.sleep(seconds)  # noqa: ASYNC251
        async with asyncio.timeout(30):
            while not metrics.get("tailorbird_loop_late_total", over):
                await asyncio.sleep(0.01)
    watching.cancel()


async def test_the_heart_beats_until_nobody_listens() -> None:
    ours, theirs = os.pipe()
    ended = asyncio.Event()
    beating = asyncio.create_task(beat(theirs, b"!", b".", 0.01, ended.set))
    assert [await asyncio.to_thread(os.read, ours, 1) for _ in range(2)] == [b"!", b"."]
    os.close(ours)
    await asyncio.wait_for(ended.wait(), 30)
    await beating
    os.close(theirs)


async def test_a_heart_that_nobody_hears_from_the_start_ends_at_once() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    ended = asyncio.Event()
    await asyncio.wait_for(beat(theirs, b"!", b".", 3_600, ended.set), 30)
    assert ended.is_set()
    os.close(theirs)


async def test_a_loop_is_strained_when_it_is_late_for_long_and_not_after_a_burst(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(liveness, "LASTING_LOOKS", 6)
    lag = Lag(Metrics())
    watching = asyncio.create_task(lag.watch())
    for _ in range(3):
        await late()
    assert not lag.is_lasting
    async with asyncio.timeout(60):
        while not lag.is_lasting:
            await late()
        while lag.is_lasting:
            await asyncio.sleep(0.01)
    watching.cancel()


async def late() -> None:
    """A turn of the loop that takes longer than one may."""
    await asyncio.sleep(0)
    time.sleep(0.31)  # noqa: ASYNC251
    await asyncio.sleep(0.001)


async def test_a_loop_with_nothing_to_do_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "LOOK_SECONDS", 0.01)
    looks = list[float]()
    lag = Lag(Metrics())
    monkeypatch.setattr(lag, "_note", looks.append)
    watching = asyncio.create_task(lag.watch())
    await asyncio.sleep(0.4)
    assert len(looks) < 10, "at every look it would be forty"
    watching.cancel()
