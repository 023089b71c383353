from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from proxy.settings import DEFAULTS
from proxy.visitors.read_budget import Read, ReadBudget

BUDGET_MS = 10.0


@pytest.fixture
async def patience() -> AsyncIterator[ReadBudget]:
    patience = ReadBudget(BUDGET_MS, give_up)
    yield patience
    patience.close()


def give_up(read: Read) -> None:
    read.end("timeout")


async def waited_ms(patience: ReadBudget) -> float:
    """How long it takes until a read that ends never is given up."""
    started = time.perf_counter()
    async with asyncio.timeout(10):
        await patience.begin().wait()
    return (time.perf_counter() - started) * 1_000


async def test_a_silent_store_is_given_up_after_the_budget(patience: ReadBudget) -> None:
    assert await waited_ms(patience) >= BUDGET_MS
    assert await waited_ms(patience) >= BUDGET_MS, "the next one too"


async def test_a_store_that_answers_others_is_waited_for_up_to_the_hard_limit(patience: ReadBudget) -> None:
    waiting = asyncio.create_task(waited_ms(patience))
    while not waiting.done():
        patience.end(patience.begin())
        await asyncio.sleep(0)
    assert waiting.result() >= DEFAULTS.profile_longest_ms


async def test_no_budget_is_longer_than_the_hard_limit() -> None:
    patience = ReadBudget(60_000, give_up)
    await waited_ms(patience)
    patience.close()


async def test_time_in_which_the_loop_was_busy_is_not_the_stores(patience: ReadBudget) -> None:
    read = patience.begin()
    for _ in range(5):
        busy_until = time.perf_counter() + 2 * DEFAULTS.profile_longest_ms / 1_000
        while time.perf_counter() < busy_until:
            pass
        await asyncio.sleep(0)
        assert not read.is_over
    patience.end(read)
    await waited_ms(patience)
    assert not read.is_over


async def test_a_read_that_has_ended_is_not_given_up_any_more(patience: ReadBudget) -> None:
    reads = [patience.begin() for _ in range(3)]
    patience.end(reads[1])
    await waited_ms(patience)
    assert [read.is_over for read in reads] == [True, False, True]


async def test_a_read_that_is_under_way_when_the_worker_ends_and_one_after_are_given_up_too() -> None:
    patience = ReadBudget(BUDGET_MS, give_up)
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    under_way = asyncio.create_task(waited_ms(patience))
    await asyncio.sleep(BUDGET_MS / 1_000 / 5)
    patience.close()
    await under_way
    await waited_ms(patience)
    assert not faults
