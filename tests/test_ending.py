"""Tasks end when they are told to, though a cancellation was lost."""

from __future__ import annotations

import asyncio

import pytest

from proxy.ending import ended, together


class Deaf:
    """Work that never ends and loses the first cancellation."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.lost = 0

    async def run(self) -> None:
        while True:
            self.begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.lost += 1
                if self.lost > 1:
                    raise


async def test_what_loses_a_cancellation_is_cancelled_again() -> None:
    deaf = Deaf()
    task = asyncio.create_task(deaf.run())
    await deaf.begun.wait()
    await ended(task)
    assert task.cancelled() and deaf.lost == 2


async def test_what_has_ended_already_is_left_alone() -> None:
    async def failing() -> None:
        raise KeyError

    task = asyncio.create_task(failing())
    await asyncio.wait((task,))
    await ended(task)
    assert isinstance(task.exception(), KeyError)


async def test_works_that_run_together_end_together_when_cancelled_though_one_loses_that() -> None:
    one, other = Deaf(), Deaf()
    task = asyncio.create_task(together(one.run(), other.run()))
    await one.begun.wait()
    await other.begun.wait()
    await ended(task)
    assert task.cancelled() and one.lost == other.lost == 2


async def test_when_one_of_them_fails_the_others_end_and_its_error_is_raised() -> None:
    deaf = Deaf()

    async def failing() -> None:
        await deaf.begun.wait()
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="a fault of ours"):
        await together(deaf.run(), failing())
    assert deaf.lost == 2


async def test_works_that_end_by_themselves_are_waited_for() -> None:
    done = list[int]()

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    await together(work(1), work(2))
    assert sorted(done) == [1, 2]
