"""The file tells of whom it becomes true that their events are not logged as they come."""

from __future__ import annotations

import sqlite3

import pytest

from proxy.stores import sqlite_tombstones
from proxy.stores.sqlite_diverted import MOST, forget_names, since

NOON = 1_795_435_200.0


def join(connection: sqlite3.Connection, *devices: str) -> None:
    connection.executemany("INSERT INTO devices VALUES (?, 'anna')", [(device,) for device in devices])


def test_it_is_told_once_of_each_device(connection: sqlite3.Connection) -> None:
    assert since(connection, 0) == (0, [])
    join(connection, "phone", "tab\0let é")
    assert since(connection, 0) == (2, ["phone", "tab\0let é"])
    join(connection, "laptop")
    assert since(connection, 2) == (3, ["laptop"])
    assert since(connection, 3) == (3, [])


@pytest.mark.parametrize("ids", [["anna"], ["ben", "anna"]])
def test_when_anybody_is_erased_it_is_true_of_anybody_and_no_name_is_left(
    connection: sqlite3.Connection, ids: list[str]
) -> None:
    join(connection, "phone")
    for at in (NOON, NOON + 1):
        before, _ = since(connection, 0)
        sqlite_tombstones.leave(connection, ids, at)
        assert since(connection, before) == (before + len(ids), None)
    assert connection.execute("SELECT visitor_id FROM apart").fetchall() == [(None,)]


def test_a_reader_that_missed_too_many_changes_hears_that_any_may_have_changed(connection: sqlite3.Connection) -> None:
    join(connection, *map(str, range(MOST + 5)))
    assert since(connection, 4) == (MOST + 5, None)
    assert since(connection, MOST + 4) == (MOST + 5, [str(MOST + 4)])


def test_names_can_be_forgotten(connection: sqlite3.Connection) -> None:
    join(connection, "phone")
    forget_names(connection)
    assert connection.execute("SELECT visitor_id FROM apart").fetchall() == [(None,)]
    assert since(connection, 1) == (2, None)
