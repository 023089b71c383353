"""A store whose master real Sentinels name, and whose replica takes its place."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from redis.asyncio import Redis

from proxy.errors import StoreError
from proxy.model import Arrival, Event
from proxy.ports import Store
from proxy.stores import open_store
from tests.contracts.test_ack import has_replicas
from tests.wire.valkeys import kill, sentinel, valkey

NOON = 1_795_435_200.0
SENTINELS = 3


def seen(number: int) -> Arrival:
    return Arrival("anna", Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


async def know_each_other(ports: list[int]) -> None:
    """Until every Sentinel knows the replica and the other Sentinels."""
    for port in ports:
        async with Redis(host="127.0.0.1", port=port) as client, asyncio.timeout(30):
            while True:
                shop = (await client.sentinel_masters())["shop"]
                if (shop["num-slaves"], shop["num-other-sentinels"]) == (1, SENTINELS - 1):
                    break
                await asyncio.sleep(0.05)


async def taken(store: Store, number: int) -> int:
    """Sends an event again until it is acknowledged; how often it was refused."""
    refused = 0
    async with asyncio.timeout(30):
        while True:
            try:
                await store.apply([seen(number)])
                return refused
            except StoreError:
                refused += 1
                await asyncio.sleep(0.05)


async def test_when_the_replica_takes_the_masters_place_the_store_goes_on(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        master = await stack.enter_async_context(valkey(tmp_path / "master", repl_diskless_sync_delay=0))
        replicaof = f"127.0.0.1 {master.port}"
        await stack.enter_async_context(valkey(tmp_path / "replica", replicaof=replicaof))
        async with Redis(host="127.0.0.1", port=master.port) as client:
            await has_replicas(client, 1)
        watching = (sentinel(tmp_path / f"sentinel{number}", "shop", master.port) for number in range(SENTINELS))
        ports = [await stack.enter_async_context(one) for one in watching]
        await know_each_other(ports)
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        store = open_store(f"redis+sentinel://{hosts}/shop/0?ack=replica-if-any")
        stack.push_async_callback(store.aclose)
        assert await taken(store, 1) == 0
        kill(master)
        assert await taken(store, 2) > 0, "meanwhile events are refused, not lost"
        assert {arrival.event.id for arrival in await store.log_of("anna")} == {"web:1", "web:2"}
        profile = await store.get_profile("anna")
        assert profile is not None
        assert len(profile.history) == 2
