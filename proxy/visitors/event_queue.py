"""The queue of events that wait for a transaction. Events of one request are one entry."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proxy.model import Arrival


@dataclass(eq=False, slots=True)
class Entry:
    """Events of one request. `done` is None when nobody waits for them."""

    arrivals: Sequence[Arrival]
    size: int
    done: asyncio.Future[None] | None = None


@dataclass(slots=True)
class Queue:
    """The waiting entries, and the number of their events."""

    entries: deque[Entry] = field(default_factory=deque)
    rows: int = 0
    size: int = 0

    def add(self, entry: Entry, *, is_first: bool = False) -> None:
        """Adds an entry at the end, or puts it back at the beginning."""
        (self.entries.appendleft if is_first else self.entries.append)(entry)
        self.rows += len(entry.arrivals)
        self.size += entry.size

    def take(self, rows: int) -> list[Entry]:
        """Entries of about so many rows; at least one."""
        taken: list[Entry] = []
        until = max(self.rows - rows, 0)
        while self.entries and (not taken or self.rows > until):
            entry = self.entries.popleft()
            self.rows -= len(entry.arrivals)
            self.size -= entry.size
            taken.append(entry)
        return taken


def rows_of(entries: Iterable[Entry]) -> int:
    """The number of events in these entries."""
    return sum(len(entry.arrivals) for entry in entries)
