"""What is old leaves every store: log, history and profile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from redis.asyncio import Redis

from proxy.model import Arrival, Delivery, Event, View
from proxy.ports import Refused, Store
from proxy.stores import open_outbox, open_views, sqlite_log
from proxy.stores.logs import AT_ONCE, expire
from proxy.stores.record import packed_event_of
from proxy.stores.redis_visitor import log_key
from proxy.stores.sqlite import SqliteStore

NOON = 1_795_435_200.0
DAY = 86_400.0


def came(visitor: str, number: int, days_ago: float) -> Arrival:
    at = NOON - days_ago * DAY
    return Arrival(visitor, Event(at, f"web:{number}", "page viewed", "/"), "web", at, {f"size{number}": "40"})


async def test_nothing_older_than_asked_is_left_anywhere(store: Store, url: str) -> None:
    await store.apply([came("anna", 1, 400), came("anna", 2, 399.9), came("ben", 1, 500), came("zoe", 1, 1)])
    await store.refuse([Refused(NOON - days * DAY, "web", "type", b"%d" % days) for days in (500, 1)])
    views = open_views(url)
    await views.put_views([View(NOON - days * DAY, "v", {}, visitor="anna") for days in (500, 401, 1)], most=10)
    outbox = open_outbox(url)
    assert await outbox.lead("me", NOON, 60.0)
    told = [Delivery(f"m{days}", "cdp", "anna", "VIP", True, NOON, NOON - days * DAY) for days in (500, 1)]
    await outbox.put("me", [], told, None, NOON)
    for one in told:
        await outbox.give_up(one)
    assert await expire(store, views, outbox, NOON - 400 * DAY + 1) == (2, 2)
    anna = await store.get_profile("anna")
    assert anna is not None
    assert ([event.id for event in anna.history], dict(anna.attributes)) == (["web:2"], {"size2": "40"})
    assert (await store.get_profile("ben"), await store.log_of("ben")) == (None, [])
    assert {visitor async for visitor in store.visitors()} == {"anna", "zoe"}
    assert {arrival.visitor_id for arrival in (await store.log("", 100))[0]} == {"anna", "zoe"}
    assert [one.payload for one in await store.refused()] == [b"1"]
    assert [view.at for view in await views.get_views(10)] == [NOON - DAY]
    assert await outbox.given_up() == told[1:]
    assert await expire(store, views, outbox, NOON - 400 * DAY + 1) == (0, 0)
    await views.aclose()
    await outbox.aclose()


async def test_whose_events_are_old_is_known_without_reading_everybodys(store: Store, url: str) -> None:
    noted = [
        packed_event_of(came("zoe", 2, 500)),
        packed_event_of(came("dan", 1, 1)),
        packed_event_of(came("eve", 1, 450)),
    ]
    await store.apply([came("anna", 1, 400), came("anna", 2, 1), came("ben", 1, 1)], noted)
    await store.apply([came("cleo", 1, 401), came("anna", 3, 500)])
    found = [visitor async for visitor in store.visitors_before(NOON - 300 * DAY)]
    assert len(found) == len(set(found))
    assert set(found) == {"anna", "cleo", "zoe", "eve"}
    await damage(url, "anna", "web:2")
    assert {visitor async for visitor in store.visitors_before(NOON - 450 * DAY)} == {"anna", "zoe"}, "one is damaged"


async def test_all_of_a_long_log_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_log, "PLACES_AT_ONCE", 2)
    store = SqliteStore(tmp_path / "s.db")
    await store.apply([came(f"v{number % 3}", number, 500) for number in range(7)])
    assert sorted([visitor async for visitor in store.visitors_before(NOON)]) == ["v0", "v1", "v2"]
    await store.aclose()


async def damage(url: str, visitor: str, id: str) -> None:
    """Writes what is no event in the place of this one."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as connection, connection:
            changed = connection.execute(
                "UPDATE events SET value = x'c1' WHERE visitor_id = ? AND id = ?", (visitor, id)
            )
            assert changed.rowcount == 1
    else:
        async with Redis.from_url(url) as client:
            assert await client.hset(log_key(visitor), id, b"\xc1") == 0, "it was there"


async def test_one_damaged_event_keeps_no_others_from_expiring(store: Store, url: str) -> None:
    await store.apply([came("anna", 1, 400), came("anna", 2, 399), came("anna", 3, 1), came("ben", 1, 400)])
    await damage(url, "anna", "web:1")
    views, outbox = open_views(url), open_outbox(url)
    assert await expire(store, views, outbox, NOON - 300 * DAY) == (2, 0)
    assert [[one.event.id for one in log] for log in await store.logs_of(["anna", "ben"])] == [["web:3"], []]
    await views.aclose()
    await outbox.aclose()


@pytest.mark.parametrize(("seconds", "transactions"), [(60.0, 2), (-1.0, AT_ONCE + 1)])
async def test_many_visitors_are_forgotten_in_one_transaction_but_for_no_longer_than_events_may_wait(
    seconds: float, transactions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_log, "LONGEST_SECONDS", seconds)
    store = SqliteStore(tmp_path / "s.db")
    await store.apply([came(f"v{number}", 1, 500) for number in range(AT_ONCE + 1)])
    said: list[str] = []
    store._writing.set_trace_callback(said.append)
    await store.withdraw({})
    views, outbox = open_views(f"sqlite:{tmp_path}/s.db"), open_outbox(f"sqlite:{tmp_path}/s.db")
    await expire(store, views, outbox, NOON - 400 * DAY)
    assert said.count("COMMIT") == transactions + 2, "and two for what lies beside visitors"
    assert [visitor async for visitor in store.visitors()] == []
    for opened in (store, views, outbox):
        await opened.aclose()
