"""Changes that a process announced in a store of many machines and never finished: it was killed in between, or the
server did not answer in time. Their events may be missing in the log that the follower reads, so these visitors are
evaluated once the change must be over.

A change is announced in the store before it is made, so that none is missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import inf
from typing import NamedTuple

from proxy.ports import LONGEST_CHANGE_SECONDS, EventStore

READ_SECONDS = 5.0


class Started(NamedTuple):
    """A change that was announced: when it was first seen here, its visitors, and the place before it."""

    at: float
    visitor_ids: Collection[str]
    before: str


class Unfinished:
    """Tracks the announced changes of one store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._place = ""
        self._waiting: dict[str, Started] = {}
        self._read_at = -inf

    @property
    def place(self) -> str:
        """The place from which another process has to go on."""
        return next(iter(self._waiting.values())).before if self._waiting else self._place

    def start(self, place: str) -> None:
        """Sets the place to begin at, unless one is set."""
        self._place = self._place or place

    async def overdue(self, now: float) -> dict[str, Collection[str]]:
        """The visitors to evaluate now, by the name of the change. May raise `StoreError`."""
        if now < self._read_at:  # the clock was set back
            self._waiting = {name: one._replace(at=min(one.at, now)) for name, one in self._waiting.items()}
        if not 0 <= now - self._read_at < READ_SECONDS:
            changes = await self._store.started_changes(self._place)
            for name in changes.finished:
                self._waiting.pop(name, None)
            self._waiting |= {name: Started(now, ids, self._place) for name, ids in changes.started.items()}
            self._place, self._read_at = changes.place, now
        seen_before = now - LONGEST_CHANGE_SECONDS
        return {name: one.visitor_ids for name, one in self._waiting.items() if one.at <= seen_before}

    def done(self, names: Iterable[str]) -> None:
        """Forgets these changes: their visitors were evaluated."""
        for name in names:
            self._waiting.pop(name, None)
