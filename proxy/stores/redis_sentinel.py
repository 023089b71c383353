"""Clients of the master that Sentinels name, which go to another as soon as these name it.

The library asks them for each new connection only, and keeps those that it has. After a failover by hand (`SENTINEL
FAILOVER`), or when a master that hung goes on, the old one takes writes for another eight seconds or more, until it is
told to follow the new one and loses them. So Sentinels are asked again and again, and the connections to the old master
are given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from math import inf
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from proxy.ending import ended
from proxy.stores.address import Address
from proxy.stores.redis_cluster import AWAY

SENTINEL_SECONDS = 0.25
"""How long one Sentinel may take to name the master; then the next is asked."""
LOOK_SECONDS = 0.5
"""How often they are asked at most, while the client is used."""


class MasterPool(SentinelConnectionPool):
    """Connections to the master, whichever that is now. Sentinels are asked beside what waits for a connection: while
    they do not answer, the master that they named last is believed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]
        self._looked_at = -inf
        self._looking: asyncio.Task[None] | None = None

    async def ensure_connection(self, connection: Any) -> None:
        if self.master_address is not None:  # else the new connection asks
            self._look_again()
            if self.master_address != (connection.host, connection.port):
                await connection.disconnect()
        await super().ensure_connection(connection)

    async def aclose(self) -> None:
        await ended(*filter(None, (self._looking,)))
        await super().aclose()

    def _look_again(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS and (self._looking is None or self._looking.done()):
            self._looked_at = now
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        with contextlib.suppress(*AWAY):
            self.master_address = await self.sentinel_manager.discover_master(self.service_name)


def client_by_sentinel(address: Address, **options: Any) -> Any:
    """The master by what Sentinels say. With `rediss` both are spoken to over TLS, by the address's parameters."""
    said = BlockingConnectionPool.from_url(address.url).connection_kwargs
    tls: dict[str, Any] = {name: value for name, value in said.items() if name.startswith("ssl_")}
    if address.url.startswith("rediss:"):
        tls["ssl"] = True
    once = Retry(NoBackoff(), 0)
    timeouts = {"socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
    asking = {"retry": once, **timeouts, **tls, **address.asking}
    sentinel: Any = Sentinel(list(address.hosts), sentinel_kwargs=asking, **options, **tls)  # type: ignore[no-untyped-call]
    login = {"username": address.user, "password": address.password, "db": address.database}
    return sentinel.master_for(address.master, connection_pool_class=MasterPool, **login)
