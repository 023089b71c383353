"""The events that were not taken, in Redis or Valkey: a stream, cut to length by the server as it grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.ports import Refused
from proxy.stores.record import packed_refused, unpacked_refused
from proxy.stores.redis_streams import take_out

KEY = "tb:refused"
MOST = 10_000


async def keep(client: Any, refused: Sequence[Refused]) -> None:
    """Adds refused events, and keeps the newest of all."""
    writes = client.pipeline(transaction=False)
    for one in refused:
        writes.xadd(KEY, {"v": packed_refused(one)}, maxlen=MOST, approximate=True)
    await writes.execute()


async def kept(client: Any) -> list[tuple[bytes, Refused]]:
    """The refused events with their places, oldest first."""
    return [(place, unpacked_refused(fields[b"v"])) for place, fields in await client.xrange(KEY)]


async def forget(client: Any, refused: Sequence[Refused]) -> None:
    """Deletes these."""
    gone = [place for place, one in await kept(client) if one in refused]
    if gone:
        await client.xdel(KEY, *gone)


async def forget_before(client: Any, moment: float) -> None:
    """Deletes those from before that moment."""
    await take_out(client, KEY, lambda fields: unpacked_refused(fields[b"v"]).received_at < moment)
