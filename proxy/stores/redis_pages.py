"""What pages leave in Redis or Valkey. Recorded views: one stream, cut to length by the server as it grows. And what
was told of products: a hash of what was told, and the products in the order of their last news; both change in one
step, so that whoever reads on from a number misses nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

from proxy.model import Sighting, View
from proxy.stores import sightings as sighted
from proxy.stores.redis_connecting import mapping_errors, patient
from proxy.stores.redis_streams import Fields, take_out
from proxy.stores.redis_tombstones import RedisTombstones
from proxy.stores.views import bucket_key_in_view, is_from_before, is_of_erased, names_in, small_enough, unpacked

KEY = "tb:views"
BATCH = 1_000
LINES, ORDER, NUMBER = "{tb:sightings}:lines", "{tb:sightings}:order", "{tb:sightings}:number"
PUT_AT_ONCE = 500

Entry = tuple[bytes, dict[bytes, bytes]]

# KEYS: lines, order, number. ARGV: how many products at most, then a product and its line, again and again.
PUT = """
for place = 2, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
    redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), ARGV[place])
end
local old = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[1])
while old > 0 do
    local some = redis.call('ZPOPMIN', KEYS[2], math.min(old, 1000))
    for place = 1, #some, 2 do redis.call('HDEL', KEYS[1], some[place]) end
    old = old - #some / 2
end
return 1
"""


class RedisViews:
    """A `ViewLog` on a server that speaks RESP, connected when it is first used. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._client = patient(url)
        self._tombstones = RedisTombstones(self._client)

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        async with mapping_errors():
            writes = self._client.pipeline(transaction=False)
            for view, line in small_enough(views):
                writes.xadd(KEY, {"visitor": view.visitor, "line": line})
            writes.xtrim(KEY, maxlen=most, approximate=False)
            await writes.execute()
            # Whoever erases leaves the tombstone first: either it is seen here, or they see these views.
            for visitor_id in await self._erased(views):
                await self._take_out(visitor_id)

    async def get_views(self, most: int) -> list[View]:
        views: list[View] = []
        async for _, fields in self._backwards(most):
            if view := unpacked(fields.get(b"line", b"")):
                views.append(view)
        return views[::-1]

    async def erase_views(self, visitor_id: str) -> int:
        async with mapping_errors():
            return await self._take_out(visitor_id)

    async def forget_views(self, before: float) -> int:
        async with mapping_errors():
            return await take_out(self._client, KEY, lambda one: is_from_before(unpacked(one[b"line"]), before))

    async def _take_out(self, visitor_id: str) -> int:
        id, drawn = visitor_id.encode(), bucket_key_in_view(visitor_id)

        def is_theirs(fields: Fields) -> bool:
            return fields[b"visitor"] == id or drawn in fields[b"line"]

        return await take_out(self._client, KEY, is_theirs, [id, drawn])

    async def _erased(self, views: Sequence[View]) -> set[str]:
        """Who is in views of before they were erased."""
        visitor_ids = sorted(names_in(views))
        erased_at = await self._tombstones.erased_at(visitor_ids) if visitor_ids else {}
        return names_in(view for view in views if is_of_erased(view, erased_at)) & erased_at.keys()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _backwards(self, most: int) -> AsyncIterator[Entry]:
        """The latest entries, the latest first."""
        before = "+"
        for left in range(most, 0, -BATCH):
            size = min(BATCH, left)
            async with mapping_errors():
                entries = cast("list[Entry]", await self._client.xrevrange(KEY, max=before, count=size))
            for entry in entries:
                yield entry
            if len(entries) < size:
                return
            before = f"({entries[-1][0].decode()}"


class RedisSightings:
    """`Sightings` on a server that speaks RESP, connected when it is first used. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._client = patient(url)

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        lines = list(sighted.packed(sightings).items())
        async with mapping_errors():
            for start in range(0, len(lines), PUT_AT_ONCE):
                words = [word for pair in lines[start : start + PUT_AT_ONCE] for word in pair]
                await self._client.eval(PUT, 3, LINES, ORDER, NUMBER, most, *words)

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        async with mapping_errors():
            found = await self._client.zrangebyscore(ORDER, f"({after}", "+inf", 0, most, withscores=True)
            if not found:
                return [], after
            lines = await self._client.hmget(LINES, [product for product, _ in found])
        return sighted.unpacked(lines), int(found[-1][1])

    async def aclose(self) -> None:
        await self._client.aclose()


open_views = RedisViews
open_sightings = RedisSightings
