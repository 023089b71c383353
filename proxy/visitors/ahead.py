"""Events that are not in the store yet. A profile that is read meanwhile is read with them, so that what a visitor did
counts on their next request, however slow the store is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import is_

from proxy.model import Arrival, Deed
from proxy.stores.record import arrivals_of


class Ahead:
    """Events on their way to the store, almost in order. Folding one that the store has already changes nothing. They
    are sorted by visitor only when the first is asked for: a page that reads a profile must not look through all of
    them."""

    def __init__(self) -> None:
        self._arrivals: list[Arrival | Deed] = []
        self._by_visitor: dict[str, list[Arrival | Deed]] = {}
        self._sorted = 0  # so many of the first

    def add(self, arrivals: Iterable[Arrival | Deed]) -> None:
        """Adds events that are on their way to the store."""
        self._arrivals.extend(arrivals)

    def drop(self, arrivals: Sequence[Arrival | Deed]) -> None:
        """Removes events that have arrived there, or never will."""
        if not arrivals:
            return
        self._by_visitor, self._sorted = {}, 0
        if len(arrivals) <= len(self._arrivals) and all(map(is_, arrivals, self._arrivals)):
            del self._arrivals[: len(arrivals)]
        else:
            gone = {(one.visitor_id, one.event.id) for one in arrivals_of(arrivals)}
            here = zip(self._arrivals, arrivals_of(self._arrivals), strict=True)
            self._arrivals = [one for one, told in here if (told.visitor_id, told.event.id) not in gone]

    def all(self) -> Sequence[Arrival | Deed]:
        """All of them, as they are now."""
        return tuple(self._arrivals)

    def of(self, visitor_id: str) -> list[Arrival | Deed]:
        """The events of this visitor."""
        for arrival in self._arrivals[self._sorted :]:
            self._by_visitor.setdefault(arrival.visitor_id, []).append(arrival)
        self._sorted = len(self._arrivals)
        return list(self._by_visitor.get(visitor_id, ()))
