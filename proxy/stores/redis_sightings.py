"""What pages told of products, in Redis or Valkey: a hash of what was told, and the products in the order of their last
news. Both change in one step, so that whoever reads on from a number misses nothing."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.model import Sighting
from proxy.stores.redis_connecting import mapping_errors, patient
from proxy.stores.sightings import packed, unpacked

LINES, ORDER, NUMBER = "{tb:sightings}:lines", "{tb:sightings}:order", "{tb:sightings}:number"
BATCH = 500

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


class RedisSightings:
    """`Sightings` on a server that speaks RESP, connected when it is first used. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._client = patient(url)

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        lines = list(packed(sightings).items())
        async with mapping_errors():
            for start in range(0, len(lines), BATCH):
                words = [word for pair in lines[start : start + BATCH] for word in pair]
                await self._client.eval(PUT, 3, LINES, ORDER, NUMBER, most, *words)

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        async with mapping_errors():
            found = await self._client.zrangebyscore(ORDER, f"({after}", "+inf", 0, most, withscores=True)
            if not found:
                return [], after
            lines = await self._client.hmget(LINES, [product for product, _ in found])
        return unpacked(lines), int(found[-1][1])

    async def aclose(self) -> None:
        await self._client.aclose()


connect = RedisSightings
