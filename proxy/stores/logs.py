"""All that a store has logged, person by person: for whoever counts visitors, or takes all events elsewhere.

A device that is joined to a person is left out: its log goes on holding what it did, but so does the person's, and who
read both would count everything twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from proxy.audience.identity import IMPORTED, LINKING
from proxy.events.fold import fold
from proxy.model import Arrival
from proxy.ports import Store

VISITORS_AT_ONCE = 500
KEY = "bucket key"


class Logged(NamedTuple):
    """A person, or a visitor who is nobody's device: what chance draws them by, and all their events in order, those of
    their devices too."""

    visitor_id: str
    bucket_key: str
    arrivals: Sequence[Arrival]


async def logs(store: Store) -> AsyncIterator[Logged]:
    """Everybody in the log, each once, in no order. May raise `StoreError`."""
    some: list[str] = []
    async for visitor_id in store.visitors():
        some.append(visitor_id)
        if len(some) == VISITORS_AT_ONCE:
            for each in await _logged(store, some):
                yield each
            some = []
    for each in await _logged(store, some) if some else ():
        yield each


async def _logged(store: Store, visitor_ids: Sequence[str]) -> list[Logged]:
    found = zip(visitor_ids, await store.logs_of(visitor_ids), strict=True)
    return [person for visitor_id, log in found if (person := _person(visitor_id, log))]


def _person(visitor_id: str, log: Sequence[Arrival]) -> Logged | None:
    telling = [one for one in log if one.event.kind in LINKING or (one.event.kind == IMPORTED and KEY in one.details)]
    if not telling:
        return Logged(visitor_id, visitor_id, log)
    profile = fold(None, telling)
    return None if profile.alias else Logged(visitor_id, profile.bucket_key or visitor_id, log)
