"""Impressions: banners that were shown, as events of their own or named by a page view.

A page view that names five banners says the same as itself and five `banner shown`, in a sixth of the space. Readers of
`banner shown` see both alike: here the named ones become events, at the time of their page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import chain
from operator import attrgetter

from proxy.conditions.behaviours import CLICKED, SHOWN
from proxy.model import Event

BANNERS = (SHOWN, "banner seen", CLICKED)
ORDERS = ("order completed", "order refunded", "order cancelled")
MOST_IMPRESSIONS, MOST_ACTIONS = 250, 500
"""A visitor's history has the newest so many events that tell of banners, and of all others; and more orders."""
NAMES = attrgetter("shown")


def impressions(events: Sequence[Event], passes: Callable[[str], bool]) -> list[Event]:
    """A `banner shown` event for each rule named by the page views among these events, if the rule passes. Each name is
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


def matches_kinds(event: Event, kinds: Collection[str]) -> bool:
    """Whether the event is of one of these kinds, or names banners while `banner shown` is one of them."""
    return event.kind in kinds or (bool(event.shown) and SHOWN in kinds)
