from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from proxy.errors import StoreError
from proxy.metrics import Metrics
from proxy.model import Profile
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.remembered import MISSING
from tests.wire.patience import PATIENT

NOW = 1_795_435_200.0
ANNA = Profile("anna", {"orders": 4.0})


class GatedStore:
    """A store whose reads hang while its gate is closed, and fail as told when it is open."""

    def __init__(self) -> None:
        self.profiles = {"anna": ANNA}
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: StoreError | None = None
        self.reads = 0
        self.begun = asyncio.Event()
        self.ended = asyncio.Semaphore(0)

    async def get_profile(self, visitor_id: str) -> Profile | None:
        self.reads += 1
        self.begun.set()
        await self.gate.wait()
        self.ended.release()
        if self.error is not None:
            raise self.error
        return self.profiles.get(visitor_id)

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        raise NotImplementedError

    async def attribute_names(self) -> frozenset[str]:
        raise NotImplementedError

    async def is_ready(self) -> bool:
        return self.gate.is_set()

    async def aclose(self) -> None:
        self.gate.set()


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store() -> GatedStore:
    return GatedStore()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def reader(store: GatedStore, metrics: Metrics, clock: Clock) -> AsyncIterator[ProfileReader]:
    reader = ProfileReader(store, metrics, clock=clock)
    yield reader
    await reader.aclose()


def outcomes(metrics: Metrics) -> dict[str, int]:
    names = ("memory", "store", "unknown", "damaged", "timeout", "error", "open", "busy")
    counts = {name: metrics.get("tailorbird_profile_lookups_total", name) for name in names}
    return {name: count for name, count in counts.items() if count}


# -- memory


async def test_a_profile_is_read_once_and_then_remembered(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    assert reader.remembered("anna", NOW) is MISSING
    assert await reader.get("anna", NOW) == ANNA
    assert reader.remembered("anna", NOW + 4.9) == ANNA
    assert await reader.get("anna", NOW + 4.9) == ANNA
    assert store.reads == 1
    assert outcomes(metrics) == {"store": 1, "memory": 2}


async def test_what_is_remembered_is_read_again_after_its_time(reader: ProfileReader, store: GatedStore) -> None:
    await reader.get("anna", NOW)
    store.profiles["anna"] = later = Profile("anna", {"orders": 5.0})
    assert reader.remembered("anna", NOW + 5) is MISSING
    assert await reader.get("anna", NOW + 5) == later


async def test_a_visitor_the_store_does_not_know_is_remembered_too(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    assert await reader.get("nobody", NOW) == Profile("nobody")
    assert reader.remembered("nobody", NOW) == Profile("nobody")
    assert outcomes(metrics) == {"unknown": 1, "memory": 1}


async def test_a_write_is_seen_on_the_next_request(reader: ProfileReader, store: GatedStore) -> None:
    await reader.get("anna", NOW)
    later = Profile("anna", {"orders": 5.0})
    reader.remember("anna", later, NOW + 1)
    assert await reader.get("anna", NOW + 1) == later
    assert store.reads == 1


async def test_a_clock_that_jumps_back_does_not_keep_a_profile_for_ever(reader: ProfileReader) -> None:
    await reader.get("anna", NOW)
    assert reader.remembered("anna", NOW - 86_400) is MISSING


async def test_memory_is_bounded(store: GatedStore, metrics: Metrics) -> None:
    reader = ProfileReader(store, metrics, memory=10, settings=PATIENT)
    for number in range(50):
        await reader.get(f"visitor-{number}", NOW)
    remembered = [reader.remembered(f"visitor-{number}", NOW) for number in range(50)]
    assert sum(profile is not MISSING for profile in remembered) == 10


# -- one visitor, many requests


async def test_reads_of_one_visitor_at_the_same_time_are_one_read(reader: ProfileReader, store: GatedStore) -> None:
    assert await asyncio.gather(*(reader.get("anna", NOW) for _ in range(50))) == [ANNA] * 50
    assert store.reads == 1


async def test_a_client_that_leaves_takes_nothing_from_the_others(reader: ProfileReader, store: GatedStore) -> None:
    store.gate.clear()
    leaving, staying = (asyncio.create_task(reader.get("anna", NOW)) for _ in range(2))
    await store.begun.wait()
    leaving.cancel()
    store.gate.set()
    assert await staying == ANNA


# -- without a task that waits


async def when_read(reader: ProfileReader, visitor_id: str) -> Profile | None:
    """What comes of it."""
    came: asyncio.Future[Profile | None] = asyncio.get_running_loop().create_future()
    assert reader.when_read(visitor_id, NOW, came.set_result)
    assert not came.done(), "later, whatever comes of it"
    return await came


async def test_a_callback_gets_what_a_waiter_gets(reader: ProfileReader, store: GatedStore, metrics: Metrics) -> None:
    assert await when_read(reader, "anna") == ANNA
    assert await when_read(reader, "nobody") == Profile("nobody")
    store.gate.clear()
    assert await when_read(reader, "ben") is None
    assert not reader.when_read("ben", NOW, print), "it was given up, and nobody waits for it again"
    assert outcomes(metrics) == {"store": 1, "unknown": 1, "timeout": 1}


async def test_all_who_ask_for_one_visitor_are_called(reader: ProfileReader, store: GatedStore) -> None:
    store.gate.clear()
    waiting = [
        asyncio.create_task(reader.get("anna", NOW)),
        *(asyncio.create_task(when_read(reader, "anna")) for _ in "ab"),
    ]
    await store.begun.wait()
    store.gate.set()
    assert await asyncio.gather(*waiting) == [ANNA] * 3
    assert store.reads == 1


async def test_under_strain_nobody_is_called(store: GatedStore, metrics: Metrics) -> None:
    reader = ProfileReader(store, metrics, is_strained=lambda: True)
    assert not reader.when_read("anna", NOW, print)
    assert store.reads == 0


# -- too much to do


async def test_under_strain_the_store_is_left_alone_and_what_is_remembered_still_serves(
    store: GatedStore, metrics: Metrics
) -> None:
    is_strained = False
    reader = ProfileReader(store, metrics, is_strained=lambda: is_strained, settings=PATIENT)
    anna = await reader.get("anna", NOW)
    is_strained = True
    assert await reader.get("anna", NOW + 60) == anna
    assert await reader.get("ben", NOW) is None
    assert store.reads == 1
    assert metrics.get("tailorbird_shed_total", "profile") == 2
    is_strained = False
    await reader.get("ben", NOW)
    assert store.reads == 2


async def test_those_unused_for_longest_are_forgotten_where_memory_runs_out(
    store: GatedStore, metrics: Metrics
) -> None:
    reader = ProfileReader(store, metrics, settings=PATIENT)
    reader.shrink(1)
    for number in range(20):
        await reader.get(f"v{number}", NOW)
    reader.shrink(1)
    known = [number for number in range(20) if reader.remembered(f"v{number}", NOW) is not MISSING]
    assert known == list(range(3, 20))
