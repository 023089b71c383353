"""Events that have happened and that the store does not have yet. A profile read meanwhile is read with them, so that
what a visitor did counts on their next request, however the store is doing."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.model import Arrival


class Ahead:
    """Such events by visitor. Folding one that the store has after all changes nothing."""

    def __init__(self) -> None:
        self._arrivals: dict[str, dict[str, Arrival]] = {}

    def add(self, arrivals: Iterable[Arrival]) -> None:
        """These are under way to the store."""
        for arrival in arrivals:
            self._arrivals.setdefault(arrival.visitor_id, {})[arrival.event.id] = arrival

    def drop(self, arrivals: Iterable[Arrival]) -> None:
        """These have come there, or never will."""
        for arrival in arrivals:
            own = self._arrivals.get(arrival.visitor_id, {})
            own.pop(arrival.event.id, None)
            if not own:
                self._arrivals.pop(arrival.visitor_id, None)

    def of(self, visitor_id: str) -> list[Arrival]:
        """Those of this visitor."""
        return list(self._arrivals.get(visitor_id, {}).values())
