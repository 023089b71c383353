"""What a store made of events that were counted on their visitors' profiles before it had them: which of them it did
not take, and which it took for somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

from proxy.model import Arrival, Deed
from proxy.stores.record import arrivals_of


def unforeseen(fresh: Sequence[Arrival | Deed], foreseen: Sequence[Arrival | Deed]) -> list[Arrival | Deed]:
    """Those of the fresh events that were not foreseen as their visitors': what a device did is its person's, who may
    have become known only now."""
    if len(fresh) == len(foreseen) and all(map(is_, fresh, foreseen)):
        return []  # as nearly always
    same = set(map(id, foreseen))
    others = [one for one in fresh if id(one) not in same]
    known = {(arrival.visitor_id, arrival.event.id) for arrival in arrivals_of(foreseen)}
    told = zip(others, arrivals_of(others), strict=True)
    return [one for one, arrival in told if (arrival.visitor_id, arrival.event.id) not in known]


def not_taken(fresh: Sequence[Arrival | Deed], foreseen: Sequence[Arrival | Deed]) -> set[str]:
    """Of whom something was foreseen that the store did not take: it has it already, or they were erased."""
    taken = {(one.via or one.visitor_id, one.event.id) for one in arrivals_of(fresh)}
    return {one.visitor_id for one in arrivals_of(foreseen) if (one.visitor_id, one.event.id) not in taken}
