"""Events that have happened and that the store does not have yet. A profile read meanwhile is read with them, so that
what a visitor did counts on their next request, however the store is doing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from proxy.model import Arrival


class Ahead:
    """Such events, in the order in which they happened and, but for few, arrive. Folding one that the store has after
    all changes nothing."""

    def __init__(self) -> None:
        self._arrivals: deque[Arrival] = deque()

    def add(self, arrivals: Iterable[Arrival]) -> None:
        """These are under way to the store."""
        self._arrivals.extend(arrivals)

    def drop(self, arrivals: Iterable[Arrival]) -> None:
        """These have come there, or never will."""
        left, others = self._arrivals, []
        for arrival in arrivals:
            if left and left[0] is arrival:
                left.popleft()
            else:
                others.append((arrival.visitor_id, arrival.event.id))
        if others:
            gone = set(others)
            self._arrivals = deque([one for one in left if (one.visitor_id, one.event.id) not in gone])

    def of(self, visitor_id: str) -> list[Arrival]:
        """Those of this visitor."""
        return [arrival for arrival in self._arrivals if arrival.visitor_id == visitor_id]
