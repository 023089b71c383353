"""Removes the names of erased visitors from what many visitors share in Redis or Valkey: the feed, the refused events,
and the streams by which processes tell each other of changes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from proxy.stores import redis_changes, redis_feed, redis_refused
from proxy.stores.redis_streams import Fields, take_out

BUS_KEYS = ("{tb:bus}:sent", "{tb:bus}:told")  # on which processes tell each other whose profiles changed


async def forget_names(client: Any, visitor_ids: Collection[str]) -> int:
    """Removes their names, and notes that any visitor may have changed. Returns how many refused events were
    deleted."""
    ids = {visitor_id.encode() for visitor_id in visitor_ids}

    def names_them(fields: Fields) -> bool:
        return any(id in value for value in fields.values() for id in ids)

    for stream in (redis_feed.KEY, redis_changes.KEY, *BUS_KEYS):
        await take_out(client, stream, names_them)
    refused = await take_out(client, redis_refused.KEY, names_them)
    await redis_changes.tell(client)
    return refused
