"""A store that is slow, stalled or down: no page waits longer for it than it may."""

from __future__ import annotations

import asyncio
import time

from proxy.errors import DamagedValueError, StoreError
from proxy.metrics import Metrics
from proxy.model import Profile
from proxy.settings import Settings
from proxy.visitors.profiles import MAX_READS, ProfileReader
from tests.visitors.test_profiles import ANNA, NOW, Clock, GatedStore, clock, metrics, outcomes, reader, store

__all__ = ["clock", "metrics", "reader", "store"]  # fixtures


async def test_a_slow_read_is_not_waited_for_and_fills_memory_when_it_ends(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    store.gate.clear()
    assert await reader.get("anna", NOW) is None
    assert outcomes(metrics) == {"timeout": 1}
    store.gate.set()
    await store.ended.acquire()
    assert await reader.get("anna", NOW) == ANNA
    assert store.reads == 1


async def test_a_stale_profile_is_better_than_none(reader: ProfileReader, store: GatedStore) -> None:
    await reader.get("anna", NOW)
    store.gate.clear()
    assert await reader.get("anna", NOW + 60) == ANNA
    assert await reader.get("anna", NOW + 3_600) is None


async def test_the_budget_has_a_hard_limit(store: GatedStore, metrics: Metrics) -> None:
    reader = ProfileReader(store, metrics, settings=Settings(profile_budget_ms=60_000))
    store.gate.clear()
    assert await asyncio.wait_for(reader.get("anna", NOW), timeout=30) is None
    await reader.aclose()


async def test_a_failing_store_is_left_alone_after_five_failures(
    reader: ProfileReader, store: GatedStore, metrics: Metrics, clock: Clock
) -> None:
    store.error = StoreError("the store is down")
    for number in range(8):
        assert await reader.get(f"visitor-{number}", NOW) is None
    assert store.reads == 5
    assert outcomes(metrics) == {"error": 5, "open": 3}


async def test_a_stalled_store_is_left_alone_and_taken_up_again(
    reader: ProfileReader, store: GatedStore, metrics: Metrics, clock: Clock
) -> None:
    store.gate.clear()
    for number in range(6):
        await reader.get(f"visitor-{number}", NOW)
    assert outcomes(metrics) == {"timeout": 5, "open": 1}
    store.gate.set()
    for _ in range(5):
        await store.ended.acquire()
    assert await reader.get("anna", NOW) is None, "until the pause is over nobody asks"
    clock.at += 1.0
    assert await reader.get("anna", NOW) == ANNA
    assert await reader.get("visitor-9", NOW) == Profile("visitor-9")
    assert outcomes(metrics) == {"timeout": 5, "open": 2, "store": 1, "unknown": 1}


async def test_an_open_breaker_still_gives_what_is_remembered(
    reader: ProfileReader, store: GatedStore, clock: Clock
) -> None:
    await reader.get("anna", NOW)
    store.error = StoreError("the store is down")
    for number in range(6):
        await reader.get(f"visitor-{number}", NOW)
    assert await reader.get("anna", NOW + 60) == ANNA


async def test_one_damaged_profile_does_not_close_the_store_to_others(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    store.error = DamagedValueError("a stored profile cannot be read")
    for number in range(10):
        assert await reader.get(f"damaged-{number}", NOW) is None
    store.error = None
    assert await reader.get("anna", NOW) == ANNA
    assert outcomes(metrics) == {"damaged": 10, "store": 1}


async def test_a_loop_that_is_busy_itself_does_not_take_the_store_for_slow(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    store.gate.clear()
    reads = [asyncio.create_task(reader.get(name, NOW)) for name in ("anna", *map(str, range(20)))]
    await store.begun.wait()
    store.gate.set()
    busy_until = time.perf_counter() + 0.1
    while time.perf_counter() < busy_until:
        pass
    await asyncio.gather(*reads)
    assert outcomes(metrics) == {"store": 1, "unknown": 20}


async def test_a_read_that_was_given_up_makes_no_second_page_wait(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    store.gate.clear()
    await reader.get("anna", NOW)
    second = asyncio.create_task(reader.get("anna", NOW))
    await asyncio.sleep(0)
    assert second.done() and second.result() is None
    assert outcomes(metrics) == {"timeout": 2}


async def test_no_more_reads_hang_at_once_than_allowed(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    store.gate.clear()
    await asyncio.gather(*(reader.get(f"visitor-{number}", NOW) for number in range(MAX_READS + 9)))
    assert store.reads == MAX_READS
    assert outcomes(metrics) == {"timeout": MAX_READS, "busy": 9}


async def test_closing_gives_up_reads_that_hang(store: GatedStore, metrics: Metrics) -> None:
    reader = ProfileReader(store, metrics)
    store.gate.clear()
    await reader.get("anna", NOW)
    await reader.aclose()
    assert store.ended.locked()
