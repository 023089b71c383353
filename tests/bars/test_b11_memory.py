"""Many more addresses than the cache holds, each asked for once, beside a few that are asked for again and again: the
process stays within the cache's limit and a quarter, and the few stay stored."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.wire.origin import Origin, ok
from tests.wire.served import hear, request
from tests.wire.site import answering

FULL = bool(os.environ.get("BAR_FULL"))
ADDRESSES = 1_000_000 if FULL else 20_000
CACHE_BYTES = (64 if FULL else 8) * 1024 * 1024
HOT = [b"/hot-%d" % number for number in range(50)]
CONNECTIONS = 8
BODY = b"<p>one of very many pages</p>" * 8
SHARED = (b"Content-Type: text/html", b"Cache-Control: max-age=86400")


def resident_bytes(pid: int) -> int:
    """Memory the process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


@asynccontextmanager
async def serving(origin: str, folder: Path) -> AsyncIterator[tuple[int, int]]:
    """Tailorbird in a process of its own: that process and its port."""
    where = ("--rules", str(folder), "--store", f"sqlite:{folder / 'store.db'}", "--port", "0", "--admin-port", "0")
    settings = {"TAILORBIRD_SECRET": "a-secret-for-tests-long-enough", "TAILORBIRD_CACHE_BYTES": str(CACHE_BYTES)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "serve", "--origin", origin, *where),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **settings},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            printed = (await process.stdout.readline()).decode()
        yield process.pid, int(printed.rstrip("/\n").rpartition(":")[2])
    finally:
        process.terminate()
        await process.wait()


class Visitors:
    """Keep-alive connections that ask for one address after the other. `hits` counts hot addresses found stored."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.hits = 0
        self.hot = 0

    async def ask(self, first: int, last: int) -> None:
        """Asks for the addresses of these numbers, and for a hot one after every tenth."""
        share = range(CONNECTIONS)
        await asyncio.gather(*(self._ask(range(first + number, last, CONNECTIONS)) for number in share))

    async def _ask(self, numbers: range) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number in numbers:
            await self._get(reader, writer, b"/page-%d" % number)
            if number % 10 == 0:
                said = await self._get(reader, writer, HOT[number // 10 % len(HOT)])
                self.hot += 1
                self.hits += b"; hit" in said
        writer.close()

    async def _get(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes) -> bytes:
        writer.write(request(b"GET", path))
        answer = await hear(reader)
        assert answer.status == 200
        return answer.headers[b"cache-status"]


@pytest.mark.bar("B11")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
async def test_a_scan_of_many_addresses_stays_within_the_limit_and_leaves_the_hot_ones(tmp_path: Path) -> None:
    async with (
        Origin(answering(lambda seen: ok(BODY + seen.target, *SHARED))) as origin,
        serving(origin.url, tmp_path) as (process, port),
    ):
        visitors = Visitors(port)
        await visitors.ask(0, 100)
        before = resident_bytes(process)
        await visitors.ask(100, ADDRESSES)
        grown = resident_bytes(process) - before
    share = visitors.hits / visitors.hot
    cache = f"{ADDRESSES} addresses, cache of {CACHE_BYTES >> 20} MB"
    print(f"\nB11: {cache}: {grown / 2**20:+.1f} MB; of those asked for again {share:.1%} stored")
    assert grown < 1.25 * CACHE_BYTES
    assert share > 0.9
