"""Whom a SQLite file knows, told in parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from proxy.model import Arrival, Event
from proxy.stores import sqlite_bulk, sqlite_changes, sqlite_log
from proxy.stores.record import packed_arrival

NOON = 1_795_435_200.0


def told(connection: sqlite3.Connection) -> tuple[list[str], list[str], int]:
    """All with a history alone, all with more, and in how many parts."""
    history_only, more, place = list[str](), list[str](), ""
    for parts in range(1, 20):
        some = sqlite_changes.known_visitors(connection, place)
        history_only += some.history_only
        more += some.more
        if not (place := some.place):
            return history_only, more, parts
    raise AssertionError("it never ends")


def put(connection: sqlite3.Connection, visitor_ids: Iterator[str], value: bytes) -> None:
    rows = [(visitor_id, value) for visitor_id in visitor_ids]
    connection.executemany("INSERT INTO profiles (visitor_id, value) VALUES (?, ?)", rows)


def log(connection: sqlite3.Connection, *names: str) -> None:
    """Two events each, without a checkpoint."""
    seen = [Arrival(id, Event(NOON, f"web:{n}", "page viewed", "/"), "web", NOON) for id in names for n in range(2)]
    rows = [(one.visitor_id, one.event.id, one.received_at, packed_arrival(one)) for one in seen]
    sqlite_bulk.write(connection, sqlite_log.LOG, rows)


def test_an_empty_file_knows_nobody(connection: sqlite3.Connection) -> None:
    assert told(connection) == ([], [], 2)


def test_an_empty_checkpoint_has_events_only(connection: sqlite3.Connection) -> None:
    put(connection, iter(["anna", "ben"]), b"")
    put(connection, iter(["cleo"]), b"a profile")
    assert told(connection) == (["anna", "ben"], ["cleo"], 3)


def test_visitors_with_events_and_no_checkpoint_are_listed(connection: sqlite3.Connection) -> None:
    put(connection, iter(["anna", "ben"]), b"")
    log(connection, "anna", "dora", "zoe")
    assert told(connection)[:2] == (["anna", "ben"], ["dora", "zoe"])


@pytest.mark.parametrize("many", [sqlite_changes.AT_ONCE - 1, sqlite_changes.AT_ONCE, 2 * sqlite_changes.AT_ONCE + 1])
def test_many_are_told_in_parts_and_nobody_is_left_out(connection: sqlite3.Connection, many: int) -> None:
    put(connection, (f"in-{number}" for number in range(many)), b"")
    log(connection, *(f"out-{number:05}" for number in range(many)))
    history_only, more, _ = told(connection)
    assert history_only == [f"in-{number}" for number in range(many)]
    assert more == [f"out-{number:05}" for number in range(many)]


def test_it_says_about_how_many_there_are(connection: sqlite3.Connection) -> None:
    put(connection, (f"in-{number}" for number in range(1_234)), b"")
    assert sqlite_changes.known_visitors(connection, "").total == 1_234
