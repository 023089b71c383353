"""Makes answers smaller, in a thread beside the event loop: no answer waits for it; one that comes earlier is only
larger. The results take bounded memory: beyond that all are dropped, and those in use are made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol
from weakref import WeakSet

log = logging.getLogger("tailorbird.background")


class Shrunk(Protocol):
    """Something with smaller forms in memory."""

    @property
    def size(self) -> int:
        """Their size in bytes, about."""

    def forget(self) -> None:
        """Drops them; they are made again when asked for."""


class Background:
    """One thread, whose work takes little more than `most_bytes` of memory."""

    def __init__(self, name: str, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: WeakSet[Shrunk] = WeakSet()  # touched by the thread alone
        self._thread = ThreadPoolExecutor(1, name)

    def make(self, what: Shrunk, make: Callable[[], None]) -> None:
        """Has `make` produce smaller forms of it."""
        self._thread.submit(self._make, what, make).add_done_callback(_complain)

    def _make(self, what: Shrunk, make: Callable[[], None]) -> None:
        self._kept.add(what)
        if sum(each.size for each in self._kept) > self._most_bytes:
            for each in self._kept:
                each.forget()
        make()


def _complain(done: Future[None]) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("an answer could not be made smaller", exc_info=done.exception())
