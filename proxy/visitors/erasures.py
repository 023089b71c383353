"""Who was erased by somebody else, as by `tailorbird erase`, is forgotten here too: a command cannot tell all workers,
but all have the store, and ask it every other second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from proxy.errors import StoreError
from proxy.ports import EventStore

EVERY_SECONDS = 2.0


class Erasures:
    """`forget` is called whenever somebody has been erased since it was last looked."""

    def __init__(self, store: EventStore, forget: Callable[[], None]) -> None:
        self._store = store
        self._forget = forget
        self._seen: str | None = None

    async def follow(self) -> None:
        """For ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Asks once. A store that is away is asked again later."""
        with contextlib.suppress(StoreError):
            mark = await self._store.erasures()
            if self._seen not in (None, mark):
                self._forget()
            self._seen = mark
