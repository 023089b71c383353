"""A stream in Redis or Valkey that says whose profiles were changed, for workers that remember profiles. Each batch of
changes is announced before, and confirmed after it.

It is told twice, because a visitor's keys may be on another node and cannot be changed in one step with the stream. If
a writer dies in between, the announcement is enough: the change may have happened at any time since, so readers read
those visitors once more when it is certain to be over. An entry without names means any visitor (no name of an erased
visitor may remain). A place that is no longer in the stream (it was cut to length, or another server became master
without it) means any visitor, too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from proxy.errors import UNDECODABLE
from proxy.ports import Changed, StartedChanges
from proxy.stores.redis_streams import Fields, trim_before
from proxy.stores.redis_tombstones import BROUGHT_KEYS

KEY = "{" + BROUGHT_KEYS + "}:changes"
"""On a cluster where a key lies without which no event is taken anyway."""
MOST = 10_000
BEGINNING = "0-0"
SEEN_MS = 60_000
"""Who has not looked for so long had better remember nobody."""


def begin(client: Any, visitor_ids: Collection[str]) -> Any:
    """Announces that these visitors are about to be changed; to be awaited, or part of a pipeline. The answer is the
    entry's name."""
    return _tell(client, visitor_ids, b"")


def tell(client: Any, visitor_ids: Collection[str] = (), begun: str = "") -> Any:
    """Says that these visitors are changed (None: anybody). `begun` is the name of the announcement."""
    return _tell(client, visitor_ids, begun.encode() or b"-")


def _tell(client: Any, visitor_ids: Collection[str], begun: bytes) -> Any:
    fields = {"v": msgspec.msgpack.encode(list(visitor_ids)), "b": begun}
    return client.xadd(KEY, fields, maxlen=MOST, approximate=True)


def names_in(fields: Fields) -> list[str]:
    """The visitors that an entry names. Raises what msgspec raises for one that cannot be read."""
    return msgspec.msgpack.decode(fields.get(b"v", b""), type=list[str])


def _told_in(fields: Fields) -> list[str]:
    """The same; none, which means any visitor, for one that cannot be read: readers would stand before it for ever."""
    try:
        return names_in(fields)
    except UNDECODABLE:
        return []


async def newest(client: Any) -> str:
    """As `ProfileStore.newest_change`."""
    rows = await client.xrevrange(KEY, count=1)
    return rows[0][0].decode() if rows else BEGINNING


async def changed(client: Any, after: str, until: str, known: Collection[str]) -> Changed | None:
    """As `ProfileStore.changed`."""
    rows = await client.xrange(KEY, after, until, MOST)
    if len(rows) == MOST or (after != BEGINNING and [id for id, _ in rows[:1]] != [after.encode()]):
        return None
    names = {name.encode() for name in (*known, after)}
    told = {id: _told_in(fields) for id, fields in rows if id not in names}
    if not all(told.values()):
        return None
    is_over = {fields.get(b"b", b"-") for _, fields in rows} | {id for id, fields in rows if fields.get(b"b", b"-")}
    started = {visitor_id for id, ids in told.items() if id not in is_over for visitor_id in ids}
    return Changed({visitor_id for ids in told.values() for visitor_id in ids}, started)


async def started_changes(client: Any, after: str) -> StartedChanges:
    """As `EventStore.started_changes`."""
    rows = await client.xrange(KEY, f"({after}" if after else "-", "+", MOST)
    told = [(id.decode(), fields, fields.get(b"b", b"-").decode()) for id, fields in rows]
    ids = {id: _told_in(fields) for id, fields, before in told if not before}
    over = {before for _, _, before in told if before}
    return StartedChanges({id: own for id, own in ids.items() if id not in over}, over, told[-1][0] if told else after)


async def forget_before(client: Any, moment: float) -> None:
    """Deletes entries from before that moment, which all readers have seen; keeps the newest, which is the place of
    some reader."""
    await trim_before(client, KEY, moment)
    seen = int((await newest(client)).partition("-")[0]) - SEEN_MS
    for id, _ in await client.xrevrange(KEY, max=max(seen, 0), count=1):
        await client.xtrim(KEY, minid=id, approximate=False)
