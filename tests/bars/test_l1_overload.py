"""Three times as many requests as an origin can answer, whoever is answered or not: as many are answered as it can
answer at best, the others are told at once that they are not, and what is stored does not notice."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.wire.behind import Behind
from tests.wire.origin import Origin, Seen, ok
from tests.wire.served import hear, request
from tests.wire.site import answering

FULL = bool(os.environ.get("BAR_FULL"))
SECONDS = 60.0 if FULL else 5.0
AT_ONCE = 8
TAKES_SECONDS = 0.08
CAPACITY = AT_ONCE / TAKES_SECONDS
HTML = b"Content-Type: text/html"


class Shop:
    """Answers `AT_ONCE` requests at a time; what more is asked waits its turn and makes all of them late."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self.busy_seconds = 0.0

    async def __call__(self, seen: Seen) -> bytes:
        if seen.target == b"/stored":
            return ok(b"<p>a page</p>", HTML, b"Cache-Control: max-age=600")
        async with self._places:
            begun = time.perf_counter()
            await asyncio.sleep(TAKES_SECONDS)
            self.busy_seconds += time.perf_counter() - begun
        return ok(b"<p>made for you</p>", HTML, b"Cache-Control: private")


@dataclass
class Result:
    """Seconds each answer took, by its status."""

    took: dict[int, list[float]] = field(default_factory=dict)

    def p99_ms(self, status: int) -> float:
        return self.ms(status, 0.99)

    def ms(self, status: int, share: float) -> float:
        taken = sorted(self.took.get(status, [0.0]))
        return taken[int(len(taken) * share)] * 1_000

    def count(self, status: int) -> int:
        return len(self.took.get(status, []))


async def ask(port: int, path: bytes, result: Result) -> None:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = time.perf_counter()
    writer.write(request(b"GET", path, (b"Connection", b"close")))
    heard = await asyncio.wait_for(hear(reader), 30)
    result.took.setdefault(heard.status, []).append(time.perf_counter() - begun)
    assert heard.status == 200 or heard.headers[b"retry-after"] == b"1"
    writer.close()


async def closed_loop(port: int, path: bytes, clients: int, seconds: float) -> Result:
    """So many clients, each of whom asks again when answered."""
    result, end = Result(), time.perf_counter() + seconds

    async def asks_on() -> None:
        while time.perf_counter() < end:
            await ask(port, path, result)

    await asyncio.gather(*(asks_on() for _ in range(clients)))
    return result


async def open_loop(port: int, path: bytes, rate: float, seconds: float) -> Result:
    """So many a second, however many are still unanswered."""
    result, tasks, begun, sent = Result(), set(), time.perf_counter(), 0
    while (now := time.perf_counter() - begun) < seconds:
        for _ in range(int(now * rate) - sent):
            sent += 1
            task = asyncio.create_task(ask(port, path, result))
            tasks.add(task)
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    return result


@pytest.mark.bar("L1")
async def test_three_times_too_much_costs_those_that_are_too_many_and_nobody_else(tmp_path: Path) -> None:
    works = Shop()
    origin = Origin(answering(works))
    origin.requests = deque(maxlen=10)  # type: ignore[assignment]
    async with origin, Behind(origin.url, {}, tmp_path, concurrency_start=2 * AT_ONCE) as shop:
        port = int(shop.url.rpartition(":")[2])
        host = {"host": "shop.example"}  # as all others ask; a page is kept for each host
        while "; hit" not in (await shop.client.get("/stored", headers=host)).headers["cache-status"]:
            pass
        if FULL:
            fitting = await open_loop(port, b"/private", 0.7 * CAPACITY, SECONDS / 3)
        else:  # on a busy machine more would come in one moment than fit
            fitting = await closed_loop(port, b"/private", AT_ONCE * 7 // 10, SECONDS / 3)
        works.busy_seconds, begun = 0.0, time.perf_counter()
        overload, stored = await asyncio.gather(
            open_loop(port, b"/private", 3 * CAPACITY, SECONDS), open_loop(port, b"/stored", 20, SECONDS)
        )
        busy_share = works.busy_seconds / AT_ONCE / (time.perf_counter() - begun)
        metrics = shop.tailorbird.metrics
    good, refused = overload.count(200) / SECONDS, sorted(overload.took[503])
    print(
        f"\nL1: the origin can answer {CAPACITY:.0f} a second. At 70 % of it {fitting.count(200)} answered, "
        f"{fitting.count(503)} refused, p99 {fitting.p99_ms(200):.0f} ms. "
        f"At 300 % for {SECONDS:.0f} s {good:.0f} a second answered, its places busy for {busy_share:.0%}, "
        f"median {overload.ms(200, 0.5):.0f}, "
        f"p95 {overload.ms(200, 0.95):.0f}, p99 {overload.p99_ms(200):.0f} ms "
        f"({overload.p99_ms(200) / fitting.p99_ms(200):.1f}x); "
        f"{len(refused)} refused, median {refused[len(refused) // 2] * 1_000:.1f} ms; "
        f"stored pages: {stored.count(200)} answered, p99 {stored.p99_ms(200):.0f} ms"
    )
    assert fitting.count(503) == 0
    if FULL:
        assert good > 0.9 * CAPACITY
    assert busy_share > 0.5  # however long a busy machine makes it take
    assert set(overload.took) == {200, 503}
    assert set(stored.took) == {200}
    assert metrics.get("tailorbird_shed_total", "request") == overload.count(503)
