from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, sleep
from typing import Any

import pytest

from proxy.settings import Settings
from proxy.upstream.timeouts import Timeouts


class One:
    """Waits until `deadline`, then gives up or waits `again`."""

    def __init__(self, timeouts: Timeouts, seconds: float, *again: float) -> None:
        self._timeouts = timeouts
        self._again = list(again)
        self.looks: list[float] = []
        self.deadline = monotonic() + seconds
        timeouts.watch(self)

    def look(self, now: float) -> None:
        assert now >= self.deadline
        self.looks.append(now)
        if self._again:
            self.deadline = now + self._again.pop()
        else:
            self._timeouts.leave(self)


async def until(is_so: Callable[[], bool], wait: Callable[[], Awaitable[Any]] = lambda: asyncio.sleep(0.001)) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await wait()


async def test_each_is_looked_at_when_it_is_due_and_not_before() -> None:
    timeouts = Timeouts(Settings())
    late, early, never = One(timeouts, 0.03), One(timeouts, 0.01), One(timeouts, 100)
    await until(lambda: bool(late.looks))
    assert [len(one.looks) for one in (late, early, never)] == [1, 1, 0]
    assert early.looks < late.looks


async def test_progress_resets_a_deadline_and_leaving_removes_it() -> None:
    timeouts = Timeouts(Settings())
    moving, gone, judge = One(timeouts, 0.01), One(timeouts, 0.01), One(timeouts, 0.02)
    moving.deadline += 100
    timeouts.leave(gone)
    timeouts.leave(gone)
    await until(lambda: bool(judge.looks))
    assert not moving.looks and not gone.looks


async def test_a_renewed_deadline_is_checked_again() -> None:
    one = One(Timeouts(Settings()), 0.01, 0.01, 0.01)
    await until(lambda: len(one.looks) == 3)


async def test_a_deadline_that_came_nearer_is_kept() -> None:
    timeouts = Timeouts(Settings())
    one = One(timeouts, 100)
    one.deadline -= 100
    timeouts.watch(one)
    await until(lambda: bool(one.looks))


async def test_many_are_looked_after_by_one_timer() -> None:
    loop = asyncio.get_running_loop()
    timeouts = Timeouts(Settings())
    made = []
    call_later = loop.call_later
    loop.call_later = lambda delay, *rest, **more: made.append(delay) or call_later(delay, *rest, **more)  # type: ignore[assignment, func-returns-value]
    several = [One(timeouts, 50 + number) for number in range(100)]
    for one in several:
        timeouts.leave(one)
    assert len(made) == 1


async def test_while_this_process_stood_still_no_time_passed() -> None:
    one, begun = One(Timeouts(Settings()), 0.01), monotonic()
    sleep(0.2)  # noqa: ASYNC251
    await until(lambda: bool(one.looks))
    assert one.looks[0] > begun + 0.2 + 0.18  # its clock is of whole milliseconds


async def test_but_it_is_given_again_only_once() -> None:
    one = One(Timeouts(Settings()), 0.01)
    for _ in range(3):
        sleep(0.2)  # noqa: ASYNC251
        await asyncio.sleep(0)
    await until(lambda: bool(one.looks))


async def test_a_block_has_its_time_and_no_more() -> None:
    timeouts = Timeouts(Settings())
    async with timeouts.within(0.01):
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        async with timeouts.within(0.01):
            await asyncio.Event().wait()
