"""Events that are sent again and again, in any order, to workers that are killed and replaced, count exactly once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.stores import open_store
from tests.wire.daemon import Daemon
from tests.wire.origin import Origin, always, ok
from tests.wire.posting import WRITE_KEYS, Posting, body_of, view
from tests.wire.storage import STORES, storage

FULL = bool(os.environ.get("BAR_FULL"))
IDS = 100_000 if FULL else 1_000
VISITORS = 500 if FULL else 20
CONNECTIONS = 8
KILLS = 10 if FULL else 1


def batches(chance: random.Random) -> Iterator[bytes]:
    """Every id one to five times, shuffled over batches of any size."""
    sent = [number for number in range(IDS) for _ in range(chance.randint(1, 5))]
    chance.shuffle(sent)
    while sent:
        some = [sent.pop() for _ in range(min(len(sent), chance.randint(1, 120)))]
        yield body_of([event(number) for number in some])


def event(number: int) -> dict[str, Any]:
    return view(f"v{number % VISITORS}", f"m{number}", timestamp=f"2026-11-23T12:{number % 60:02d}:00Z")


async def send_all(port: int, waiting: Iterator[bytes]) -> None:
    async def one() -> None:
        async with Posting(port) as posting:
            for body in waiting:
                await posting.post_until_taken(body)

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


async def disturb(daemon: Daemon, chance: random.Random, sending: asyncio.Task[None]) -> int:
    """Kills a worker now and then, and has all replaced."""
    done = 0
    while not sending.done() and done < KILLS:
        await asyncio.sleep(chance.uniform(0.1, 0.6 if not FULL else 6))
        if workers := daemon.workers:
            with contextlib.suppress(ProcessLookupError):  # it is being replaced
                os.kill(chance.choice(workers), signal.SIGKILL)
                done += 1
        if done % 3 == 2:
            daemon.signal(signal.SIGHUP)
    return done


@pytest.mark.bar("D2")
@pytest.mark.parametrize("kind", STORES)
async def test_every_id_counts_once(kind: str, tmp_path: Path) -> None:
    chance = random.Random(kind)
    async with storage(kind, tmp_path) as url, Origin(always(ok(b""))) as origin:
        async with Daemon(origin.url, tmp_path, store=url, workers=2, write_keys=WRITE_KEYS) as daemon:
            await daemon.has_workers(2)
            sending = asyncio.create_task(send_all(daemon.port, batches(chance)))
            kills = await disturb(daemon, chance, sending)
            await sending
        store = open_store(url)
        counts = {f"v{number}": 0 for number in range(VISITORS)}
        for visitor_id in counts:
            profile = await store.get_profile(visitor_id)
            assert profile is not None
            expected = {f"shop:m{number}" for number in range(int(visitor_id[1:]), IDS, VISITORS)}
            assert {seen.id for seen in profile.history} == expected
            assert len(await store.log_of(visitor_id)) == len(expected)
            counts[visitor_id] = len(profile.history)
        assert await store.rebuild() == 0
        await store.aclose()
    print(f"\nD2 {kind}: {IDS} ids sent 1 to 5 times to 2 workers, {kills} killed: {sum(counts.values())} counted")
    assert sum(counts.values()) == IDS
