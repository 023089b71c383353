from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from proxy.stores import bulk, tables


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    tables.prepare(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("count", [0, 1, bulk.ROWS, 2 * bulk.ROWS + 1])
def test_any_number_of_rows_is_written(connection: sqlite3.Connection, count: int) -> None:
    bulk.write(connection, tables.NAME, [(f"n{number}",) for number in range(count)])
    assert connection.execute("SELECT count(*) FROM attribute_names").fetchone() == (count,)


def test_a_row_may_take_anothers_place(connection: sqlite3.Connection) -> None:
    bulk.write(connection, tables.WRITE, [("anna", b"1"), ("ben", b"1")], tables.REPLACE)
    bulk.write(connection, tables.WRITE, [("anna", b"2")], tables.REPLACE)
    assert dict(connection.execute("SELECT * FROM profiles")) == {"anna": b"2", "ben": b"1"}


def test_what_the_log_has_is_known_by_visitor_and_id(connection: sqlite3.Connection) -> None:
    bulk.write(connection, tables.LOG, [("anna", 'it\'s "1"', 0.0, b""), ("ben", "é", 0.0, b"")])
    assert bulk.logged(connection, [("anna", 'it\'s "1"'), ("ben", "é"), ("anna", "é"), ("x\0", "1")]) == {
        ("anna", 'it\'s "1"'),
        ("ben", "é"),
    }
    assert bulk.logged(connection, []) == set()


def test_the_log_is_looked_up_and_not_read_through(connection: sqlite3.Connection) -> None:
    plan = " ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + bulk.KNOWN, ("[]",)))
    assert "SEARCH events USING COVERING INDEX events_once" in plan
