"""Concurrent profile reads go to the store in batches.

A thousand visitors at once are then a few round trips, not a thousand, and no read waits for a connection or thread of
its own: what does not fit into the batches under way goes with the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from proxy.errors import StoreError
from proxy.model import Profile

BATCH = 200
Value = TypeVar("Value")


class ReadBatches(Generic[Value]):
    """Collects concurrent reads into batches. `read_many` returns the stored value of each visitor, or the error of
    that value; it runs at most `at_once` times at a time, and raises `StoreError` when a whole batch failed. `unpack`
    makes a profile of a value, None for an unknown visitor."""

    def __init__(
        self,
        read_many: Callable[[Sequence[str]], Awaitable[Sequence[Value | StoreError]]],
        unpack: Callable[[Value, str], Profile | None],
        *,
        at_once: int,
    ) -> None:
        self._read_many = read_many
        self._unpack = unpack
        self._at_once = at_once
        self._waiting: list[tuple[str, asyncio.Future[Value | StoreError]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def get(self, visitor_id: str) -> Profile | None:
        """As `ProfileStore.get_profile`. Cancelling one caller does not affect the others."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._begin)
        value: asyncio.Future[Value | StoreError] = loop.create_future()
        self._waiting.append((visitor_id, value))
        found = await value
        if isinstance(found, StoreError):
            raise found
        return self._unpack(found, visitor_id)

    def _begin(self) -> None:
        while self._waiting and len(self._under_way) < self._at_once:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            task = asyncio.create_task(self._read(batch))
            self._under_way.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._begin()

    async def _read(self, batch: Sequence[tuple[str, asyncio.Future[Value | StoreError]]]) -> None:
        values: Sequence[Value | StoreError] = [StoreError("the read was given up")] * len(batch)
        try:
            values = await self._read_many([visitor_id for visitor_id, _ in batch])
        except StoreError as error:
            values = [error] * len(batch)
        finally:
            for (_, waiting), value in zip(batch, values, strict=True):
                if not waiting.done():
                    waiting.set_result(value)
