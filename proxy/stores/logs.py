"""All that a store has logged, person by person: for whoever counts visitors, or takes all events elsewhere.

A device that is joined to a person is left out: its log goes on holding what it did, but so does the person's, and who
read both would count everything twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
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
    async for some in logs_of_all(store, VISITORS_AT_ONCE):
        for visitor_id, log in some:
            if person := _person(visitor_id, log):
                yield person


async def logs_of_all(store: Store, at_once: int) -> AsyncIterator[Iterable[tuple[str, Sequence[Arrival]]]]:
    """Everybody's own log, those of so many at once. May raise `StoreError`."""
    some: list[str] = []
    async for visitor_id in store.visitors():
        some.append(visitor_id)
        if len(some) == at_once:
            yield zip(some, await store.logs_of(some), strict=True)
            some = []
    if some:
        yield zip(some, await store.logs_of(some), strict=True)


def _person(visitor_id: str, log: Sequence[Arrival]) -> Logged | None:
    telling = [one for one in log if one.event.kind in LINKING or (one.event.kind == IMPORTED and KEY in one.details)]
    if not telling:
        return Logged(visitor_id, visitor_id, log)
    profile = fold(None, telling)
    return None if profile.alias else Logged(visitor_id, profile.bucket_key or visitor_id, log)
