"""Events that are not in the store yet. They are folded into every profile read meanwhile, so that what a visitor did
counts on their next request, however slow the store is. And the queue of those that wait for a transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import is_

from proxy.model import Arrival, PackedEvent
from proxy.stores.record import arrivals_of, event_of


class UnsavedEvents:
    """Events on their way to the store, nearly in order: as sent to the store, and under the persons whose devices did
    them, as far as known. Folding an event that the store has already changes nothing. They are grouped by visitor when
    one is asked for, so that a page that reads a profile need not go through all of them."""

    def __init__(self) -> None:
        self._arrivals: list[Arrival | PackedEvent] = []
        self._of_persons: list[Arrival | PackedEvent] = []
        self._by_visitor: dict[str, list[Arrival | PackedEvent]] = {}
        self._grouped = 0  # how many of `_of_persons` are grouped

    def add(self, arrivals: Sequence[Arrival | PackedEvent], of_persons: Sequence[Arrival | PackedEvent]) -> None:
        """Adds events on their way to the store, and the same under their persons."""
        self._arrivals += arrivals
        self._of_persons += of_persons

    def drop(self, arrivals: Sequence[Arrival | PackedEvent]) -> None:
        """Removes events that are in the store, or never will be."""
        if not arrivals:
            return
        self._by_visitor, self._grouped = {}, 0
        if len(arrivals) <= len(self._arrivals) and all(map(is_, arrivals, self._arrivals)):
            del self._arrivals[: len(arrivals)], self._of_persons[: len(arrivals)]
        else:
            gone = {(one.visitor_id, one.event.id) for one in arrivals_of(arrivals)}
            stay = [(one.visitor_id, one.event.id) not in gone for one in arrivals_of(self._arrivals)]
            self._arrivals = list(compress(self._arrivals, stay))
            self._of_persons = list(compress(self._of_persons, stay))

    def unknown(self, fresh: Sequence[Arrival | PackedEvent]) -> Sequence[Arrival | PackedEvent]:
        """Those of the events that the store says are new which are not among these under the person they are of."""
        if not any(one.via for one in fresh):
            return fresh
        pairs = zip(self._arrivals, self._of_persons, strict=True)
        known = {(person.visitor_id, event_of(person).id) for device, person in pairs if person is not device}
        return [one for one in fresh if not one.via or (one.visitor_id, event_of(one).id) not in known]

    def all(self) -> Sequence[Arrival | PackedEvent]:
        """A copy of all of them, under their persons."""
        return tuple(self._of_persons)

    def of(self, visitor_id: str) -> list[Arrival | PackedEvent]:
        """The events of this visitor."""
        for arrival in self._of_persons[self._grouped :]:
            self._by_visitor.setdefault(arrival.visitor_id, []).append(arrival)
        self._grouped = len(self._of_persons)
        return list(self._by_visitor.get(visitor_id, ()))


# -- Events that were applied to remembered profiles early, before the store had them: compared with what the store then
# took, so that profiles for which the two differ are corrected.


def not_applied_early(
    fresh: Sequence[Arrival | PackedEvent], early: Sequence[Arrival | PackedEvent]
) -> list[Arrival | PackedEvent]:
    """The fresh events (new to the store) that were not applied early to the same visitor: an event of a device is its
    person's, and the person may have become known only now."""
    if len(fresh) == len(early) and all(map(is_, fresh, early)):
        return []  # the usual case
    same = set(map(id, early))
    others = [one for one in fresh if id(one) not in same]
    known = {(arrival.visitor_id, arrival.event.id) for arrival in arrivals_of(early)}
    told = zip(others, arrivals_of(others), strict=True)
    return [one for one, arrival in told if (arrival.visitor_id, arrival.event.id) not in known]


def visitors_not_stored(fresh: Sequence[Arrival | PackedEvent], early: Sequence[Arrival | PackedEvent]) -> set[str]:
    """The visitors with an early event that the store did not take: it had the event already, or erased the visitor."""
    taken = {(one.via or one.visitor_id, one.event.id) for one in arrivals_of(fresh)}
    return {one.visitor_id for one in arrivals_of(early) if (one.visitor_id, one.event.id) not in taken}


# -- The queue of events that wait for a transaction. Events of one request are one entry.


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
