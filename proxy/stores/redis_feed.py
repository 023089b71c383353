"""The newest events of all visitors in Redis or Valkey, for those who follow them, and the attributes that were ever
brought. The server cuts the feed to length as it grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.model import Arrival
from proxy.stores.record import packed_arrival, unpacked_arrival
from proxy.stores.redis_streams import take_out

KEY = "tb:feed"
MOST = 100_000
NAMES_KEY = "tb:attribute-names"


def tell(told: Any, fresh: Sequence[Arrival]) -> None:
    """Adds these events, and the attributes they brought, to a pipeline."""
    for arrival in fresh:
        told.xadd(KEY, {"v": packed_arrival(arrival)}, maxlen=MOST, approximate=True)
    names = {name for arrival in fresh for name in arrival.traits}
    if names:
        told.sadd(NAMES_KEY, *sorted(names))


async def attribute_names(client: Any) -> frozenset[str]:
    """As `ProfileStore.attribute_names`."""
    return frozenset(name.decode() for name in await client.smembers(NAMES_KEY))


async def log(client: Any, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
    """As `EventStore.log`."""
    rows = await client.xrange(KEY, f"({after}" if after else "-", "+", limit)
    return [unpacked_arrival(fields[b"v"]) for _, fields in rows], rows[-1][0].decode() if rows else after


async def end(client: Any) -> str:
    """The place after the newest event."""
    newest = await client.xrevrange(KEY, count=1)
    return newest[0][0].decode() if newest else ""


async def forget_before(client: Any, moment: float) -> None:
    """Deletes what came before that moment: who follows has read it long since."""
    await take_out(client, KEY, lambda fields: unpacked_arrival(fields[b"v"]).received_at < moment)
