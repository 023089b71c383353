"""Profiles in Redis or Valkey: one store for many machines.

Everything of one visitor lies under one hash tag, `tb:{visitor}:...`, so that a cluster keeps it together and one
script can change it at once. Timeouts are short, and reads are never retried: with the library's own defaults a frozen
server holds a read for a minute. Reads go in batches, fewer than there are connections, so that none waits for one. A
batch that breaks off closes its connection, and the value names its visitor, so that a late answer is never taken for
another's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError

from proxy.errors import DamagedValueError, OperatorError, StoreError
from proxy.model import Profile
from proxy.stores.batches import Batches
from proxy.stores.record import MAX_BYTES, is_news, packed

# No page waits that long: it goes on after its budget, and the late answer is for the next one.
TIMEOUT_SECONDS = 0.25
CONNECTIONS = 32
READS_AT_ONCE = 8
BATCH = 500
NAMES_KEY = "tb:attribute-names"


def connect(url: str) -> RedisStore:
    """The store at redis://, rediss:// or unix://. Nothing is connected until it is used. Raises `OperatorError`."""
    try:
        return RedisStore(url)
    except ValueError as error:
        raise OperatorError(f"`{url}` is no address of a store: {error}", help="write redis://HOST:PORT/DB") from error


def profile_key(visitor_id: str) -> str:
    """Where a visitor's profile lies."""
    return "tb:{" + visitor_id + "}:profile"


class RedisStore:
    """A `ProfileStore` on a server that speaks RESP."""

    def __init__(self, url: str) -> None:
        self._reader = _client(url, Retry(NoBackoff(), 0))
        self._writer = _client(url, Retry(ExponentialWithJitterBackoff(1.0, 0.01), 3))
        self._batches = Batches(self._read_many, at_once=READS_AT_ONCE)

    async def get_profile(self, visitor_id: str) -> Profile | None:
        return await self._batches.get(visitor_id)

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        latest = list({profile.visitor_id: profile for profile in profiles}.values())
        async with answers_as_ours():
            return sum([await self._put(latest[at : at + BATCH]) for at in range(0, len(latest), BATCH)])

    async def attribute_names(self) -> frozenset[str]:
        async with answers_as_ours():
            names = cast("set[bytes]", await self._writer.smembers(NAMES_KEY))
        return frozenset(name.decode() for name in names)

    async def is_ready(self) -> bool:
        try:
            async with answers_as_ours():
                return bool(await self._reader.ping())
        except StoreError:
            return False

    async def aclose(self) -> None:
        await self._reader.aclose()
        await self._writer.aclose()

    async def _read_many(self, visitor_ids: Sequence[str]) -> list[bytes | StoreError]:
        async with answers_as_ours():
            return [_value(answer) for answer in await _stored(self._reader, visitor_ids)]

    async def _put(self, profiles: Sequence[Profile]) -> int:
        stored = await _stored(self._writer, [profile.visitor_id for profile in profiles])
        news = [
            profile
            for profile, value in zip(profiles, stored, strict=True)
            if is_news(profile, value if isinstance(value, bytes) else b"")
        ]
        writes = self._writer.pipeline(transaction=False)
        for profile in news:
            writes.set(profile_key(profile.visitor_id), packed(profile))
        names = {name for profile in news for name in profile.attributes}
        if names:
            writes.sadd(NAMES_KEY, *sorted(names))
        await writes.execute()
        return len(news)


def _client(url: str, retry: Retry) -> Redis:
    pool = BlockingConnectionPool.from_url(
        url,
        protocol=2,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=retry,
    )
    return Redis.from_pool(pool)


async def _stored(client: Redis, visitor_ids: Sequence[str]) -> list[bytes | RedisError]:
    """At most one byte more than a profile may have, whatever lies there; empty when nothing does."""
    reads = client.pipeline(transaction=False)
    for visitor_id in visitor_ids:
        reads.getrange(profile_key(visitor_id), 0, MAX_BYTES)
    return await reads.execute(raise_on_error=False)


def _value(answer: bytes | RedisError) -> bytes | StoreError:
    if isinstance(answer, bytes):
        return answer
    if str(answer).startswith("WRONGTYPE"):
        return DamagedValueError("a stored profile is not a text", help="import it again")
    return StoreError(f"the store did not answer: {answer}")


@asynccontextmanager
async def answers_as_ours() -> AsyncIterator[None]:
    """Whatever the server's library raises within is a `StoreError`."""
    try:
        yield
    except (RedisError, OSError, ValueError) as error:  # ValueError: bytes that are no RESP
        raise StoreError(f"the store did not answer: {error}") from error
