"""A million visitors with five events each in one SQLite file: a profile is found about as fast as among ten thousand,
and segments are sized quickly from a sample, exactly within a minute, by the command that an operator runs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.model import Arrival, Event, Item
from proxy.ports import Store
from proxy.stores import open_store

FULL = bool(os.environ.get("BAR_FULL"))
VISITORS, FEW, EVENTS = (1_000_000 if FULL else 20_000), (10_000 if FULL else 2_000), 5
AT_ONCE = 500
ROUNDS, LOOKUPS = (30, 1_000) if FULL else (10, 100)
MOST_TIMES = 2.0
ESTIMATED_IN_SECONDS, EXACT_IN_SECONDS = (2.0, 60.0) if FULL else (60.0, 120.0)
NEEDED_BYTES = 6_000 * VISITORS

DAY = 86_400.0
KINDS = ("page viewed", "product viewed", "product viewed", "product added", "order completed")
RULES = """
segments:
  Buyers: {when: {orders: at least 1}}
  Recent lookers: {when: {viewed: {times: at least 2, within: 30 days}}}
  Carts: {when: {added to cart: {within: 30 days}}}
  Lapsed: {when: {opened: {times: 0, within: 30 days}, orders: 0}}
rules: []
"""


@dataclass
class Truth:
    """How many are in each segment, counted as they are made."""

    members: dict[str, int]

    def note(self, events: list[Event], since: float) -> None:
        late = [event.kind for event in events if event.at > since]
        kinds = {event.kind for event in events}
        has_bought = "order completed" in kinds
        for name, is_in in (
            ("Buyers", has_bought),
            ("Recent lookers", late.count("product viewed") >= 2),
            ("Carts", "product added" in late),
            ("Lapsed", "page viewed" not in late and not has_bought),
        ):
            self.members[name] = self.members.get(name, 0) + is_in


def visitor_id(number: int) -> str:
    return hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest()


def history(id: str, now: float) -> Iterator[Event]:
    """What a visitor did in the last 90 days, never within a day of 30 days ago: the window's edge stays clear however
    long this takes."""
    chance = int(id, 16)
    for number, kind in enumerate(KINDS):
        chance, days = divmod(chance, 88)
        chance, product = divmod(chance, 5_000)
        chance, is_plain = divmod(chance, 2)
        at = now - (days + 1 + 2 * (days >= 28)) * DAY
        items = () if is_plain or not number else (Item(f"p{product}", f"c{product % 40}", f"b{product % 60}", 9.9),)
        subject = "" if items else f"/p/{product}"
        yield Event(at, f"shop:{number}", kind if items else "page viewed", subject, items, 9.9 if items else 0.0)


async def fill(store: Store, ids: list[str], now: float) -> Truth:
    """Through the store's own code, in the order of the ids: that of the file, which is what makes it quick."""
    truth = Truth({})
    for start in range(0, len(ids), AT_ONCE):
        arrivals = []
        for id in ids[start : start + AT_ONCE]:
            events = list(history(id, now))
            truth.note(events, now - 30 * DAY)
            arrivals += [Arrival(id, event, "shop", event.at) for event in events]
        assert len((await store.apply(arrivals)).new) == len(arrivals)
    return truth


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = open_store(url)
    try:
        yield store
    finally:
        await store.aclose()


@dataclass
class Cost:
    """Of one profile, in microseconds, round by round: by the clock, and of the processor."""

    wall: list[float]
    cpu: list[float]

    async def measure(self, store: Store, ids: list[str]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        for id in ids:
            assert await store.get_profile(id) is not None
        self.wall.append((time.perf_counter() - wall) / len(ids) * 1e6)
        self.cpu.append((time.process_time() - cpu) / len(ids) * 1e6)


def size_of(folder: Path, files: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(files))


def times(many: list[float], few: list[float]) -> float:
    """The ratio of rounds that came one after the other."""
    return statistics.median(one / other for one, other in zip(many, few, strict=True))


async def sized(folder: Path, url: str, *options: str) -> tuple[dict[str, Any], float, float]:
    """What the command says, in how many seconds, and of how many of the processor."""
    before, begun = os.times(), time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "segments", str(folder), "--store", url, "--format", "json", *options),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    took, after = time.perf_counter() - begun, os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    told: dict[str, Any] = json.loads(said)
    return told, took, cpu


@pytest.mark.bar("D10")
async def test_a_million_visitors_are_found_and_sized() -> None:
    now, chance = time.time(), random.Random(10)
    with tempfile.TemporaryDirectory(prefix="tb-d10-") as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < NEEDED_BYTES:
            pytest.skip(f"{folder} has no {NEEDED_BYTES / 1e9:.0f} GB free")
        (folder / "a.rules.yaml").write_text(RULES, "utf-8")
        url, few_url = f"sqlite:{folder}/many.db", f"sqlite:{folder}/few.db"
        ids = sorted(map(visitor_id, range(VISITORS)))
        begun = time.perf_counter()
        async with opened(url) as many, opened(few_url) as few:
            truth = await fill(many, ids, now)
            filled = time.perf_counter() - begun
            some = chance.sample(ids, FEW)
            await fill(few, sorted(some), now)
            among_many, among_few = Cost([], []), Cost([], [])
            for _ in range(ROUNDS):
                await among_many.measure(many, chance.sample(ids, LOOKUPS))
                await among_few.measure(few, chance.sample(some, LOOKUPS))
        size = size_of(folder, "many.db*")
        estimated, estimated_in, estimated_cpu = await sized(folder, url, "--estimate")
        exact, exact_in, exact_cpu = await sized(folder, url)
    wall, cpu = times(among_many.wall, among_few.wall), times(among_many.cpu, among_few.cpu)
    print(
        f"\nD10: {VISITORS:,} profiles, {VISITORS * EVENTS:,} events, {size / 1e6:,.0f} MB, filled in {filled:.0f} s\n"
        f"  a profile among {VISITORS:,}: {statistics.median(among_many.wall):.0f} us, {wall:.2f}x of that among "
        f"{FEW:,}; processor {statistics.median(among_many.cpu):.0f} us, {cpu:.2f}x\n"
        f"  segments estimated in {estimated_in:.1f} s ({estimated_cpu:.1f} s of the processor), "
        f"exact in {exact_in:.1f} s ({exact_cpu:.1f})"
    )
    for one, about in zip(exact["segments"], estimated["segments"], strict=True):
        print(f"    {one['name']}: {one['members']:,}, estimated between {about['low']:.1%} and {about['high']:.1%}")
        spread = about["high"] - about["low"]  # three times as wide: once in a million samples it is not in there
        assert about["low"] - spread <= one["share"] <= about["high"] + spread
    assert exact["visitors"] == VISITORS
    assert {one["name"]: one["members"] for one in exact["segments"]} == truth.members
    assert 0 < estimated["looked_at"] <= 2_000
    assert cpu <= MOST_TIMES
    assert wall <= MOST_TIMES or not FULL
    assert estimated_in < ESTIMATED_IN_SECONDS
    assert exact_in < EXACT_IN_SECONDS
