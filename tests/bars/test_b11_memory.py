"""Many more addresses than the cache holds, each asked for once, beside a few that are asked for again and again; then
half an hour more of the same. The process stays within the cache's limit and a quarter, the few stay stored, and once
warm it grows no more."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.daemon import Daemon, open_files, resident_bytes
from tests.wire.origin import Origin, ok
from tests.wire.served import hear, request
from tests.wire.site import answering

FULL = bool(os.environ.get("BAR_FULL"))
ADDRESSES = 1_000_000 if FULL else 10_000
CACHE_BYTES = (64 if FULL else 4) * 1024 * 1024
MOST_GROWTH = 1.25 * CACHE_BYTES + (0 if FULL else 14 << 20)
"""Beside a cache this small weighs what a worker comes to hold anyway: buffers of its threads, header sets of
clients."""
MOST_MORE_FILES = 10
SOAK_SECONDS = 1_800.0 if FULL else 2.0
WARM_UP_SECONDS = SOAK_SECONDS / 3
SAMPLE_SECONDS = SOAK_SECONDS / 360
LOAD = 0.6
"""Of what it can do; or `BAR_RATE` requests a second, on a machine that has other things to do."""
HOT = [b"/hot-%d" % number for number in range(50)]
CONNECTIONS = 8
BODY = b"<p>one of very many pages</p>" * 8
SHARED = (b"Content-Type: text/html", b"Cache-Control: max-age=86400")


class Visitors:
    """Keep-alive connections that ask for one address after the other. `hits` counts hot addresses found stored."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked = 0
        self.hits = 0
        self.hot = 0

    async def ask(self, numbers: Iterator[int], *, rate: float = 0.0) -> None:
        """Asks for the addresses of these numbers, and for a hot one after every tenth; `rate` requests a second, 0 for
        as fast as they are answered."""
        begun, first = time.monotonic(), self.asked

        async def walk() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            for number in numbers:
                await self._get(reader, writer, b"/page-%d" % number)
                if number % 10 == 0:
                    said = await self._get(reader, writer, HOT[number // 10 % len(HOT)])
                    self.hot += 1
                    self.hits += b"; hit" in said
                if rate:
                    await asyncio.sleep(begun + (self.asked - first) / rate - time.monotonic())
            writer.close()

        await asyncio.gather(*(walk() for _ in range(CONNECTIONS)))

    async def _get(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes) -> bytes:
        writer.write(request(b"GET", path))
        answer = await hear(reader)
        assert answer.status == 200
        self.asked += 1
        return answer.headers[b"cache-status"]


def until(ends: float, numbers: Iterator[int]) -> Iterator[int]:
    """The numbers, as long as there is time."""
    return itertools.takewhile(lambda _: time.monotonic() < ends, numbers)


async def capacity(visitors: Visitors, numbers: Iterator[int]) -> float:
    """Requests a second, as fast as they are answered."""
    begun, first = time.monotonic(), visitors.asked
    await visitors.ask(until(begun + (5.0 if FULL else 0.5), numbers))
    return (visitors.asked - first) / (time.monotonic() - begun)


async def samples(process: int, seconds: float) -> list[tuple[float, int]]:
    """Memory, again and again, with when that was."""
    begun, taken = time.monotonic(), []
    while (now := time.monotonic()) < begun + seconds:
        taken.append((now - begun, resident_bytes(process)))
        await asyncio.sleep(SAMPLE_SECONDS)
    return taken


async def open_files_more_than(files: int, process: int) -> int:
    """How many more are open, once connections that were closed a moment ago are closed at the other end too."""
    more = open_files(process) - files
    for _ in range(100):
        if more < MOST_MORE_FILES:
            break
        await asyncio.sleep(0.1)
        more = open_files(process) - files
    return more


def slope(points: list[tuple[float, int]]) -> float:
    """Bytes a second, of the line that fits best."""
    middle = sum(at for at, _ in points) / len(points)
    mean = sum(size for _, size in points) / len(points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    return sum((at - middle) * (size - mean) for at, size in points) / spread


@pytest.mark.bar("B11")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
async def test_a_scan_of_many_addresses_stays_within_the_limit_and_leaves_the_hot_ones(tmp_path: Path) -> None:
    origin = Origin(answering(lambda seen: ok(BODY + seen.target, *SHARED)))
    origin.requests = deque(maxlen=10)  # type: ignore[assignment]  # a list of a million would be larger than the cache
    async with origin, Daemon(origin.url, tmp_path, has_admin=False, cache_bytes=CACHE_BYTES) as daemon:
        process, visitors, numbers = daemon.process.pid, Visitors(daemon.port), itertools.count(1)
        await visitors.ask(itertools.islice(numbers, 100))
        before, files = resident_bytes(process), open_files(process)
        visitors.hits = visitors.hot = 0
        await visitors.ask(itertools.islice(numbers, ADDRESSES))
        grown, share = resident_bytes(process) - before, visitors.hits / visitors.hot
        cache = f"{ADDRESSES} addresses, cache of {CACHE_BYTES >> 20} MB"
        print(f"\nB11: {cache}: {grown / 2**20:+.1f} MB; of those asked for again {share:.1%} stored", flush=True)
        assert grown < MOST_GROWTH
        assert share > 0.9

        rate = float(os.environ.get("BAR_RATE", 0)) or LOAD * await capacity(visitors, numbers)
        visitors.hits = visitors.hot = 0
        watching = asyncio.create_task(samples(process, SOAK_SECONDS))
        await visitors.ask(until(time.monotonic() + SOAK_SECONDS, numbers), rate=rate)
        taken = await watching
        more = await open_files_more_than(files, process)

    warm = [(at, size) for at, size in taken if at >= WARM_UP_SECONDS]
    most, growth, share = max(size for _, size in taken) - before, slope(warm), visitors.hits / visitors.hot
    print(
        f"B11: then {SOAK_SECONDS:.0f} s at {rate:.0f} a second: at most {most / 2**20:+.1f} MB; after "
        f"{WARM_UP_SECONDS:.0f} s {growth * 3_600 / 2**20:+.2f} MB an hour; {more:+d} files; {share:.1%} stored"
    )
    assert most < MOST_GROWTH
    assert share > 0.9
    assert more < MOST_MORE_FILES
    if FULL:
        assert growth * 3_600 < 1 << 20
