"""What is remembered of one visitor: their profile, and the events since it was read, which are folded in only when
somebody asks for the history. What rules read off the history is kept current without that: most pages need no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

from proxy.audience.readings import Readings, readings_of
from proxy.audience.tracked import Measures
from proxy.events.fold import fold
from proxy.model import Arrival, PackedEvent, Profile
from proxy.stores.record import as_remembered, event_of

MOST_NEWS = 16
"""So many new events of a visitor wait to be folded in together, while nobody asks for the history."""


@dataclass(slots=True, eq=False)
class Known:
    """What is remembered of one visitor: the `profile` read `at` a time, and `news`, the events since; these change
    nothing but the history. `kept` is what was read off the history, news included; it is None if nobody asked, and
    without news it is kept with the profile.

    * `is_current` until another process changes the visitor, or they are forgotten; `version` increases whenever an
      outcome that was worked out from the profile may have changed.
    * `is_used`: asked for since it was last considered for eviction.
    """

    at: float
    profile: Profile | None
    news: list[Arrival | PackedEvent]
    is_current: bool = True
    is_used: bool = False
    version: int = 0
    kept: Readings | None = None

    def add(self, arrival: Arrival | PackedEvent) -> None:
        """Adds an event."""
        if not self.news and self.profile is not None:
            known = self.profile.remembered.get(Readings)
            self.kept = known.copy() if isinstance(known, Readings) else None
        self.news.append(arrival)
        if self.kept is not None and not self.kept.add(event_of(arrival)):
            self.version += 1
        if len(self.news) >= MOST_NEWS:
            self.current()

    def current(self) -> Profile | None:
        """The profile with the news folded in."""
        if self.profile is not None and self.news:
            self.profile = fold(self.profile, list(map(as_remembered, self.news)), of_one_log=True)
            if self.kept is not None:
                self.profile.remembered[Readings] = self.kept
        self.news, self.kept = [], None
        return self.profile

    def readings(self, measures: Measures) -> Readings | None:
        """What was read off the history with the news; None where there is no profile to read it off."""
        if self.kept is not None and self.kept.measures is measures:
            return self.kept
        profile = self.current()
        return readings_of(measures, profile) if profile is not None else None

    def end(self) -> None:
        """Marks it as forgotten, for whoever still holds a reference."""
        self.is_current, self.profile, self.news, self.kept = False, None, [], None


NOBODY: Final = Known(-inf, None, [])
"""Stands for a profile that is not needed: it is always current."""
