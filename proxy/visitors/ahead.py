"""Events that have happened and that the store does not have yet. A profile read meanwhile is read with them, so that
what a visitor did counts on their next request, however the store is doing."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.events.fold import fold
from proxy.model import Arrival, Profile


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

    def on(self, profile: Profile) -> Profile:
        """The profile as the store will have it."""
        own = self._arrivals.get(profile.visitor_id)
        return fold(profile, list(own.values())) if own else profile
