"""Events that were applied to remembered profiles early, before the store had them: compared with what the store then
took, so that profiles for which the two differ are corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

from proxy.model import Arrival, PackedEvent
from proxy.stores.record import arrivals_of


def not_applied_early(
    fresh: Sequence[Arrival | PackedEvent], early: Sequence[Arrival | PackedEvent]
) -> list[Arrival | PackedEvent]:
    """The fresh events (new to the store) that were not applied early to the same visitor: an event of a device is its
    person's, and the person may have become known only now."""
    if len(fresh) == len(early) and all(map(is_, fresh, early)):
        return []  # the usual case
    same = set(map(id, early))
    others = [one for one in fresh if id(one) not in same]
    known = {(arrival.visitor_id, arrival.event.id) for arrival in arrivals_of(early)}
    told = zip(others, arrivals_of(others), strict=True)
    return [one for one, arrival in told if (arrival.visitor_id, arrival.event.id) not in known]


def visitors_not_stored(fresh: Sequence[Arrival | PackedEvent], early: Sequence[Arrival | PackedEvent]) -> set[str]:
    """The visitors with an early event that the store did not take: it had the event already, or erased the visitor."""
    taken = {(one.via or one.visitor_id, one.event.id) for one in arrivals_of(fresh)}
    return {one.visitor_id for one in arrivals_of(early) if (one.visitor_id, one.event.id) not in taken}
