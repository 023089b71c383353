"""Clients for Redis or Valkey: one server, the master that Sentinels name, or a cluster, by the form of the address.

Timeouts are short, and reads are never retried: with the library's defaults a frozen server blocks a read for a minute.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from redis import Redis as SyncRedis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.retry import Retry as SyncRetry

from proxy.environment import mistaken
from proxy.errors import StoreError
from proxy.settings import Settings
from proxy.stores.address import ACK_SECONDS, Ack, Address, address_of
from proxy.stores.redis_cluster import AWAY, ClusterClient, Map
from proxy.stores.redis_sentinel import client_by_sentinel

LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS = 1.0, 0.01
"""Between two tries of a write, and not the same for all who try."""
PATIENT_SECONDS = 5.0
PROBES = 64
"""Keys that lie anywhere in a cluster."""
_SHUT = (AuthenticationError, NoPermissionError)
_AS_CLUSTER = "name it as redis+cluster://HOST:PORT,HOST:PORT; so named, the node is found in a moment"
_HELPS = {
    "MISCONF": "make room on its server's disk, or see that server's own log: nothing here has to be restarted",
    "NOREPLICAS": "start its replicas, or lower its `min-replicas-to-write`",
    "WAITAOF": "?ack=disk needs Redis 7.2 or Valkey with `appendonly yes`; else leave it out of the address",
    "max number of clients": "raise its `maxclients`, or lower TAILORBIRD_STORE_CONNECTIONS",
    "CERTIFICATE_VERIFY_FAILED": "name your own authority at the end of the address, ?ssl_ca_certs=/PATH.pem; and the "
    "host as its certificate does",
}
_AS_TUPLE = re.compile(r"""\((["'])(.*)\1,\)""", re.DOTALL)

_NO_MASTER = (
    "have the Sentinels run, and name the master as they do; at the end of the address, where they want a password, "
    "?sentinel_password=PASSWORD, and over TLS your own authority, ?ssl_ca_certs=/PATH.pem"
)


def reader(address: Address, settings: Settings) -> Any:
    """A client for reads that pages wait for. Its timeout is longer than a page's budget: a late answer is for the next
    page."""
    return _client(address, settings.store_timeout_ms / 1_000, Retry(NoBackoff(), 0), settings)


def writer(address: Address, settings: Settings) -> Any:
    """A client for writes that must not be lost."""
    seconds = ACK_SECONDS if address.ack.command else settings.store_write_timeout_ms / 1_000
    pauses = ExponentialWithJitterBackoff(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS)
    return _client(address, seconds, Retry(pauses, settings.store_retries), settings)


def client_of(url: str, **options: Any) -> Any:
    """The library's own client of a store, for commands that concern neither pages nor events."""
    address = address_of(url)
    if address.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        login = {"username": address.user, "password": address.password}
        return RedisCluster.from_url(address.url, startup_nodes=nodes, **login, **options)
    if address.kind == "sentinel":
        return client_by_sentinel(address, **options)
    return Redis.from_url(address.url, **options)


def must_be_whole(url: str) -> None:
    """Raises `OperatorError` when the address is that of one server, and that has only a part of the keys, as a node of
    a cluster. A server that does not answer within a moment is let be."""
    address = address_of(url)
    if address.kind:
        return
    retry = SyncRetry(NoBackoff(), 0)
    client = SyncRedis.from_url(address.url, socket_timeout=1, socket_connect_timeout=1, retry=retry)
    with closing(client), client.pipeline(transaction=False) as asks:
        for number in range(PROBES):
            asks.exists(f"tb:probe:{number}")
        try:
            answers = asks.execute(raise_on_error=False)
        except (*AWAY, ValueError):
            return
    if any(isinstance(answer, MovedError) for answer in answers):
        raise mistaken("store", "this server is one node of a cluster", help=_AS_CLUSTER)


def patient(url: str) -> Any:
    """A client with longer timeouts, for work that no page waits for."""
    return client_of(url, protocol=2, socket_timeout=PATIENT_SECONDS, socket_connect_timeout=PATIENT_SECONDS)


async def confirm(client: Any, keys: Sequence[str], ack: Ack) -> None:
    """Returns when what was written to the nodes of these keys is wherever it must be (`Ack`). A server confirms what
    came over the asking connection and everything before it, so a small write goes first. Raises `StoreError`."""
    if not ack.command or not keys:
        return
    places = await client.clients_of(keys) if isinstance(client, ClusterClient) else [(client, keys[0])]
    if not all(await asyncio.gather(*(_is_confirmed(node, key, ack) for node, key in places))):
        raise StoreError("the store has the events, but not yet where they are safe", help="send them again")


async def _is_confirmed(node: Any, key: str, ack: Ack) -> bool:
    """Whether the write is where it must be. With `if_any`, a server without replicas is not waited for: it says so
    itself, while one that is only cut off from them still counts them for a minute."""
    asked = ack.among(await _replicas_of(node)) if ack.replicas else ack
    if asked is None:
        raise StoreError("the store has the events, but no replica", help="start one, or write ?ack=replica-if-any")
    if not asked.command:
        return True
    asking = node.pipeline(transaction=False)
    asking.set(key, b"", px=1_000)
    asking.execute_command(*asked.command)
    return asked.is_given((await asking.execute())[-1])


async def _replicas_of(node: Any) -> int:
    kind, _, replicas, *_ = await node.role()
    return len(replicas) if kind == b"master" else 0


def _client(address: Address, seconds: float, retry: Retry, settings: Settings) -> Any:
    connect_seconds = settings.store_timeout_ms / 1_000
    options = {"protocol": 2, "socket_timeout": seconds, "socket_connect_timeout": connect_seconds, "retry": retry}
    by_url: Callable[..., Redis] = partial(_by_url, most=settings.store_connections, wait_seconds=connect_seconds)
    if address.kind == "cluster":
        parts = urlsplit(address.url)
        login = {"username": address.user, "password": address.password}

        def node(host: str, port: int) -> Redis:
            return by_url(parts._replace(netloc=f"{host}:{port}").geturl(), **login, **options)

        return ClusterClient(Map(address.hosts, node))
    if address.kind == "sentinel":
        return client_by_sentinel(address, **options)
    return by_url(address.url, **options)


def _by_url(url: str, *, most: int, wait_seconds: float, **options: Any) -> Redis:
    pool = BlockingConnectionPool.from_url(url, max_connections=most, timeout=wait_seconds, **options)
    return Redis.from_pool(pool)


@asynccontextmanager
async def mapping_errors() -> AsyncIterator[None]:
    """Maps the library's errors to ours."""
    try:
        yield
    except (*AWAY, ValueError) as error:  # ValueError: bytes that are no RESP
        raise store_error(error) from error


def store_error(error: Exception) -> StoreError:
    """Our error for one of the library's, with what to do where that is known."""
    if isinstance(error, _SHUT) or isinstance(error.__cause__, _SHUT):
        help = "name a user and a password in its address: redis://USER:PASSWORD@HOST:PORT/DB"
        return StoreError(f"the store does not let us in: {error}", help=help)
    if isinstance(error, OutOfMemoryError):
        help = "raise its `maxmemory` (`CONFIG SET`, without a restart); run `tailorbird expire` every night"
        return StoreError(f"the store is full: {_without_command(error)}", help=help)
    if isinstance(error, ReadOnlyError):
        help = "name the master in its address, or Sentinels that know it: redis+sentinel://HOST:PORT/MASTER/DB"
        return StoreError("the store is a replica, which takes no writes", help=help)
    if isinstance(error, MovedError):
        return StoreError("the store is a cluster, and another node of it has this", help=_AS_CLUSTER)
    if isinstance(error, (AskError, TryAgainError)):
        return StoreError("the cluster is moving these keys to another node, and took long", help="try again")
    if isinstance(error, MasterNotFoundError):  # the library's message prints its clients, a page long
        return StoreError("no Sentinel names a master that answers", help=_NO_MASTER)
    what = "the connection broke" if isinstance(error, RuntimeError) else _without_command(error)
    did = "refuses this" if isinstance(error, ResponseError) else "did not answer"
    return StoreError(f"the store {did}: {what}", help=next((_HELPS[w] for w in _HELPS if w in what), ""))


def _without_command(error: Exception) -> str:
    """The message of the error, without the command of the pipeline that the library adds: it holds visitors' data, and
    errors are logged."""
    what = str(error).rpartition(" of pipeline caused error: ")[2]
    return _AS_TUPLE.sub(r"\2", what) or type(error).__name__
