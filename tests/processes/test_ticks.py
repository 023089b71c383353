from __future__ import annotations

import asyncio
import os
from itertools import pairwise

import pytest

from proxy.processes.ticks import tick, until_tick


@pytest.mark.parametrize("seconds", [0.2, 1.0, 5.0])
def test_ticks_are_so_far_apart_whenever_somebody_begins_to_wait(seconds: float) -> None:
    ticks = {round(now + until_tick(seconds, now), 6) for now in (100.0, 100.05, 100.19)}
    assert len(ticks) <= 2 and all(100.0 < at <= 100.19 + seconds for at in ticks)
    first = 100.0 + until_tick(seconds, 100.0)
    assert until_tick(seconds, first + 0.001) == pytest.approx(seconds - 0.001)
    assert 0 < until_tick(seconds, first) <= seconds
    assert until_tick(0.0, first) == 0


def test_each_process_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for pid in range(700, 708):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        found.append(until_tick(1.0, 100.0))
    apart = sorted(found)
    assert min(b - a for a, b in pairwise(apart)) > 0.05


async def test_a_waiting_task_continues_at_the_next_tick() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await tick(0.01)
    assert loop.time() > began
