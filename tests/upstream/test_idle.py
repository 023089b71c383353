"""Idle connections: the newest is used first, the oldest are closed, and none is used that has died."""

from __future__ import annotations

import asyncio
import time

import pytest

from proxy.settings import Settings
from proxy.upstream.connection import Connection
from proxy.upstream.idle import SURE_SECONDS, Idle


class Kept(Connection):
    """One without a socket."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.is_alive = True

    def may_be_reused(self, since: float) -> bool:
        return self.is_alive and self.idle_since > since

    def abort(self) -> None:
        self.is_alive = False


async def test_the_newest_that_lives_is_taken_and_the_dead_are_closed() -> None:
    idle, first, second, third = Idle(Settings()), Kept(), Kept(), Kept()
    for each in (first, second, third):
        idle.add(each)
    third.is_alive = False
    idle.lost(first)
    assert idle.take(time.monotonic()) is second
    assert idle.take(time.monotonic()) is None
    idle.put_back(second)
    assert len(idle) == 1
    idle.close()
    assert not second.is_alive and not idle


async def test_one_that_may_be_about_to_end_is_not_taken_for_what_cannot_be_repeated() -> None:
    idle, kept = Idle(Settings()), Kept()
    idle.add(kept)
    later = time.monotonic() + SURE_SECONDS
    assert idle.take(later, b"POST") is None
    assert idle.take(kept.idle_since + 0.9, b"POST") is None  # many origins close after one second
    assert kept.is_alive and idle.take(later) is kept
    idle.put_back(kept)
    assert idle.take(kept.idle_since + SURE_SECONDS / 2, b"POST") is kept


async def test_those_not_used_since_are_closed_and_others_stay() -> None:
    idle, old, new = Idle(Settings()), Kept(), Kept()
    idle.add(old)
    since = time.monotonic()
    idle.add(new)
    idle.close_unused(since)
    assert (old.is_alive, new.is_alive, len(idle)) == (False, True, 1)
    idle.close()


async def test_there_are_no_more_than_the_setting_says() -> None:
    idle, first, second = Idle(Settings(max_idle_connections=1)), Kept(), Kept()
    idle.add(first)
    idle.add(second)
    assert (first.is_alive, second.is_alive, len(idle)) == (True, False, 1)
    idle.close()


@pytest.mark.parametrize("is_told", [False, True])
async def test_each_is_closed_after_its_time_also_where_the_origin_says_a_shorter_one(is_told: bool) -> None:
    idle, kept = Idle(Settings(idle_connection_seconds=30 if is_told else 0.01)), Kept()
    idle.add(kept)
    if is_told:
        idle.keep_for(0.01)
    async with asyncio.timeout(9):
        while kept.is_alive:
            await asyncio.sleep(0.01)
    assert not idle
