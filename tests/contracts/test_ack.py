"""What must have an event before it is acknowledged, on real servers: a master and its replica."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from redis.asyncio import Redis

from proxy.errors import StoreError
from proxy.model import Arrival, Event
from proxy.stores import open_store
from tests.wire.valkeys import kill, valkey

NOON = 1_795_435_200.0


def seen(number: int) -> Arrival:
    return Arrival("anna", Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


async def has_replicas(client: Redis, count: int) -> None:
    async with asyncio.timeout(20):
        while len(found := (await client.role())[2]) != count or not all(int(offset) for _, _, offset in found):
            await asyncio.sleep(0.02)


async def waits(client: Redis) -> int:
    """How often the server was asked to wait for its replicas."""
    return int((await client.info("commandstats"))["cmdstat_wait"]["calls"])


async def test_a_master_without_replicas_takes_events_only_where_the_address_says_so(tmp_path: Path) -> None:
    async with valkey(tmp_path / "master", repl_diskless_sync_delay=0) as master:
        url = f"redis://127.0.0.1:{master.port}?ack="
        strict, lenient = open_store(f"{url}replica"), open_store(f"{url}replica-if-any")
        async with (
            Redis(host="127.0.0.1", port=master.port) as client,
            valkey(tmp_path / "replica", replicaof=f"127.0.0.1 {master.port}") as replica,
            Redis(host="127.0.0.1", port=replica.port) as beside,
        ):
            await has_replicas(client, 1)
            for number, store in enumerate((strict, lenient)):
                assert len((await store.apply([seen(number)])).new) == 1
                assert await beside.hexists("tb:{anna}:log", f"web:{number}")
            kill(replica)
            await has_replicas(client, 0)
            before = await waits(client)
            with pytest.raises(StoreError, match="no replica"):
                await strict.apply([seen(3)])
            assert await waits(client) == before, "nobody is waited for who is not there"
            await lenient.apply([seen(3)])
        for store in (strict, lenient):
            await store.aclose()


async def test_a_server_without_an_append_only_file_is_said_to_need_one(tmp_path: Path) -> None:
    async with valkey(tmp_path) as server, aclosing(open_store(f"redis://127.0.0.1:{server.port}/0?ack=disk")) as store:
        with pytest.raises(StoreError, match="appendonly yes"):
            await store.apply([Arrival("anna", Event(1.0, "web:1", "page viewed", "/"), "web", 2.0)])
