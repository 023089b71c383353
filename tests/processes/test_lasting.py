"""Work beside requests outlives faults of ours, and ends when it is done or cancelled."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import pytest

from proxy.processes.lasting import lasting


async def test_what_fails_is_logged_and_begins_again_until_it_ends_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[int] = []

    async def following(limit: int) -> None:
        turns.append(len(turns))
        if len(turns) < limit:
            raise RuntimeError("a fault of ours")

    with caplog.at_level(logging.ERROR):
        await lasting(partial(following, 3), 0.0)
    assert turns == [0, 1, 2]
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    assert "following` failed" in caplog.messages[0]


async def test_what_is_cancelled_does_not_begin_again() -> None:
    begun = asyncio.Event()

    async def waiting() -> None:
        assert not begun.is_set()
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(lasting(waiting, 0.0))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
