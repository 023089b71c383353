from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

import pytest

from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold
from proxy.metrics import Metrics
from proxy.model import Arrival, Event, Profile
from proxy.visitors.profiles import MAX_READS, ProfileReader
from proxy.visitors.remembered import MISSING, MOST_NEWS

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
    reader = ProfileReader(store, metrics, budget_ms=10, clock=clock)
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
    reader = ProfileReader(store, metrics, memory=10)
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


# -- a store that is slow or down


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
    reader = ProfileReader(store, metrics, budget_ms=60_000)
    store.gate.clear()
    assert await asyncio.wait_for(reader.get("anna", NOW), timeout=5) is None
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


# -- without a task that waits


async def soon(reader: ProfileReader, visitor_id: str) -> Profile | None:
    """What comes of it."""
    came: asyncio.Future[Profile | None] = asyncio.get_running_loop().create_future()
    assert reader.soon(visitor_id, NOW, came.set_result)
    assert not came.done(), "later, whatever comes of it"
    return await came


async def test_who_does_not_wait_is_called_with_what_those_get_who_do(
    reader: ProfileReader, store: GatedStore, metrics: Metrics
) -> None:
    assert await soon(reader, "anna") == ANNA
    assert await soon(reader, "nobody") == Profile("nobody")
    store.gate.clear()
    assert await soon(reader, "ben") is None
    assert not reader.soon("ben", NOW, print), "it was given up, and nobody waits for it again"
    assert outcomes(metrics) == {"store": 1, "unknown": 1, "timeout": 1}


async def test_all_who_ask_for_one_visitor_are_called(reader: ProfileReader, store: GatedStore) -> None:
    store.gate.clear()
    waiting = [asyncio.create_task(reader.get("anna", NOW)), *(asyncio.create_task(soon(reader, "anna")) for _ in "ab")]
    await store.begun.wait()
    store.gate.set()
    assert await asyncio.gather(*waiting) == [ANNA] * 3
    assert store.reads == 1


async def test_under_strain_nobody_is_called(store: GatedStore, metrics: Metrics) -> None:
    reader = ProfileReader(store, metrics, is_strained=lambda: True)
    assert not reader.soon("anna", NOW, print)
    assert store.reads == 0


# -- too much to do


async def test_under_strain_the_store_is_left_alone_and_what_is_remembered_still_serves(
    store: GatedStore, metrics: Metrics
) -> None:
    is_strained = False
    reader = ProfileReader(store, metrics, is_strained=lambda: is_strained)
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
    reader = ProfileReader(store, metrics)
    reader.shrink(1)
    for number in range(20):
        await reader.get(f"v{number}", NOW)
    reader.shrink(1)
    known = [number for number in range(20) if reader.remembered(f"v{number}", NOW) is not MISSING]
    assert known == list(range(3, 20))


# -- changes while a profile is read


def _seen(number: int) -> Arrival:
    return Arrival("anna", Event(float(number), f"web:{number}", "page viewed", "/"), "web", float(number))


class Slow:
    """Answers with what was true when it was asked, once `gate` is open."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def get_profile(self, visitor_id: str) -> Profile:
        profile = self.profile
        self.asked.set()
        await self.gate.wait()
        return profile


async def test_a_read_that_began_before_a_change_does_not_undo_it() -> None:
    store = Slow(Profile("anna"))
    reader = ProfileReader(store, Metrics(), budget_ms=25)  # type: ignore[arg-type]
    reading = asyncio.create_task(reader.get("anna", 1.0))
    await store.asked.wait()
    store.profile = changed = fold(Profile("anna"), [_seen(1)])
    reader.arrived([], [_seen(1)])
    store.gate.set()
    await reading
    while reader._reads:
        await asyncio.sleep(0)
    assert reader.remembered("anna", 1.0) == changed
    await reader.aclose()


async def test_a_profile_that_another_worker_changed_is_asked_for_again() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics())  # type: ignore[arg-type]
    assert await reader.get("anna", 1.0) == Profile("anna")
    store.profile = Profile("anna", {"orders": 1.0})
    reader.outdate(["anna", "nobody"])
    assert reader.remembered("anna", 1.0) is MISSING
    assert await reader.get("anna", 1.0) == store.profile
    await reader.aclose()


async def test_what_is_remembered_is_asked_for_at_once_when_another_worker_waits_for_that() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics())  # type: ignore[arg-type]
    await reader.get("anna", 1.0)
    store.profile = Profile("anna", {"orders": 1.0})
    await reader.renew(["anna", "nobody"], 1.0)
    assert reader.remembered("anna", 1.0) == store.profile
    assert reader.remembered("nobody", 1.0) is MISSING
    await reader.aclose()


async def test_who_waits_for_a_profile_to_be_current_waits_for_a_read_that_pages_gave_up() -> None:
    store = Slow(Profile("anna"))
    reader = ProfileReader(store, Metrics(), budget_ms=1)  # type: ignore[arg-type]
    assert await reader.get("anna", 1.0) is None
    store.profile = changed = fold(Profile("anna"), [_seen(1)])
    reader.arrived([], [_seen(1)])
    catching_up = asyncio.create_task(reader.caught_up(["anna", "ben"]))
    renewing = asyncio.create_task(reader.renew(["anna", "ben"], 1.0))
    await asyncio.sleep(0)
    assert not catching_up.done() and not renewing.done()
    store.gate.set()
    await asyncio.gather(catching_up, renewing)
    assert reader.remembered("anna", 1.0) == changed
    await reader.aclose()


async def test_a_renewal_does_not_undo_what_is_newer() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics())  # type: ignore[arg-type]
    await reader.get("anna", 1.0)
    store.gate.clear()
    store.asked.clear()
    renewing = asyncio.create_task(reader.renew(["anna"], 1.0))
    await store.asked.wait()
    store.profile = changed = fold(Profile("anna"), [_seen(1)])
    reader.arrived([], [_seen(1)])
    store.gate.set()
    await renewing
    assert await reader.get("anna", 1.0) == changed
    await reader.aclose()


async def test_events_on_their_way_count_on_what_is_remembered_and_on_what_is_read() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics())  # type: ignore[arg-type]
    reader.foresee([_seen(1)])
    first = await reader.get("anna", 1.0)
    reader.foresee([_seen(2)])
    second = reader.remembered("anna", 1.0)
    assert isinstance(first, Profile)
    assert isinstance(second, Profile)
    assert [event.id for event in first.history] == ["web:1"]
    assert [event.id for event in second.history] == ["web:1", "web:2"]
    reader.arrived([_seen(1), _seen(2)], [_seen(3)])
    third = reader.remembered("anna", 1.0)
    assert third == fold(Profile("anna"), [_seen(1), _seen(2), _seen(3)])
    await reader.aclose()


async def test_who_asks_for_nothing_that_was_done_needs_no_news_of_it() -> None:
    store = Slow(Profile("anna", {"orders": 1.0}))
    store.gate.set()
    reader = ProfileReader(store, Metrics())  # type: ignore[arg-type]
    before = await reader.get("anna", 1.0)
    reader.foresee([_seen(1)])
    assert reader.remembered("anna", 1.0, has_news=False) is before
    after = reader.remembered("anna", 1.0)
    assert after == fold(store.profile, [_seen(1)])
    assert reader.remembered("anna", 1.0, has_news=False) is after
    await reader.aclose()


async def test_events_of_somebody_nobody_asks_for_are_counted_in_together() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics())  # type: ignore[arg-type]
    await reader.get("anna", 1.0)
    arrivals = [_seen(number) for number in range(3 * MOST_NEWS + 1)]
    reader.arrived([], arrivals)
    assert reader._memory._known["anna"].news == arrivals[-1:]
    assert reader.held("anna") == fold(Profile("anna"), arrivals)
    assert reader.held("nobody") is None
    await reader.aclose()
