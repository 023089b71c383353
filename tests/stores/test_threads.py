"""Threads that do what they are asked while the event loop goes on."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from proxy.stores.threads import Threads
from proxy.turns import NICE


def niceness() -> int:
    """This thread's."""
    return os.getpriority(os.PRIO_PROCESS, 0)


async def test_each_thread_has_a_connection_of_its_own_and_all_work_at_once() -> None:
    threads = Threads(["one", "two"], "test")
    together = threading.Barrier(2, timeout=10)

    def meet(connection: str) -> str:
        together.wait()
        return connection

    assert {*await asyncio.gather(threads.run(meet), threads.run(meet))} == {"one", "two"}
    threads.close()


async def test_those_that_give_way_do_so_from_their_first_work_on() -> None:
    usual, gentle = Threads([None], "test"), Threads([None], "test", gives_way=True)
    assert await usual.run(lambda _: niceness()) == niceness()
    if sys.platform == "linux":
        assert await gentle.run(lambda _: niceness()) == max(NICE, niceness())
    usual.close()
    gentle.close()


async def test_what_is_asked_of_one_is_done_in_turn() -> None:
    threads, done = Threads([None], "test"), []
    await asyncio.gather(*(threads.run(lambda _, number=number: done.append(number)) for number in range(50)))  # type: ignore[misc]
    assert done == list(range(50))
    threads.close()


async def test_what_goes_wrong_is_raised_where_it_was_asked_for() -> None:
    threads = Threads([0], "test")
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda connection: 1 // connection)
    assert await threads.run(lambda connection: connection) == 0, "the thread goes on"
    threads.close()


async def test_a_caller_that_leaves_cancels_nothing_of_others() -> None:
    threads, gate = Threads([None], "test"), threading.Event()
    leaving = asyncio.create_task(threads.run(lambda _: gate.wait(10)))
    staying = asyncio.create_task(threads.run(lambda _: "here"))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await staying == "here"
    threads.close()


async def test_closing_waits_for_what_was_asked_and_takes_no_more() -> None:
    threads = Threads([None], "test")
    asked = asyncio.create_task(threads.run(lambda _: "done"))
    await asyncio.sleep(0)
    await asyncio.to_thread(threads.close)
    assert await asked == "done"
    with pytest.raises(RuntimeError, match="closed"):
        await threads.run(lambda _: "more")
