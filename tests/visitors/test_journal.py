from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.errors import RequestError, StoreError
from proxy.metrics import Metrics
from proxy.model import Arrival, Event
from proxy.ports import Applied, Refused, Store
from proxy.settings import DEFAULTS, Settings
from proxy.stores import open_store
from proxy.stores.joining import join
from proxy.stores.record import packed_event_of
from proxy.visitors import journal as module
from proxy.visitors.journal import Change, Journal
from proxy.visitors.profiles import ProfileReader
from tests.wire.patience import PATIENT

NOON = 1_795_435_200.0


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


class Gate:
    """A real store that can be told to wait, or to fail; counts its transactions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.failure: Exception | None = None
        self.forgets = False  # it stores, and then fails all the same
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def apply(self, arrivals: Sequence[Arrival], noted: Sequence[Arrival] = ()) -> Applied:
        self.batches.append(len(arrivals) + len(noted))
        await self.is_open.wait()
        if self.failure is not None:
            raise self.failure
        if self.forgets:
            self.forgets = False
            await self._store.apply(arrivals, noted)
            raise StoreError("was it stored?")
        return await self._store.apply(arrivals, noted)


FULL = [Settings(waiting_events=3), Settings(waiting_event_bytes=150)]


class World:
    """A journal over a real store."""

    def __init__(self, folder: Path, settings: Settings = DEFAULTS) -> None:
        self.store = open_store(f"sqlite:{folder}/store.db")
        self.gate = Gate(self.store)
        self.metrics = Metrics()
        self.profiles = ProfileReader(self.store, self.metrics, settings=PATIENT)
        self.told: list[tuple[set[str], set[str], bool]] = []
        self.journal = Journal(self.gate, self.profiles, self.metrics, self._tell, lambda: NOON, settings)  # type: ignore[arg-type]
        self.journal.open()

    async def _tell(self, change: Change, waits: bool) -> None:
        self.told.append(({one.visitor_id for one in change.history_only}, set(change.visitor_ids), waits))

    def events(self, outcome: str) -> int:
        return self.metrics.get("tailorbird_events_total", outcome)

    async def history(self, visitor_id: str) -> list[str]:
        """As a page would see it now."""
        profile = await self.profiles.get(visitor_id, NOON)
        assert profile is not None
        return [event.id for event in profile.history]


@pytest.fixture
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made = World(tmp_path, getattr(request, "param", DEFAULTS))
    yield made
    made.gate.is_open.set()
    await made.journal.aclose()
    await made.profiles.aclose()
    await made.store.aclose()


async def test_what_was_recorded_is_durable_and_counts_at_once(world: World) -> None:
    await world.journal.record([seen("anna", 1)], 100)
    assert await world.store.log_of("anna") == [seen("anna", 1)]
    assert await world.history("anna") == ["web:1"]
    assert world.told == [({"anna"}, set(), True)]


async def test_that_the_store_lost_what_it_had_is_counted(world: World) -> None:
    async def of_an_emptied_server(*events: Sequence[Arrival]) -> Applied:
        return replace(await world.store.apply(*events), losses=1)

    await world.journal.record([seen("anna", 1)], 100)
    assert world.metrics.get("tailorbird_store_lost_total") == 0
    world.gate.apply = of_an_emptied_server  # type: ignore[method-assign]
    await world.journal.record([seen("anna", 2)], 100)
    assert world.metrics.get("tailorbird_store_lost_total") == 1


async def test_a_waiting_caller_returns_only_when_durable(world: World) -> None:
    world.gate.is_open.clear()
    waiting = asyncio.create_task(world.journal.record([seen("anna", 1)], 100))
    while not world.gate.batches:
        await asyncio.sleep(0)
    assert not waiting.done()
    world.gate.is_open.set()
    await waiting


async def test_what_comes_together_is_one_transaction(world: World) -> None:
    await asyncio.gather(*(world.journal.record([seen(f"v{n}", n)], 100) for n in range(50)))
    assert world.gate.batches == [50]


async def test_what_comes_during_a_transaction_is_in_the_next(world: World) -> None:
    world.gate.is_open.clear()
    first = asyncio.create_task(world.journal.record([seen("anna", 1)], 100))
    while not world.gate.batches:
        await asyncio.sleep(0)
    others = [asyncio.create_task(world.journal.record([seen("anna", n)], 100)) for n in range(2, 12)]
    await asyncio.sleep(0)
    world.gate.is_open.set()
    await asyncio.gather(first, *others)
    assert world.gate.batches == [1, 10]


async def test_a_store_that_fails_is_told_to_those_who_wait(world: World) -> None:
    world.gate.failure = StoreError("no room on the disk")
    with pytest.raises(StoreError, match="no room"):
        await world.journal.record([seen("anna", 1)], 100)
    assert world.events("failed") == 1
    world.gate.failure = None
    await world.journal.record([seen("anna", 1)], 100)
    assert await world.history("anna") == ["web:1"]


async def test_what_a_store_took_though_it_failed_holds_on_the_next_page(world: World) -> None:
    await world.store.apply([seen("anna", 1)])
    assert await world.history("anna") == ["web:1"]
    await world.store.apply([seen("anna", 2)])
    world.gate.failure = StoreError("the store has the events, but no replica")
    with pytest.raises(StoreError):
        await world.journal.record([seen("anna", 2)], 100)
    world.gate.failure = None
    await world.journal.record([seen("anna", 2)], 100)
    assert await world.history("anna") == ["web:1", "web:2"]
    assert world.told == [(set(), {"anna"}, False)]


async def test_a_fault_in_applying_is_told_and_ends_nothing(world: World) -> None:
    world.gate.failure = TypeError("ours")
    with pytest.raises(StoreError, match="ours"):
        await world.journal.record([seen("anna", 1)], 100)
    world.gate.failure = None
    await world.journal.record([seen("anna", 2)], 100)


@pytest.mark.parametrize("world", FULL, ids=["rows", "bytes"], indirect=True)
async def test_a_full_queue_refuses_and_says_so(world: World) -> None:
    world.gate.is_open.clear()
    first = asyncio.create_task(world.journal.record([seen("anna", 1)], 100))
    while not world.gate.batches:
        await asyncio.sleep(0)
    second = asyncio.create_task(world.journal.record([seen("anna", n) for n in (2, 3)], 100))
    await asyncio.sleep(0)
    with pytest.raises(RequestError) as refusal:
        await world.journal.record([seen("anna", 4), seen("anna", 5)], 100)
    assert refusal.value.status == 503
    assert world.events("busy") == 2
    world.gate.is_open.set()
    await asyncio.gather(first, second)


async def test_what_pages_note_counts_on_the_next_request_before_it_is_durable(world: World) -> None:
    await world.journal.record([seen("anna", 1)], 100)
    world.gate.is_open.clear()
    world.journal.note([packed_event_of(seen("anna", 2)), packed_event_of(seen("ben", 3))])
    assert await world.history("anna") == ["web:1", "web:2"]
    assert await world.history("ben") == ["web:3"], "read from the store, which does not have it yet"
    world.gate.is_open.set()
    await world.journal.aclose()
    assert await world.store.log_of("ben") == [seen("ben", 3)]


async def test_what_pages_note_while_the_store_is_away_comes_there_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    world.gate.failure = StoreError("away")
    world.journal.note([packed_event_of(seen("anna", 1))])
    while len(world.gate.batches) < 2:
        await asyncio.sleep(0.005)
    with pytest.raises(StoreError):
        await world.journal.record([seen("anna", 2)], 100)
    world.gate.failure = None
    while not world.events("applied"):
        await asyncio.sleep(0.005)
    assert await world.store.log_of("anna") == [seen("anna", 1)]


async def test_a_store_that_is_away_is_told_of_once_and_when_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.001)
    world.gate.failure = StoreError("away")
    world.journal.note([packed_event_of(seen("anna", 1))])
    while len(world.gate.batches) < 5:
        await asyncio.sleep(0.002)
    assert world.journal.why_not == "away"
    world.gate.failure = None
    while not world.events("applied"):
        await asyncio.sleep(0.002)
    assert not world.journal.why_not
    told = [record.getMessage() for record in caplog.records if record.name == "tailorbird.journal"]
    assert told == ["events cannot be stored: away", "events can be stored again"]


async def test_what_pages_note_counts_once_though_the_store_did_not_say_that_it_has_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    view = Arrival("anna", Event(NOON, "page:ab:1-0", "page viewed", "/"), "page", NOON)
    world.gate.forgets = True
    world.journal.note([packed_event_of(view)])
    while not world.events("repeated"):
        await asyncio.sleep(0.005)
    world.journal.note([packed_event_of(seen("ben", 1))])
    await world.journal.aclose()
    assert (await world.store.log("", 9))[0] == [view, seen("ben", 1)]
    assert await world.history("anna") == ["page:ab:1-0"]


@pytest.mark.parametrize("world", [Settings(waiting_events=2)], ids=["rows"], indirect=True)
async def test_what_pages_note_is_lost_and_counted_when_it_is_too_much(world: World) -> None:
    world.journal.note([packed_event_of(seen("anna", 1)), packed_event_of(seen("anna", 2))])
    world.journal.note([packed_event_of(seen("anna", 3))])
    assert world.events("lost") == 1
    assert await world.history("anna") == ["web:1", "web:2"]


async def test_what_pages_note_may_say_more_than_what_was_done(world: World) -> None:
    told = Arrival("anna", Event(NOON, "page:consent:1", "identified"), "page", NOON, {"consent level": "profile"})
    world.journal.note([told, packed_event_of(seen("anna", 1)), packed_event_of(seen("ben", 2))])
    await world.journal.aclose()
    assert (await world.store.log("", 9))[0] == [told, seen("anna", 1), seen("ben", 2)]
    assert world.told == [({"anna", "ben"}, {"anna"}, False)], "her view too: whoever holds her first one waits for it"
    anna = await world.profiles.get("anna", NOON)
    assert anna is not None and dict(anna.attributes) == {"consent level": "profile"}
    assert await world.history("anna") == ["web:1"]


async def test_repeats_are_counted_and_change_nothing(world: World) -> None:
    for _ in range(3):
        await world.journal.record([seen("anna", 1)], 100)
    assert (world.events("applied"), world.events("repeated")) == (1, 2)
    assert len(world.told) == 1


async def test_subscribers_hear_applied_events(world: World) -> None:
    heard: list[Applied] = []
    world.journal.subscribe(heard.append)
    await world.journal.record([seen("anna", 1), seen("anna", 1)], 100)
    assert [list(applied.new) for applied in heard] == [[seen("anna", 1)]]


async def test_events_that_were_not_taken_are_kept(world: World) -> None:
    refused = Refused(NOON, "web", "no-items", b"{}", "anna")
    world.journal.refuse(refused)
    await world.journal.aclose()
    assert await world.store.refused() == [refused]
    assert world.metrics.get("tailorbird_events_refused_total", "no-items") == 1


async def applied(world: World, number: int) -> None:
    """Waits for the first so many transactions."""
    async with asyncio.timeout(30):
        while len(world.gate.batches) < number or world.events("applied") + world.events("repeated") < number:
            await asyncio.sleep(0.001)


async def test_what_a_device_did_is_its_persons_though_nobody_here_knew(world: World) -> None:
    assert await world.history("phone") == []
    assert await world.history("anna") == []
    await join(world.store, "phone", "anna", NOON)  # elsewhere
    world.journal.note([packed_event_of(seen("phone", 1))])
    await applied(world, 1)
    assert await world.history("anna") == ["web:1"]
    assert await world.history("phone") == ["web:1"]
    assert (await world.profiles.get("phone", NOON)) == await world.store.get_profile("anna")


async def test_what_was_counted_and_the_store_did_not_take_counts_no_more(world: World) -> None:
    await world.store.mark_erased(["anna"], NOON + 5)
    assert await world.history("anna") == []
    world.journal.note([packed_event_of(seen("anna", 1))])
    assert await world.history("anna") == ["web:1"]
    await applied(world, 1)
    assert await world.history("anna") == []
