"""What a connection to a SQLite file remembers is never more than the file has."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.model import Arrival, Event, PackedEvent
from proxy.stores import open_store, sqlite_log, sqlite_schema
from proxy.stores.joining import join
from proxy.stores.record import packed_event_of
from proxy.stores.sqlite import whole
from proxy.stores.sqlite_cache import LATELY, CachingConnection, cache_of
from proxy.stores.sqlite_noted import all_of

NOON = 1_795_435_200.0


def views(visitor_id: str, *at: int) -> Sequence[Arrival]:
    return [
        Arrival(visitor_id, Event(NOON + one, f"page:ab:{one:x}-0", "page viewed"), "page", NOON + one) for one in at
    ]


def sent(visitor_id: str, at: int) -> Sequence[Arrival]:
    return [Arrival(visitor_id, Event(NOON + at, f"web:{at}", "page viewed"), "web", NOON + at)]


def page_events(visitor_id: str, *at: int) -> Sequence[PackedEvent]:
    return list(map(packed_event_of, views(visitor_id, *at)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    opened = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    sqlite_schema.prepare(opened)
    opened.close()
    return tmp_path / "s.db"


def opened(path: Path) -> CachingConnection:
    return sqlite3.connect(path, isolation_level=None, factory=CachingConnection)


def noted(connection: sqlite3.Connection, first: int, visitors: Sequence[int]) -> None:
    connection.execute("INSERT INTO noted_newest VALUES (?, ?)", (first, str(list(visitors))))


def test_what_others_noted_is_found_where_it_lies(path: Path) -> None:
    here, there = opened(path), opened(path)
    noted(there, 1, [7, 8, 7])
    cache = here.cache
    cache.look(here)
    assert (cache.places(7), cache.places(8), cache.places(9)) == ([1, 3], [2], [])
    noted(there, 9, [9, 7])
    cache.look(here)
    assert (cache.places(7), cache.places(9)) == ([1, 3, 10], [9])
    here.close()
    there.close()


def test_no_more_is_remembered_than_twice_what_no_index_has(path: Path) -> None:
    connection = opened(path)
    for first in range(1, 4 * LATELY, 1_000):
        noted(connection, first, [first] * 1_000)
    cache = connection.cache
    cache.look(connection)
    assert cache.places(1) == []
    newest = range(3 * LATELY + 1, 4 * LATELY, 1_000)
    assert all(len(cache.places(first)) == 1_000 for first in newest)
    connection.close()


def test_a_connection_of_another_kind_remembers_nothing() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    sqlite_schema.prepare(connection)
    cache_of(connection).known(connection, 0)["anna"] = 7
    assert cache_of(connection).known(connection, 0) == {}
    connection.close()


def test_cached_rows_hold_until_the_file_changes(path: Path) -> None:
    connection = opened(path)
    connection.cache.known(connection, 0)["anna"] = 7
    assert connection.cache.known(connection, 0) == {"anna": 7}
    assert connection.cache.known(connection, 1) == {}
    connection.close()


def test_merged_and_erased_ids_leave_the_cache(path: Path) -> None:
    here, there = opened(path), opened(path)
    here.cache.known(here, 0).update({"anna": 7, "phone": 8})
    there.execute("INSERT INTO devices VALUES ('phone', 'anna')")
    assert here.cache.known(here, 0) == {"anna": 7}
    there.execute("INSERT INTO tombstones VALUES (x'00', 1)")
    assert here.cache.known(here, 0) == {}
    here.close()
    there.close()


def test_a_transaction_that_failed_is_not_remembered(path: Path) -> None:
    connection = opened(path)

    def fail(connection: sqlite3.Connection) -> None:
        sqlite_log.apply(connection, [], page_events("anna", 1, 2))
        assert len(all_of(connection, "anna")) == 2
        raise RuntimeError

    with pytest.raises(RuntimeError):
        whole(connection, fail)
    whole(connection, lambda connection: sqlite_log.apply(connection, [], page_events("ben", 3)))
    whole(connection, lambda connection: sqlite_log.apply(connection, [], page_events("anna", 4)))
    assert all_of(connection, "ben") == {1: views("ben", 3)[0]}
    assert all_of(connection, "anna") == {2: views("anna", 4)[0]}
    assert sqlite_log.visitors(connection, "") == ["anna", "ben"]
    connection.close()


async def test_events_of_who_is_known_go_where_another_process_says(path: Path) -> None:
    here, there = open_store(f"sqlite:{path}"), open_store(f"sqlite:{path}")
    await here.apply(sent("phone", 1))
    await here.apply(sent("phone", 2))
    assert not (await join(there, "phone", "anna", NOON + 3)).refusal
    assert (await here.apply(sent("phone", 4), page_events("phone", 5))).visitors.keys() == {"anna"}
    await there.erase(["anna", "phone"], NOON + 6)
    assert not (await here.apply(sent("anna", 5), page_events("phone", 6))).all_new
    assert [one.visitor_id for one in (await here.apply(sent("anna", 7))).new] == ["anna"]
    await here.aclose()
    await there.aclose()


async def test_a_visitor_erased_elsewhere_who_returns_is_found(path: Path) -> None:
    here, there = open_store(f"sqlite:{path}"), open_store(f"sqlite:{path}")
    await here.apply([], page_events("anna", 1))
    await there.erase(["anna"], NOON + 2)
    await here.apply([], page_events("anna", 3))
    assert [visitor_id async for visitor_id in there.visitors()] == ["anna"]
    assert await there.log_of("anna") == views("anna", 3)
    await here.aclose()
    await there.aclose()
