"""Exporting and erasing all of a visitor, over every place that keeps something."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.model import Arrival, Delivery, Event, Item, Standing, View
from proxy.ports import Refused
from proxy.stores import open_outbox, open_store, open_views
from proxy.stores.joining import join
from proxy.stores.personal_data import PERSONAL_DATA, Places, erased, exported, unmerged

NOON = 1_795_435_200.0
SEEN = Event(NOON, "web:1", "product viewed", items=(Item("A", "shoes"),), shown=("Sale",))


@pytest.fixture
async def places(tmp_path: Path) -> AsyncIterator[Places]:
    """Where anna has a laptop, and ben is somebody else."""
    url = f"sqlite:{tmp_path}/s.db"
    store, views, outbox = open_store(url), open_views(url), open_outbox(url)
    await store.apply([Arrival("laptop", SEEN, traits={"size": "40"}), Arrival("ben", SEEN)])
    await join(store, "laptop", "anna", NOON)
    await store.refuse([Refused(NOON, "web", "type", b'{"userId": "anna"}'), Refused(NOON, "web", "type", b"{}")])
    shown = [View(NOON, "v1", {}, {}, (), visitor) for visitor in ("laptop", "ben", "")]
    await views.put_views(shown, most=100)
    await outbox.lead("me", NOON, 60.0)
    told = [Standing(visitor, {"cdp": {"VIP": NOON}}) for visitor in ("anna", "ben")]
    await outbox.put("me", told, [Delivery("1", "cdp", "anna", "VIP", True, NOON, NOON)], None, NOON)
    yield Places(store, views, outbox)
    await store.aclose()
    await views.aclose()
    await outbox.aclose()


async def test_an_export_has_every_place_and_every_device(places: Places) -> None:
    told = await exported(places, "laptop")
    assert told.keys() == {"ids", *(kind.name for kind in PERSONAL_DATA)}
    assert told["ids"] == ["anna", "laptop"]
    plain = json.loads(msgspec.json.encode(told))
    assert [len(plain[kind.name]) for kind in PERSONAL_DATA] == [1, 2, 2, 1, 4]
    assert plain["profiles"][0]["attributes"] == {"size": "40"}
    first = next(event for event in plain["events"] if event["device"])
    assert (first["kind"], first["at"], first["device"]) == ("product viewed", "2026-11-23T12:00:00Z", "laptop")
    assert first["products"][0]["category"] == "shoes"
    assert first["shown"] == ["Sale"]


async def test_a_receipt_says_what_was_erased_and_that_nothing_is_left(places: Places) -> None:
    receipt = await erased(places, "anna", NOON + 1)
    assert receipt.ids == 2
    assert receipt.erased == {
        "page views": 1,
        "messages to webhooks": 2,
        "events": 4,
        "profiles": 2,
        "events not taken": 1,
    }
    assert receipt.is_whole and set(receipt.left) == {kind.name for kind in PERSONAL_DATA}
    ben = await exported(places, "ben")
    assert [len(ben[kind.name]) for kind in PERSONAL_DATA] == [1, 1, 1, 0, 1]  # type: ignore[arg-type]


class Browsing:
    """A store whose visitor goes on looking at pages while they are erased."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def __getattr__(self, name: str) -> Any:
        return getattr(self._places.store, name)

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        gone = await self._places.store.erase(visitor_ids, now)
        at = now + 60
        await self._places.store.apply([Arrival("laptop", Event(at, "web:9", "page viewed", "/"), received_at=at)])
        await self._places.views.put_views([View(at, "v1", {}, {}, (), "laptop")], most=100)
        return gone


async def test_a_visitor_who_keeps_browsing_is_erased(places: Places) -> None:
    receipt = await erased(places._replace(store=Browsing(places)), "anna", NOON + 1)  # type: ignore[arg-type]
    assert receipt.is_whole, receipt.left
    assert [one.event.id for one in await places.store.log_of("laptop")] == ["web:9"]
    assert [view.at for view in await places.views.get_views(100) if view.visitor == "laptop"] == [NOON + 61]


class Reading:
    """A store whose visitors somebody reads while they are being erased, and says in the outbox what they are in."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.looked_at = NOON + 1 + 1e-6

    def __getattr__(self, name: str) -> object:
        return getattr(self._places.store, name)

    async def say(self) -> None:
        told = [Standing("anna", {"cdp": {"VIP": NOON}}, NOON + 600)]
        delivery = Delivery("2", "cdp", "anna", "VIP", True, NOON, NOON)
        await self._places.outbox.put("me", told, [delivery], None, self.looked_at)

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        await self.say()
        self.erase = self._places.store.erase  # type: ignore[method-assign]  # once
        return await self._places.store.erase(visitor_ids, now)


async def test_a_visitor_being_erased_is_announced_to_no_receiver(places: Places, tmp_path: Path) -> None:
    reading = Reading(places)
    receipt = await erased(places._replace(store=reading), "anna", NOON + 1)  # type: ignore[arg-type]
    assert receipt.is_whole and receipt.erased["messages to webhooks"] == 2
    await reading.say()
    assert await places.outbox.stored_of(["anna"]) == ([], [])
    assert not any(b"anna" in file.read_bytes() for file in sorted(tmp_path.iterdir()))  # noqa: ASYNC240


async def test_no_view_is_kept_of_any_who_were_one_and_are_not_any_more(places: Places) -> None:
    shown = [View(NOON, "v1", {}, {"plan": "gold"}, (), visitor) for visitor in ("anna", "phone", "zoe")]
    await places.views.put_views(shown, most=100)
    await join(places.store, "phone", "anna", NOON)
    assert await unmerged(places, "laptop", NOON + 1)
    assert {view.visitor for view in await places.views.get_views(100)} == {"ben", "", "zoe"}
    assert not await unmerged(places, "zoe", NOON + 1)
    assert {view.visitor for view in await places.views.get_views(100)} == {"ben", "", "zoe"}


@pytest.mark.parametrize(("whose", "other"), [("anna", "laptop"), ("laptop", "anna")])
async def test_a_split_off_device_holds_nothing_of_an_erased_person(places: Places, whose: str, other: str) -> None:
    await unmerged(places, "laptop", NOON + 1)
    late = View(NOON + 1, "v1", {}, {"name": whose}, (), other)  # decided by a worker that did not know yet
    await places.views.put_views([late], most=100)
    receipt = await erased(places, whose, NOON + 9)
    assert (receipt.ids, receipt.is_whole) == (1, True)
    left = json.dumps(msgspec.to_builtins(await exported(places, other)))
    assert whose not in left and other in left


async def test_an_unknown_visitor_has_nothing_to_export_or_erase(places: Places) -> None:
    assert set(map(str, (await exported(places, "zoe")).values())) == {"['zoe']", "[]"}
    receipt = await erased(places, "zoe", NOON)
    assert not any(receipt.erased.values())
