"""Visitors whom a process began to change in a store of many machines, and never said that it did: it was killed in
between, or the server did not answer it in time. Their events may be missing in the log that is followed, so they are
looked at when whatever was begun is over.

That a change is begun is stored before the change is, by whoever makes it: so nothing that a store has is missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import inf
from typing import NamedTuple

from proxy.ports import LONGEST_CHANGE_SECONDS, EventStore

EVERY_SECONDS = 5.0


class Began(NamedTuple):
    """Visitors who are about to be changed: when that was first seen, and the place before."""

    at: float
    visitor_ids: Collection[str]
    before: str


class Unfinished:
    """Tracks the changes that were begun in one store."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._place = ""
        self._waiting: dict[str, Began] = {}
        self._asked_at = -inf

    @property
    def place(self) -> str:
        """Where another process has to go on."""
        return next(iter(self._waiting.values())).before if self._waiting else self._place

    def start(self, place: str) -> None:
        """Begins there, unless this process is further already."""
        self._place = self._place or place

    async def overdue(self, now: float) -> dict[str, Collection[str]]:
        """By the name of the change, the visitors to look at now. May raise `StoreError`."""
        if now >= self._asked_at + EVERY_SECONDS:
            found = await self._store.begun(self._place)
            for name in found.over:
                self._waiting.pop(name, None)
            self._waiting |= {name: Began(now, ids, self._place) for name, ids in found.begun.items()}
            self._place, self._asked_at = found.place, now
        longest_ago = now - LONGEST_CHANGE_SECONDS
        return {name: one.visitor_ids for name, one in self._waiting.items() if one.at <= longest_ago}

    def done(self, names: Iterable[str]) -> None:
        """Says that these were looked at."""
        for name in names:
            self._waiting.pop(name, None)
