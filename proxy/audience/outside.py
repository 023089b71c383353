"""Segments of an outside system, as a customer data platform: who is in them, from imports and events.

An import lists all segments of a visitor; an event says that the visitor entered or left one. For each segment the
latest event counts. A segment that was entered stays until it is left, even if a later import does not list it: the two
may come from different systems.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from proxy.model import Arrival, Membership, Stamp

ENTERED, LEFT = "segment entered", "segment left"
MEMBERSHIP = (ENTERED, LEFT)
MOST_OUTSIDE = 100
"""The segments of one visitor that events reported most recently."""


def memberships_after(outside: Mapping[str, Membership], arrival: Arrival) -> Mapping[str, Membership]:
    """The memberships after an arrival that reports that its visitor entered or left a segment."""
    event = arrival.event
    membership = Membership(event.at, event.id, event.kind == ENTERED, event.subject)
    key = event.subject.casefold()
    if key in outside and membership <= outside[key]:
        return outside
    known = {**outside, key: membership}
    newest = sorted(known.items(), key=lambda item: (item[1], item[0]), reverse=True)[:MOST_OUTSIDE]
    return dict(newest)


def segments_of(listed: Collection[str], imported: Stamp, outside: Mapping[str, Membership]) -> frozenset[str]:
    """The segments that a visitor is in, of those an import `listed` and those events spoke of."""
    entered = [membership.name for membership in outside.values() if membership.is_in]
    gone = {
        name for name, membership in outside.items() if membership.is_in or (membership.at, membership.id) > imported
    }
    return frozenset([*entered, *(name for name in listed if name.casefold() not in gone)])
