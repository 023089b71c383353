"""Tombstones go with a copy: who was erased in one store does not come back in another, under either's key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.cli.store import copy_events
from proxy.model import Arrival, Event, Profile, View
from proxy.ports import Store
from proxy.stores import open_store, open_views
from tests.contracts.conftest import flush
from tests.wire.patience import PATIENT

NOON = 1_795_435_200.0


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Store]:
    """A SQLite store, to copy from or to."""
    opened = open_store(f"sqlite:{tmp_path}/other.db")
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("is_from_other", [True, False], ids=["into it", "from it"])
async def test_erased_visitors_do_not_come_back_in_a_copy(store: Store, other: Store, is_from_other: bool) -> None:
    source, target = (other, store) if is_from_other else (store, other)
    await source.apply([seen("anna", 1), seen("ben", 2)])
    await source.erase(["anna"], NOON + 10)
    await target.apply([seen("cleo", 3)])
    await target.erase(["cleo"], NOON + 10)
    await copy_events(source, target)
    await copy_events(source, target)

    replayed = await target.apply([seen("anna", 1), seen("ben", 2), seen("cleo", 3), seen("anna", 11)])
    assert [(one.visitor_id, one.event.id) for one in replayed.new] == [("anna", "web:11")]
    assert await target.put_profiles([Profile("anna", {"size": "40"}, updated_at=NOON + 20)]) == 0
    brought = await target.tombstones()
    assert (len(brought.keys), len(brought.erased_at)) == (2, 2)


async def test_another_process_learns_of_what_was_brought(store: Store, other: Store, url: str) -> None:
    beside = open_store(url)
    await beside.apply([seen("ben", 1)])
    await other.erase(["anna"], NOON + 10)
    await store.put_tombstones(await other.tombstones())
    assert list((await beside.apply([seen("anna", 1)])).new) == []
    await beside.aclose()


async def test_the_last_time_somebody_was_erased_counts(store: Store, other: Store) -> None:
    await other.erase(["anna"], NOON + 10)
    early = await other.tombstones()
    await other.erase(["anna"], NOON + 20)
    for tombstones in (await other.tombstones(), early):
        await store.put_tombstones(tombstones)
    assert list((await store.apply([seen("anna", 15)])).new) == []
    await store.erase(["anna"], NOON + 30)
    assert [one.event.id for one in (await store.apply([seen("anna", 25), seen("anna", 31)])).new] == ["web:31"]


async def test_a_tombstone_counts_before_anything_is_deleted(store: Store) -> None:
    await store.apply([seen("anna", 1)])
    await store.mark_erased(["anna"], NOON + 10)
    assert [one.event.id for one in (await store.apply([seen("anna", 2), seen("anna", 11)])).new] == ["web:11"]
    assert len(await store.log_of("anna")) == 2


async def test_what_an_erased_device_did_does_not_come_back_as_anothers(store: Store) -> None:
    await store.apply([seen("anna", 1)])
    await store.mark_erased(["tablet"], NOON + 10)
    carried = [Arrival("anna", seen("tablet", number).event, "web", NOON, via="tablet") for number in (2, 11)]
    assert [one.event.id for one in (await store.apply(carried)).new] == ["web:11"]


async def test_after_a_failover_to_an_empty_server_who_is_erased_by_one_process_stays_so_for_all(
    valkey_url: str,
) -> None:
    await flush(valkey_url)
    before, views = open_store(valkey_url, PATIENT), open_views(valkey_url)
    await before.apply([seen("anna", 1)])
    await before.erase(["ben"], NOON)  # it knows the key of the server that will be gone
    await views.put_views([View(NOON + 1, "v1", {}, visitor="anna")], most=10)
    await flush(valkey_url)
    since = open_store(valkey_url, PATIENT)
    await since.apply([seen("cleo", 1)])
    await since.erase(["anna"], NOON + 10)
    await before.erase(["cleo"], NOON + 10)
    await views.put_views([View(NOON + 1, "v1", {}, visitor="anna")], most=10)
    for store in (before, since):
        assert list((await store.apply([seen("anna", 1), seen("cleo", 1)])).new) == []
    assert await views.get_views(10) == []
    for one in (before, since, views):
        await one.aclose()
