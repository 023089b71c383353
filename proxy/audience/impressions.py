"""Banners that were shown: events of their own, and those that the view of a page names.

A page view that names five banners says what it and five `banner shown` would, in a sixth of the room. Whoever reads
`banner shown` reads both alike: here the named ones become events, at the moment of their page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import chain
from operator import attrgetter

from proxy.model import Event

SHOWN = "banner shown"
BANNERS = (SHOWN, "banner seen", "banner clicked")
MOST_IMPRESSIONS, MOST_DEEDS = 250, 500
"""A visitor's history has the newest so many events that tell of banners, and of all others."""
NAMES = attrgetter("shown")


def impressions(events: Sequence[Event], passes: Callable[[str], bool]) -> list[Event]:
    """A `banner shown` event for each rule that views among these events name, of the rules that pass. Each name is
    tested once."""
    wanted = set(filter(passes, set(chain.from_iterable(map(NAMES, events)))))
    if not wanted:
        return []
    return [
        Event(event.at, f"{event.id}/{number}", SHOWN, name)
        for event in events
        for number, name in enumerate(event.shown)
        if name in wanted
    ]


def tells_of(event: Event, kinds: Collection[str]) -> bool:
    """Whether the event is of one of these kinds, or names banners and `banner shown` is one of them."""
    return event.kind in kinds or (bool(event.shown) and SHOWN in kinds)
