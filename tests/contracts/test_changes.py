"""Whose profiles others changed: what every store tells those who remember some, on the real thing. Whatever changes a
profile has a row here."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from proxy.errors import StoreError
from proxy.metrics import Metrics
from proxy.model import Arrival, Event, Profile
from proxy.ports import Store
from proxy.stores import open_outbox, open_store, open_views
from proxy.stores.joining import join, part
from proxy.stores.logs import expire
from proxy.stores.personal_data import Places, erased
from proxy.visitors.invalidation import Invalidation
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.remembered import MISSING
from tests.wire.patience import PATIENT

NOON = 1_795_435_200.0
LATER = NOON + 3_000.0
"""Long after what is remembered would be believed by itself."""


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


class Worker:
    """One that remembers profiles, and looks when it is told to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.at = NOON
        self.profiles = ProfileReader(store, Metrics(), settings=PATIENT)
        self.vouching = Invalidation(store, self.profiles, lambda: self.at, settle_seconds=0.0)

    async def apply(self, *arrivals: Arrival) -> None:
        """As the journal does."""
        applied = await self.store.apply(arrivals)
        self.profiles.arrived([], applied.new)
        self.vouching.know(applied.changes)

    async def look(self) -> None:
        self.at += 1_000.0
        await self.vouching.look()

    def believes(self, visitor_id: str) -> bool:
        return self.profiles.remembered(visitor_id, self.at) is not MISSING


@pytest.fixture
async def worker(store: Store) -> AsyncIterator[Worker]:
    made = Worker(store)
    yield made
    await made.profiles.aclose()


@pytest.fixture
async def other(url: str) -> AsyncIterator[Store]:
    """The same store, as another process has it."""
    opened = open_store(url, PATIENT)
    yield opened
    await opened.aclose()


# -- what may be believed


async def test_an_unchanged_profile_in_memory_stays_valid_however_old(worker: Worker) -> None:
    await worker.store.apply([seen("anna", 1)])
    await worker.vouching.look()
    remembered = await worker.profiles.get("anna", worker.at)
    for _ in range(3):
        await worker.look()
        assert worker.profiles.remembered("anna", worker.at) is remembered


async def test_what_this_worker_did_itself_it_knows(worker: Worker) -> None:
    await worker.vouching.look()
    await worker.profiles.get("anna", worker.at)
    for number in range(3):
        await worker.apply(seen("anna", number), seen("ben", number))
        await worker.apply(seen("anna", number + 10))
        await worker.look()
        assert worker.believes("anna")
    assert worker.profiles.remembered("anna", worker.at) == await worker.store.get_profile("anna")


async def test_what_another_told_of_its_changes_is_known_too(worker: Worker, other: Store) -> None:
    await worker.vouching.look()
    await worker.profiles.get("ben", worker.at)
    await worker.apply(seen("anna", 1))
    told = await other.apply([seen("ben", 1)])
    worker.vouching.know(told.changes)
    await worker.apply(seen("anna", 2))
    await worker.look()
    assert worker.believes("ben"), "whoever told it had it read again"


async def test_others_among_what_this_worker_did_are_found(worker: Worker, other: Store) -> None:
    await worker.vouching.look()
    for visitor_id in ("anna", "ben", "cleo", "dora"):
        await worker.profiles.get(visitor_id, worker.at)
    await worker.apply(seen("anna", 1))
    await other.apply([seen("ben", 1)])
    await worker.apply(seen("anna", 2))
    await other.apply([seen("cleo", 1)])
    await worker.look()
    assert [id for id in ("anna", "ben", "cleo", "dora") if worker.believes(id)] == ["anna", "dora"]
    await worker.profiles.get("ben", worker.at)
    await worker.look()
    assert worker.believes("ben"), "once is enough, when it is certain that it was done"


async def test_before_the_first_look_nobody_is_vouched_for(worker: Worker, other: Store) -> None:
    await worker.profiles.get("anna", worker.at)
    await other.apply([seen("anna", 1)])
    await worker.look()
    assert not worker.believes("anna")


class Moody:
    """A store that does not answer what it `refuses`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refuses: set[str] = set()

    def __getattr__(self, name: str) -> object:
        if name in self.refuses:
            raise StoreError("the store is away")
        return getattr(self._store, name)


async def test_a_store_that_is_away_lets_memory_age(store: Store) -> None:
    moody = Moody(store)
    worker = Worker(moody)  # type: ignore[arg-type]
    await worker.vouching.look()
    await worker.profiles.get("anna", worker.at)
    await worker.look()
    moody.refuses = {"newest_change", "get_profile"}
    believed = []
    for _ in range(2):
        worker.at += 2.6
        await worker.vouching.look()
        believed.append(worker.believes("anna"))
    assert believed == [True, False]
    assert await worker.profiles.get("anna", worker.at) == Profile("anna"), "which is better than nothing"
    await worker.profiles.aclose()


async def test_what_was_missed_while_the_store_was_away_is_found(store: Store, other: Store) -> None:
    moody = Moody(store)
    worker = Worker(moody)  # type: ignore[arg-type]
    await worker.vouching.look()
    for visitor_id in ("anna", "ben"):
        await worker.profiles.get(visitor_id, worker.at)
    await other.apply([seen("anna", 1)])
    await worker.apply(seen("ben", 1))
    moody.refuses = {"changed"}
    await worker.look()
    moody.refuses = set()
    await worker.look()
    assert (worker.believes("anna"), worker.believes("ben")) == (False, True)
    await worker.profiles.aclose()


# -- whatever changes a profile


async def _events(store: Store, url: str) -> None:
    await store.apply([seen("anna", 7)])


async def _import(store: Store, url: str) -> None:
    await store.put_profiles([Profile("anna", {"size": "40"}, updated_at=NOON)])


async def _join(store: Store, url: str) -> None:
    assert not (await join(store, "phone", "anna", NOON + 9)).refusal


async def _part(store: Store, url: str) -> None:
    assert not (await part(store, "laptop", NOON + 9)).refusal


async def _device_event(store: Store, url: str) -> None:
    await store.apply([seen("laptop", 8)])


async def _withdraw(store: Store, url: str) -> None:
    await store.withdraw({"anna": ["web:1"]})


async def _erase(store: Store, url: str) -> None:
    views, outbox = open_views(url), open_outbox(url)
    await erased(Places(store, views, outbox), "anna", NOON + 9)
    await views.aclose()
    await outbox.aclose()


async def _expire(store: Store, url: str) -> None:
    views, outbox = open_views(url), open_outbox(url)
    assert (await expire(store, views, outbox, NOON + 100))[0]
    await views.aclose()
    await outbox.aclose()


async def _rebuild(store: Store, url: str) -> None:
    await store.put_merge_rules({"plan": "highest"})
    assert await store.rebuild() == 1


WRITERS: dict[str, tuple[str, Callable[[Store, str], Awaitable[None]]]] = {
    "events": ("anna", _events),
    "an import": ("anna", _import),
    "a device of hers": ("anna", _join),
    "that device": ("phone", _join),
    "a device that is hers no more": ("anna", _part),
    "that device, then": ("laptop", _part),
    "what a device does": ("anna", _device_event),
    "events taken out": ("anna", _withdraw),
    "an erasure": ("anna", _erase),
    "the erasure of a device": ("laptop", _erase),
    "what is too old": ("anna", _expire),
    "merge rules": ("anna", _rebuild),
}


def told(visitor_id: str, number: int, plan: float) -> Arrival:
    return Arrival(
        visitor_id, Event(NOON + number, f"crm:{number}", "identified"), "crm", NOON + number, {"plan": plan}
    )


@pytest.mark.parametrize("what", WRITERS)
async def test_a_profile_changed_by_another_process_is_read_again(
    what: str, worker: Worker, other: Store, url: str
) -> None:
    visitor_id, change = WRITERS[what]
    await other.apply([seen("anna", 1), told("anna", 2, 9.0), told("anna", 3, 4.0)])
    await join(other, "laptop", "anna", NOON + 5)
    await worker.vouching.look()
    before = await worker.profiles.get(visitor_id, worker.at)
    await change(other, url)
    assert worker.profiles.remembered(visitor_id, worker.at) is before
    await worker.look()
    assert not worker.believes(visitor_id)
    now = await worker.profiles.get(visitor_id, worker.at)
    assert now != before
    stored = await other.get_profile(visitor_id)
    assert now == (await other.get_profile(stored.alias) if stored and stored.alias else stored or Profile(visitor_id))


ALONE = ("that device, then", "events taken out", "what is too old", "merge rules")


@pytest.mark.parametrize("what", ALONE)
async def test_an_unchanged_profile_is_not_read_again(what: str, worker: Worker, other: Store, url: str) -> None:
    visitor_id, change = WRITERS[what]
    await other.apply([seen("anna", 1), told("anna", 2, 9.0), told("anna", 3, 4.0), seen("zoe", 200)])
    await join(other, "laptop", "anna", NOON + 5)
    await worker.vouching.look()
    await worker.profiles.get(visitor_id, worker.at)
    zoe = await worker.profiles.get("zoe", worker.at)
    await change(other, url)
    await worker.look()
    assert not worker.believes(visitor_id)
    assert worker.profiles.remembered("zoe", worker.at) is zoe


async def test_of_who_was_forgotten_no_name_stays_for_longer_than_a_day(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.db"
    store, (views, outbox) = open_store(url), (open_views(url), open_outbox(url))
    await store.apply([seen("anna", 1), seen("zoe", 200)])
    assert await expire(store, views, outbox, NOON + 100) == (1, 0)
    place = await store.newest_change()
    assert await expire(store, views, outbox, NOON + 100) == (0, 0)
    assert await store.newest_change() == place, "who has looked since has missed nothing"
    for opened in (store, views, outbox):
        await opened.aclose()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        assert connection.execute("SELECT count(*), max(visitor_id) FROM erasures").fetchall() == [(1, None)]
    connection.close()


async def test_no_name_stays_of_who_was_erased(store: Store, url: str) -> None:
    start = await store.newest_change()
    await store.apply([seen("anna", 1), seen("ben", 1)])
    before = await store.newest_change()
    told = await store.changed(start, before)
    assert told is not None and set(told.visitor_ids) == {"anna", "ben"}
    await _erase(store, url)
    assert await store.changed(before, await store.newest_change()) is None
