"""Work beside requests outlives faults of ours, and ends when it is done or cancelled."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import pytest

from proxy.processes.lasting import ended, lasting


async def test_what_fails_is_logged_and_begins_anew_until_it_ends_by_itself(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_what_is_cancelled_does_not_begin_anew() -> None:
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


async def test_what_loses_a_cancellation_is_cancelled_again() -> None:
    begun, lost = asyncio.Event(), list[str]()

    async def following() -> None:
        while True:
            try:
                begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost.append("once")
                if len(lost) > 1:
                    raise

    task = asyncio.create_task(lasting(following))
    await begun.wait()
    await ended(task)
    assert task.cancelled() and lost == ["once", "once"]


async def test_what_has_failed_already_is_ended() -> None:
    async def failing() -> None:
        raise KeyError

    task = asyncio.create_task(failing())
    await asyncio.wait((task,))
    await ended(task)
    assert isinstance(task.exception(), KeyError)
