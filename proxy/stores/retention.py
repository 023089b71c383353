"""Forgetting what is old: what came before a moment leaves the log, and what follows from it the profiles. It leaves
the lists beside them too, the recorded page views, and the messages to webhooks that were given up."""

from __future__ import annotations

from collections.abc import Collection

from proxy.ports import Outbox, Store, ViewLog
from proxy.stores.logs import logs_of_all

AT_ONCE = 500
READ_AT_ONCE = 100


async def expire(store: Store, views: ViewLog, outbox: Outbox, before: float) -> tuple[int, int]:
    """Deletes everything that came before this moment (Unix seconds); returns how many events and page views those
    were. Visitors of whom nothing newer is known are deleted. What erasures left in a large file is overwritten."""
    gone = 0
    await store.forget_before(before)  # first of all: it lets go of whom the last run named, too
    old: dict[str, Collection[str]] = {}
    async for some in logs_of_all(store, READ_AT_ONCE):
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
