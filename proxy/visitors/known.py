"""What is remembered of one visitor: their profile, and what they did since it was read, which is folded in when
somebody asks. What they have used up of the limits of rules is kept up without that: most who ask want nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

from proxy.audience.limits import Used
from proxy.events.fold import fold
from proxy.model import Arrival, Deed, Profile
from proxy.stores.record import as_remembered, event_of

MOST_NEWS = 16
"""So many events of a visitor whose deeds nobody asks for wait to be counted together."""


@dataclass(slots=True, eq=False)
class Known:
    """What is remembered of one visitor: the `profile` that was read `at`, and `news`, the events since, of which all
    change nothing but the history. `used` is what they have used up of limits with the news, if anybody asked; without
    news the profile has it.

    * `is_current` until another process changed the visitor, or they are forgotten; `version` counts how often what is
      found by the profile may have become another.
    * `is_used`: somebody asked since it was last considered for eviction.
    """

    at: float
    profile: Profile | None
    news: list[Arrival | Deed]
    is_current: bool = True
    is_used: bool = False
    version: int = 0
    used: Used | None = None

    def add(self, arrival: Arrival | Deed) -> None:
        """Adds an event."""
        if not self.news and self.profile is not None:
            known = self.profile.remembered.get(Used)
            self.used = known.copy() if isinstance(known, Used) else None
        self.news.append(arrival)
        if self.used is not None and not self.used.add(event_of(arrival)):
            self.version += 1
        if len(self.news) >= MOST_NEWS:
            self.current()

    def current(self) -> Profile | None:
        """The profile with the news folded in."""
        if self.profile is not None and self.news:
            self.profile = fold(self.profile, list(map(as_remembered, self.news)), of_one_log=True)
            if self.used is not None:
                self.profile.remembered[Used] = self.used
        self.news, self.used = [], None
        return self.profile

    def end(self) -> None:
        """Marks it as forgotten, for those who still hold it."""
        self.is_current, self.profile, self.news, self.used = False, None, [], None


NOBODY: Final = Known(-inf, None, [])
"""For whoever asks for no profile: there is never anything new of it."""
