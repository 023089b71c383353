"""All that a store has logged, person by person: for who counts visitors, exports all events, or expires old ones.

A device that is joined to a person is left out: its log goes on holding what it did, but so does the person's, and who
read both would count everything twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import NamedTuple

from proxy.audience.identity import IMPORTED, LINKING
from proxy.events.fold import fold
from proxy.model import Arrival
from proxy.ports import Outbox, Store, ViewLog

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
    async for some in logs_of_each(store, store.visitors(), VISITORS_AT_ONCE):
        for visitor_id, log in some:
            if person := _person(visitor_id, log):
                yield person


async def logs_of_each(
    store: Store, visitors: AsyncIterator[str], at_once: int
) -> AsyncIterator[Iterable[tuple[str, Sequence[Arrival]]]]:
    """The own log of each of these, those of so many at once. May raise `StoreError`."""
    some: list[str] = []
    async for visitor_id in visitors:
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


# -- Forgetting what is old: what came before a moment leaves the log, and what follows from it the profiles. It leaves
# the lists beside them too, the recorded page views, and the messages to webhooks that were given up.

AT_ONCE = 500
READ_AT_ONCE = 100


async def expire(store: Store, views: ViewLog, outbox: Outbox, before: float) -> tuple[int, int]:
    """Deletes everything that came before this moment (Unix seconds); returns how many events and page views those
    were. Visitors of whom nothing newer is known are deleted. What erasures left in a large file is overwritten."""
    gone = 0
    await store.forget_before(before)  # first of all: it lets go of whom the last run named, too
    old: dict[str, Collection[str]] = {}
    async for some in logs_of_each(store, store.visitors_before(before), READ_AT_ONCE):
        for visitor_id, log in some:
            ids = [arrival.event.id for arrival in log if arrival.received_at < before]
            gone += len(ids)
            old |= {visitor_id: ids} if ids else {}
        if len(old) >= AT_ONCE:
            await store.withdraw(old)
            old = {}
    await store.withdraw(old)
    await outbox.done([one for one in await outbox.given_up() if one.queued_at < before])
    page_views = await views.forget_views(before)
    await store.scrub(is_due=True)  # the last: it fails where there is no room
    return gone, page_views
