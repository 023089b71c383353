"""How a Redis or Valkey server is reached. Timeouts are short, and reads are never retried: with the library's own
defaults a frozen server holds a read for a minute."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError

from proxy.errors import StoreError

# No page waits that long: it goes on after its budget, and the late answer is for the next one.
TIMEOUT_SECONDS = 0.25
CONNECTIONS = 32


def reader(url: str) -> Redis:
    """A client for what pages wait for."""
    return _client(url, Retry(NoBackoff(), 0))


def writer(url: str) -> Redis:
    """A client for what must not be lost."""
    return _client(url, Retry(ExponentialWithJitterBackoff(1.0, 0.01), 3))


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


@asynccontextmanager
async def answers_as_ours() -> AsyncIterator[None]:
    """The library's errors as ours."""
    try:
        yield
    except (RedisError, OSError, ValueError) as error:  # ValueError: bytes that are no RESP
        raise StoreError(f"the store did not answer: {error}") from error
