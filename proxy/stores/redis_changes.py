"""Whose profiles were changed in Redis or Valkey, for those who remember them: a stream of what writers are about to do
and what they have done, a batch an entry.

It is told before and after, because what changes a visitor lies elsewhere and cannot be changed in one step with it: a
writer that dies in between has said enough. An entry that names nobody means anybody; of who was erased no name may
stay. A place in the stream that is there no more (it was cut to length, or another server has taken the master's place
without it) means anybody, too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from proxy.stores.redis_tombstones import BROUGHT_KEYS

KEY = "{" + BROUGHT_KEYS + "}:changes"
"""On a cluster where a key lies without which no event is taken anyway."""
MOST = 10_000
BEGINNING = "0-0"


def tell(client: Any, visitor_ids: Collection[str] = ()) -> Any:
    """Says that these are changed, or anybody; to be awaited, or part of a pipeline. The answer is the entry's name."""
    return client.xadd(KEY, {"v": msgspec.msgpack.encode(list(visitor_ids))}, maxlen=MOST, approximate=True)


async def newest(client: Any) -> str:
    """As `ProfileStore.newest_change`."""
    rows = await client.xrevrange(KEY, count=1)
    return rows[0][0].decode() if rows else BEGINNING


async def changed(client: Any, after: str, until: str, known: Collection[str]) -> Collection[str] | None:
    """As `ProfileStore.changed`."""
    rows = await client.xrange(KEY, after, until, MOST)
    if len(rows) == MOST or (after != BEGINNING and [id for id, _ in rows[:1]] != [after.encode()]):
        return None
    names = {name.encode() for name in (*known, after)}
    told = [msgspec.msgpack.decode(fields[b"v"], type=list[str]) for id, fields in rows if id not in names]
    return {visitor_id for ids in told for visitor_id in ids} if all(told) else None
