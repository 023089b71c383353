"""What goes out to webhooks, in Redis or Valkey. All lies under one hash tag, so that a cluster keeps it together and
each change is one script:

    {tb:outbox}:standings       what webhooks were told, by visitor
    {tb:outbox}:due             the visitors who are to be looked at, by when
    {tb:outbox}:deliveries      what is to be told, by its id
    {tb:outbox}:order:WEBHOOK   the ids that wait for a webhook, in order
    {tb:outbox}:given-up        those that were given up, in order
    {tb:outbox}:state           how far the log was followed, and the last number that was given
    {tb:outbox}:webhooks        every webhook that anything ever waited for
    {tb:outbox}:failures        when and why each webhook last did not take a message
    {tb:outbox}:lead            the process that works on all that
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from math import inf
from typing import Any

from proxy.model import Delivery, LogProgress, Standing
from proxy.ports import Failure, Waiting
from proxy.stores.outboxes import (
    MOST_GIVEN_UP,
    delivery_in,
    failure_in,
    is_of_erased,
    not_leading,
    packed,
    progress_in,
    says_something,
    standing_in,
    waiting_again,
    waiting_for,
)
from proxy.stores.redis_connecting import mapping_errors, patient
from proxy.stores.redis_tombstones import RedisTombstones

STANDINGS, DUE, DELIVERIES = "{tb:outbox}:standings", "{tb:outbox}:due", "{tb:outbox}:deliveries"
ORDER, GIVEN_UP, STATE = "{tb:outbox}:order:", "{tb:outbox}:given-up", "{tb:outbox}:state"
WEBHOOKS, LEADER, FAILURES = "{tb:outbox}:webhooks", "{tb:outbox}:lead", "{tb:outbox}:failures"
AT_ONCE = 500

LEAD = """
-- KEYS: the lead. ARGV: who asks, for how many milliseconds.
if (redis.call('GET', KEYS[1]) or ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
PUT = """
-- KEYS: standings, due, deliveries, state, webhooks, the lead, the orders' prefix. ARGV: who leads, how far the log was
-- followed or '', how many standings, each as visitor, value or '', moment or '', and deliveries as id, webhook, value.
if redis.call('GET', KEYS[6]) ~= ARGV[1] then return 0 end
for i = 4, 3 + 3 * ARGV[3], 3 do
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
    if ARGV[i + 1] ~= '' then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
    if ARGV[i + 2] ~= '' then redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i]) end
end
for i = 4 + 3 * ARGV[3], #ARGV, 3 do
    if redis.call('HSETNX', KEYS[3], ARGV[i], ARGV[i + 2]) == 1 then
        redis.call('ZADD', KEYS[7] .. ARGV[i + 1], redis.call('HINCRBY', KEYS[4], 'number', 1), ARGV[i])
        redis.call('SADD', KEYS[5], ARGV[i + 1])
    end
end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[4], 'followed', ARGV[2]) end
return 1
"""
MOVE = """
-- KEYS: deliveries, from, to, state. ARGV: how many may be there, id and value of each. Not what was erased meanwhile.
for i = 2, #ARGV, 2 do
    if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then
        redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
        redis.call('ZREM', KEYS[2], ARGV[i])
        redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[4], 'number', 1), ARGV[i])
    end
end
local over = redis.call('ZCARD', KEYS[3]) - ARGV[1]
if over > 0 then
    for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, over - 1)) do redis.call('HDEL', KEYS[1], id) end
    redis.call('ZREMRANGEBYRANK', KEYS[3], 0, over - 1)
end
return 1
"""


class RedisOutbox:
    """An `Outbox` on a server that speaks RESP, connected when it is first used. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._client = patient(url)
        self._tombstones = RedisTombstones(self._client)

    async def lead(self, name: str, now: float, seconds: float) -> bool:
        async with mapping_errors():  # by the server's clock
            return bool(await self._client.eval(LEAD, 1, LEADER, name, max(1, round(seconds * 1_000))))

    async def progress(self) -> LogProgress:
        async with mapping_errors():
            return progress_in(await self._client.hget(STATE, "followed"))

    async def standings(self, visitor_ids: Sequence[str]) -> dict[str, Standing]:
        if not visitor_ids:
            return {}
        async with mapping_errors():
            values = await self._client.hmget(STANDINGS, list(visitor_ids))
        return {standing.visitor_id: standing for standing in map(standing_in, filter(None, values))}

    async def due(self, now: float, most: int) -> list[str]:
        async with mapping_errors():
            found = await self._client.zrangebyscore(DUE, "-inf", now, start=0, num=most)
        return [visitor_id.decode() for visitor_id in found]

    async def visitors(self) -> AsyncIterator[str]:
        async with mapping_errors():
            async for visitor_id, _ in self._client.hscan_iter(STANDINGS, count=AT_ONCE):
                yield visitor_id.decode()

    async def put(
        self,
        name: str,
        standings: Sequence[Standing],
        deliveries: Sequence[Delivery],
        progress: LogProgress | None,
        now: float,
    ) -> None:
        said: list[Any] = [name, packed(progress) if progress else b"", len(standings)]
        for one in standings:
            due_at = repr(one.due_at) if one.due_at < inf else ""
            said += [one.visitor_id, packed(one) if says_something(one) else b"", due_at]
        for delivery in deliveries:
            said += [delivery.id, delivery.webhook, packed(delivery)]
        keys = STANDINGS, DUE, DELIVERIES, STATE, WEBHOOKS, LEADER, ORDER
        async with mapping_errors():
            if not await self._client.eval(PUT, len(keys), *keys, *said):
                raise not_leading()
        # Whoever erases leaves the tombstone first: either it is seen here, or they see what was put.
        visitor_ids = sorted({one.visitor_id for one in standings} | {one.visitor_id for one in deliveries})
        async with mapping_errors():
            erased_at = await self._tombstones.erased_at(visitor_ids) if visitor_ids else {}
        gone = [visitor_id for visitor_id in visitor_ids if is_of_erased(visitor_id, erased_at, now)]
        if gone:
            await self.erase(gone)

    async def oldest(self, webhook: str, most: int) -> list[Delivery]:
        async with mapping_errors():
            return await self._in_order(ORDER + webhook, most)

    async def waiting(self, webhook: str) -> int:
        async with mapping_errors():
            return int(await self._client.zcard(ORDER + webhook))

    async def done(self, deliveries: Sequence[Delivery]) -> None:
        async with mapping_errors():
            await self._take_out(deliveries)

    async def give_up(self, delivery: Delivery) -> None:
        keys = DELIVERIES, ORDER + delivery.webhook, GIVEN_UP, STATE
        async with mapping_errors():
            await self._client.eval(MOVE, len(keys), *keys, MOST_GIVEN_UP, delivery.id, packed(delivery))

    async def given_up(self) -> list[Delivery]:
        async with mapping_errors():
            return await self._in_order(GIVEN_UP, MOST_GIVEN_UP)

    async def requeue(self, deliveries: Sequence[Delivery], now: float) -> None:
        async with mapping_errors():
            for one in deliveries:
                keys = DELIVERIES, GIVEN_UP, ORDER + one.webhook, STATE
                await self._client.eval(MOVE, len(keys), *keys, "inf", one.id, packed(waiting_again(one, now)))

    async def note_failure(self, webhook: str, failure: Failure) -> None:
        async with mapping_errors():
            await self._client.hset(FAILURES, webhook, packed(failure))

    async def counts(self) -> Mapping[str, Waiting]:
        given_up = Counter(delivery.webhook for delivery in await self.given_up())
        found = {}
        async with mapping_errors():
            for webhook in sorted(name.decode() for name in await self._client.smembers(WEBHOOKS)):
                first = await self._in_order(ORDER + webhook, 1)
                many = await self._client.zcard(ORDER + webhook)
                failure = failure_in(await self._client.hget(FAILURES, webhook))
                since = first[0].queued_at if first else 0.0
                found[webhook] = waiting_for(many, since, given_up[webhook], failure)
        return {webhook: counted for webhook, counted in found.items() if counted != Waiting()}

    async def stored_of(self, visitor_ids: Collection[str]) -> tuple[list[Standing], list[Delivery]]:
        standings = await self.standings(list(visitor_ids))
        async with mapping_errors():
            return list(standings.values()), await self._deliveries_of(visitor_ids)

    async def erase(self, visitor_ids: Collection[str]) -> int:
        if not visitor_ids:
            return 0
        async with mapping_errors():
            deliveries = await self._deliveries_of(visitor_ids)
            await self._take_out(deliveries)
            await self._client.zrem(DUE, *visitor_ids)
            return len(deliveries) + int(await self._client.hdel(STANDINGS, *visitor_ids))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _in_order(self, key: str, most: int) -> list[Delivery]:
        ids = await self._client.zrange(key, 0, most - 1)
        values = await self._client.hmget(DELIVERIES, ids) if ids else []
        return [delivery_in(value) for value in values if value]

    async def _deliveries_of(self, visitor_ids: Collection[str]) -> list[Delivery]:
        found = [delivery_in(value) async for _, value in self._client.hscan_iter(DELIVERIES, count=AT_ONCE)]
        return [delivery for delivery in found if delivery.visitor_id in visitor_ids]

    async def _take_out(self, deliveries: Sequence[Delivery]) -> None:
        for webhook in {delivery.webhook for delivery in deliveries}:
            ids = [delivery.id for delivery in deliveries if delivery.webhook == webhook]
            await self._client.zrem(ORDER + webhook, *ids)
            await self._client.zrem(GIVEN_UP, *ids)
            await self._client.hdel(DELIVERIES, *ids)


connect = RedisOutbox
