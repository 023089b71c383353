"""Forgetting what is old: events that came before a moment leave the log, and what follows from them the profiles."""

from __future__ import annotations

from proxy.ports import Store


async def expire(store: Store, before: float) -> int:
    """Takes everything out of the store that came before this moment (Unix seconds); how many events those were. A
    visitor of whom nothing newer is known is forgotten."""
    gone = 0
    async for visitor_id in store.visitors():
        old = [arrival.event.id for arrival in await store.log_of(visitor_id) if arrival.received_at < before]
        if old:
            await store.withdraw(visitor_id, old)
            gone += len(old)
    return gone
