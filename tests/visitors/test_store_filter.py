"""Who is taken for a stranger. What stores tell for it is in `tests/contracts/test_profile_store.py`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from proxy.errors import StoreError
from proxy.metrics import Metrics
from proxy.model import Arrival, Event, Link, Profile
from proxy.ports import KnownVisitors
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.remembered import MISSING
from proxy.visitors.store_filter import SPARE, MayHold, StoreFilter
from tests.wire.patience import PATIENT

NOW = 1_795_435_200.0


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.visitors.store_filter.LEAST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("proxy.visitors.store_filter.REST", 0.0)


class Store:
    """Knows some, told in two parts; notes who is read. It can be held up between the two."""

    def __init__(self) -> None:
        self.parts = [KnownVisitors(["dora"], ["mary"], "next", 3), KnownVisitors(["emil"], [], "", 3)]
        self.tells = True
        self.error: StoreError | None = None
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.is_half_read = asyncio.Event()
        self.asked: list[str] = []
        self.profiles: dict[str, Profile] = {}

    async def known_visitors(self, after: str) -> KnownVisitors | None:
        if self.error is not None:
            raise self.error
        if after:
            self.is_half_read.set()
            await self.may_go_on.wait()
        return self.parts[bool(after)] if self.tells else None

    async def get_profile(self, visitor_id: str) -> Profile | None:
        self.asked.append(visitor_id)
        return self.profiles.get(visitor_id)


@contextlib.asynccontextmanager
async def followed(store_filter: StoreFilter, store: Store, under_way: Sequence[Arrival] = ()) -> AsyncIterator[None]:
    task = asyncio.create_task(store_filter.follow(store, lambda: under_way))  # type: ignore[arg-type]
    yield
    task.cancel()


async def known(store_filter: StoreFilter, visitor_id: str = "nobody") -> None:
    """Returns when all are read."""
    async with asyncio.timeout(PATIENT.profile_budget_ms / 1_000):
        while store_filter.may_hold(visitor_id) is MayHold.MORE:
            await asyncio.sleep(0)


def viewed(visitor_id: str, kind: str = "page viewed", traits: dict[str, str | float | bool] | None = None) -> Arrival:
    return Arrival(visitor_id, Event(NOW, f"{visitor_id}-{kind}", kind), "page", NOW, traits or {})


async def test_everybody_may_be_known_until_all_that_the_store_knows_is_read() -> None:
    store_filter, store = StoreFilter(), Store()
    store.may_go_on.clear()
    async with followed(store_filter, store):
        assert store_filter.may_hold("nobody") is MayHold.MORE, "nobody said that it is to be read"
        store_filter.forget()
        await store.is_half_read.wait()
        assert store_filter.may_hold("nobody") is MayHold.MORE
        store.may_go_on.set()
        await known(store_filter)
        assert [store_filter.may_hold(id) for id in ("dora", "emil", "mary")] == [
            MayHold.HISTORY,
            MayHold.HISTORY,
            MayHold.MORE,
        ]
        assert store_filter.may_hold("nobody") is MayHold.NOTHING


async def test_visitors_added_while_ids_are_read_are_known() -> None:
    store_filter, store = StoreFilter(), Store()
    store.may_go_on.clear()
    store_filter.forget()
    under_way = [viewed("finn"), viewed("gina", traits={"loyalty": "gold"})]
    async with followed(store_filter, store, under_way):
        await store.is_half_read.wait()
        store_filter.add("hugo", has_more=False)
        store_filter.add("ines")
        store.may_go_on.set()
        await known(store_filter)
    assert [store_filter.may_hold(id) for id in ("finn", "hugo")] == [MayHold.HISTORY] * 2
    assert [store_filter.may_hold(id) for id in ("gina", "ines")] == [MayHold.MORE] * 2


async def test_what_was_read_before_everybody_may_have_changed_does_not_count() -> None:
    store_filter, store = StoreFilter(), Store()
    store.may_go_on.clear()
    store_filter.forget()
    async with followed(store_filter, store):
        await store.is_half_read.wait()
        store_filter.forget()
        store.may_go_on.set()
        for _ in range(10):
            await asyncio.sleep(0)
        assert store_filter.may_hold("nobody") is MayHold.MORE


@pytest.mark.parametrize(
    ("profile", "has_news", "may_hold"),
    [
        (Profile("anna"), False, MayHold.NOTHING),
        (Profile("anna"), True, MayHold.HISTORY),
        (Profile("anna", history=(Event(NOW, "1", "page viewed"),)), False, MayHold.HISTORY),
        (Profile("anna", {"loyalty": "gold"}), False, MayHold.MORE),
        (Profile("anna", segments=frozenset({"VIP"})), False, MayHold.MORE),
        (Profile("anna", links={"phone": Link(NOW, is_device=True)}), False, MayHold.MORE),
        (Profile("anna", bucket_key="older"), False, MayHold.MORE),
        (None, False, MayHold.MORE),
    ],
    ids=["nothing", "news", "history", "attributes", "segments", "devices", "bucket key", "damaged"],
)
async def test_a_profile_that_leaves_memory_stays_known(
    profile: Profile | None, has_news: bool, may_hold: MayHold
) -> None:
    store_filter = StoreFilter()
    store_filter.forget()
    async with followed(store_filter, Store()):
        await known(store_filter)
    store_filter.add_known("anna", profile, has_news=has_news)
    assert store_filter.may_hold("anna") is may_hold


@pytest.mark.usefixtures("without_pauses")
async def test_a_store_that_does_not_tell_leaves_everybody_known() -> None:
    store_filter, store = StoreFilter(), Store()
    store.tells = False
    store_filter.forget()
    async with asyncio.timeout(PATIENT.profile_budget_ms / 1_000):
        await store_filter.follow(store, tuple)  # type: ignore[arg-type]
    assert store_filter.may_hold("nobody") is MayHold.MORE


@pytest.mark.usefixtures("without_pauses")
async def test_where_many_have_come_all_are_read_again_into_more_room() -> None:
    store_filter, store = StoreFilter(), Store()
    store_filter.forget()
    async with followed(store_filter, store):
        await known(store_filter)
        store.is_half_read.clear()
        for number in range(2 * SPARE):
            store_filter.add(f"visitor-{number}", has_more=False)
        assert store_filter.may_hold("visitor-7") is MayHold.HISTORY
        async with asyncio.timeout(PATIENT.profile_budget_ms / 1_000):
            await store.is_half_read.wait()


@pytest.mark.usefixtures("without_pauses")
async def test_a_store_that_is_away_is_asked_again() -> None:
    store_filter, store = StoreFilter(), Store()
    store.error = StoreError("away")
    store_filter.forget()
    async with followed(store_filter, store):
        await asyncio.sleep(0)
        store.error = None
        await known(store_filter)
    assert store_filter.may_hold("mary") is MayHold.MORE


# -- met by the reader of profiles


@contextlib.asynccontextmanager
async def met() -> AsyncIterator[tuple[ProfileReader, Store]]:
    """A reader that knows whom its store knows."""
    store = Store()
    reader = ProfileReader(store, Metrics(), memory=3, settings=PATIENT)  # type: ignore[arg-type]
    reader.forget()
    reader.synced(NOW, ())
    task = asyncio.create_task(reader.follow_store())
    await known(reader.store_filter)
    yield reader, store
    task.cancel()
    await reader.aclose()


@pytest.mark.parametrize(
    ("visitor_id", "has_news", "is_asked"),
    [
        ("nobody", True, False),
        ("nobody", False, False),
        ("dora", False, False),
        ("dora", True, True),
        ("mary", False, True),
        ("mary", True, True),
    ],
)
async def test_the_store_is_read_only_for_ids_it_may_have(visitor_id: str, has_news: bool, is_asked: bool) -> None:
    async with met() as (reader, _):
        found = reader.remembered(visitor_id, NOW, has_news=has_news)
    assert (found is MISSING) == is_asked
    assert found is MISSING or (isinstance(found, Profile) and not found.history and not found.attributes)


async def test_what_a_stranger_does_counts_on_their_next_page() -> None:
    async with met() as (reader, store):
        assert await reader.get("nobody", NOW) == Profile("nobody")
        reader.apply_early([viewed("nobody")])
        profile = reader.remembered("nobody", NOW)
        assert isinstance(profile, Profile)
        assert [event.kind for event in profile.history] == ["page viewed"]
        reader.apply_early([viewed("somebody")])
        assert reader.remembered("somebody", NOW) is MISSING, "what they did is to be read with what the store has"
        assert isinstance(reader.remembered("somebody", NOW, has_news=False), Profile)
        assert store.asked == []


async def test_a_profile_dropped_for_room_does_not_count_as_absent() -> None:
    async with met() as (reader, store):
        store.profiles["mary"] = Profile("mary", {"loyalty": "gold"})
        store.profiles["paul"] = Profile("paul", {"loyalty": "gold"})
        reader.remember("paul", store.profiles["paul"], NOW)
        for number in range(5):
            await reader.get(f"visitor-{number}", NOW)
        assert reader.held("paul") is None
        assert await reader.get("paul", NOW) == store.profiles["paul"]


async def test_visitors_changed_by_other_processes_do_not_count_as_absent() -> None:
    async with met() as (reader, _):
        reader.synced(NOW, ["paul"])
        reader.invalidate(["rosa"])
        reader.arrived((), [viewed("sven")])
        assert [reader.remembered(id, NOW) for id in ("paul", "rosa", "sven")] == [MISSING] * 3


async def test_no_visitor_counts_as_absent_while_changes_are_not_watched() -> None:
    async with met() as (reader, _):
        assert reader.remembered("nobody", NOW + 4, has_news=False) is not MISSING
        assert reader.remembered("nobody", NOW + 5, has_news=False) is MISSING


async def test_after_somebody_was_erased_nothing_of_them_is_left_here() -> None:
    async with met() as (reader, _):
        reader.forget()
        assert reader.store_filter._known is None
        assert reader.store_filter._next is None


@pytest.mark.usefixtures("without_pauses")
async def test_visitors_active_after_a_reread_do_not_count_as_absent() -> None:
    store_filter, store = StoreFilter(), Store()
    async with followed(store_filter, store):
        store_filter.forget()
        await known(store_filter)
        store_filter.add_doers({"zoe"})
        assert store_filter.may_hold("zoe") is MayHold.HISTORY
        store.may_go_on.clear()
        store.is_half_read.clear()
        store_filter.forget()
        await store.is_half_read.wait()
        store_filter.add_doers({"zoe"})
        store.may_go_on.set()
        await known(store_filter)
        assert store_filter.may_hold("zoe") is MayHold.HISTORY
