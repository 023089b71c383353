"""Segments that an outside system has, as a customer data platform: who is in them, from what it said when.

An import lists all of a visitor's; an event says that the visitor came into one or left it. Of one segment the latest
word counts. What was said to have been entered stays until it is said to be left, also when an import comes that knows
nothing of it: the two may be of two systems.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from proxy.model import Arrival, Membership, Stamp

ENTERED, LEFT = "segment entered", "segment left"
MEMBERSHIP = (ENTERED, LEFT)
MOST_OUTSIDE = 100
"""The segments of one visitor that events spoke of most recently; what was said before is forgotten."""


def after(outside: Mapping[str, Membership], arrival: Arrival) -> Mapping[str, Membership]:
    """The memberships after an arrival said that its visitor entered or left a segment."""
    event = arrival.event
    said = Membership(event.at, event.id, event.kind == ENTERED, event.subject)
    key = event.subject.casefold()
    if key in outside and said <= outside[key]:
        return outside
    known = {**outside, key: said}
    newest = sorted(known.items(), key=lambda item: (item[1], item[0]), reverse=True)[:MOST_OUTSIDE]
    return dict(newest)


def segments_of(listed: Collection[str], imported: Stamp, outside: Mapping[str, Membership]) -> frozenset[str]:
    """The segments that a visitor is in, of those an import `listed` and those events spoke of."""
    entered = [said.name for said in outside.values() if said.is_in]
    gone = {name for name, said in outside.items() if said.is_in or (said.at, said.id) > imported}
    return frozenset([*entered, *(name for name in listed if name.casefold() not in gone)])
