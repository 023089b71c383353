from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import store as module
from proxy.cli import tailorbird
from proxy.cli.store import copy_erasures, copy_events, copy_sightings, copy_views, copy_webhook_state
from proxy.model import Arrival, Delivery, Event, LogProgress, Product, Profile, Sighting, Standing, View
from proxy.ports import Applied, Refused, Store
from proxy.stores import open_outbox, open_sightings, open_store, open_views
from proxy.stores.joining import join
from proxy.stores.personal_data import Places, erased
from tests.wire.storage import storage

NOON = 1_795_435_200.0
ANNA = Profile("anna", {"orders": 4.0}, frozenset({"VIP"}), NOON)


def viewed(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(f"sqlite:{tmp_path}/from.db")
    await store.put_profiles([ANNA])
    await store.apply([viewed("anna", 1), viewed("ben", 2), viewed("ben", 3)])
    await store.refuse([Refused(NOON, "web", "type", b"{}")])
    yield store
    await store.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
async def test_everything_is_copied_once(source: Store, tmp_path: Path, kind: str) -> None:
    async with storage(kind, tmp_path) as url:
        target = open_store(url)
        assert await copy_events(source, target) == (2, 4)
        for visitor_id in ("anna", "ben"):
            assert await target.get_profile(visitor_id) == await source.get_profile(visitor_id)
        assert await target.refused() == await source.refused()
        assert await copy_events(source, target) == (2, 0), "what is there changes nothing"
        assert len(await target.refused()) == 1
        await target.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
@pytest.mark.parametrize("at_once", [3, 1_000])
async def test_many_visitors_are_copied_in_one_transaction_and_devices_keep_what_is_theirs(
    source: Store, tmp_path: Path, kind: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_AT_ONCE", at_once)
    await source.apply([viewed(name, 4) for name in ("a-phone", "jane", "z-phone")])
    for number, device in enumerate(("a-phone", "z-phone")):
        await join(source, device, "jane", NOON + 10 + number)
    await source.apply([viewed(name, 50) for name in ("a-phone", "z-phone")])
    async with storage(kind, tmp_path) as url:
        target, sizes = open_store(url), list[int]()
        add = target.apply

        async def counted(arrivals: Sequence[Arrival]) -> Applied:
            sizes.append(len(arrivals))
            return await add(arrivals)

        monkeypatch.setattr(target, "apply", counted)
        await copy_events(source, target)
        assert (len(sizes) == 1) == (at_once == 1_000)
        for visitor_id in ("anna", "ben", "a-phone", "jane", "z-phone"):
            assert await target.log_of(visitor_id) == await source.log_of(visitor_id)
            assert await target.get_profile(visitor_id) == await source.get_profile(visitor_id)
        await target.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
async def test_whoever_was_erased_since_is_erased_from_the_copy_with_what_was_before(
    source: Store, tmp_path: Path, kind: str
) -> None:
    places = Places(source, open_views(f"sqlite:{tmp_path}/from.db"), open_outbox(f"sqlite:{tmp_path}/from.db"))
    async with storage(kind, tmp_path) as url:
        copy = Places(open_store(url), open_views(url), open_outbox(url))
        await copy_events(source, copy.store)
        await copy.views.put_views([View(NOON, "v1", {}, visitor=name) for name in ("ben", "anna")], most=10)
        await copy.store.apply([viewed("ben", 9_000), viewed("anna", 9_000)])
        await erased(places, "ben", NOON + 5_000)
        (receipt,) = await copy_erasures(source, copy)
        assert (receipt.visitor, receipt.erased["events"], receipt.is_whole) == ("ben", 3, True)
        assert [one.event.id for one in await copy.store.log_of("ben")] == ["web:9000"], "that is of somebody new"
        assert [view.visitor for view in await copy.views.get_views(10)] == ["anna"]
        assert len(await copy.store.log_of("anna")) == 3
        assert await copy_erasures(source, copy) == [], "nothing of before is left"
        for one in (*copy, *places[1:]):
            await one.aclose()


async def test_the_command_says_what_it_copied(source: Store, tmp_path: Path) -> None:
    arguments = ["store", "copy", f"sqlite:{tmp_path}/from.db", f"sqlite:{tmp_path}/to.db"]
    result = await asyncio.to_thread(CliRunner().invoke, tailorbird, arguments)
    assert result.exit_code == 0, result.output
    assert result.output == "2 visitors, 4 events that were not there\n"


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
async def test_what_webhooks_were_told_is_copied_and_told_nobody_again(
    source: Store, tmp_path: Path, kind: str
) -> None:
    async with storage(kind, tmp_path) as url:
        target = open_store(url)
        await copy_events(source, target)
        boxes = open_outbox(f"sqlite:{tmp_path}/from.db"), open_outbox(url)
        assert await copy_webhook_state(*boxes, "", NOON) and await boxes[1].progress() == LogProgress()
        standing = Standing("anna", {"cdp": {"VIP": NOON}}, NOON + 60)
        waits, lost = (Delivery(f"m{n}", "cdp", "anna", "VIP", True, NOON, NOON) for n in range(2))
        assert await boxes[0].lead("me", NOON, 60.0)
        await boxes[0].put("me", [standing], [waits, lost], LogProgress("7", "rules", NOON), NOON)
        await boxes[0].give_up(lost)
        for _ in range(2):
            assert await copy_webhook_state(*boxes, await target.end_of_log(), NOON)
            assert await boxes[1].stored_of(["anna"]) == await boxes[0].stored_of(["anna"])
            assert (await boxes[1].oldest("cdp", 9), await boxes[1].given_up()) == ([waits], [lost])
        assert await boxes[1].progress() == LogProgress(await target.end_of_log(), "store copy", NOON)
        while not await boxes[1].lead("a server", NOON, 60.0):  # a server of its own clock lets go a moment later
            await asyncio.sleep(0.001)
        assert not await copy_webhook_state(*boxes, "", NOON), "whoever serves from it knows better"
        for one in (*boxes, target):
            await one.aclose()


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
async def test_recorded_views_and_what_was_told_of_products_are_copied_once(tmp_path: Path, kind: str) -> None:
    here = f"sqlite:{tmp_path}/from.db"
    async with storage(kind, tmp_path) as url:
        views, products = (open_views(here), open_views(url)), (open_sightings(here), open_sightings(url))
        recorded = [View(NOON + n, "v", {"home.hero": "Sale"}, visitor=f"v{n}") for n in range(3)]
        await views[0].put_views(recorded[:2], most=9)
        await views[1].put_views(recorded[2:], most=9)
        await copy_views(*views)
        await copy_views(*views)
        assert await views[1].get_views(9) == [recorded[2], *recorded[:2]]
        mat = Product("MAT", "Mat", "/p/MAT")
        gone, sold_out = Sighting("CUP", NOON, None), Sighting("MAT", NOON, mat, mat, is_change=True)
        older, newer = Sighting("BAG", NOON, None), Sighting("BAG", NOON + 1, None)
        await products[0].put_sightings([gone, older, sold_out], most=9)
        await products[1].put_sightings([newer], most=9)
        await copy_sightings(*products)
        assert (await products[1].get_sightings(0, 9))[0] == [newer, gone, sold_out]
        before = (await products[1].get_sightings(0, 9))[1]
        await copy_sightings(*products)
        assert (await products[1].get_sightings(before, 9))[0] == []
        for one in (*views, *products):
            await one.aclose()


def test_a_store_that_is_not_there_is_not_copied_and_none_is_made(tmp_path: Path) -> None:
    urls = [f"sqlite:{tmp_path}/{name}.db" for name in ("typo", "new")]
    result = CliRunner().invoke(tailorbird, ["store", "copy", *urls])
    assert (result.exit_code, "there is no store `sqlite:" in result.output) == (1, True)
    assert not list(tmp_path.iterdir())
    assert CliRunner().invoke(tailorbird, ["store", "copy", urls[0], urls[0]]).exit_code == 2
