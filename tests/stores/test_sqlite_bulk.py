from __future__ import annotations

import sqlite3

import pytest

from proxy.stores import sqlite_bulk, sqlite_log


@pytest.mark.parametrize("count", [0, 1, sqlite_bulk.ROWS, 2 * sqlite_bulk.ROWS + 1])
def test_any_number_of_rows_is_written(connection: sqlite3.Connection, count: int) -> None:
    sqlite_bulk.write(connection, sqlite_log.NAME, [(f"n{number}",) for number in range(count)])
    assert connection.execute("SELECT count(*) FROM attribute_names").fetchone() == (count,)


@pytest.mark.parametrize("count", [0, 1, 2 * sqlite_bulk.ROWS + 1])
def test_any_number_of_values_is_looked_for(connection: sqlite3.Connection, count: int) -> None:
    sqlite_bulk.write(connection, sqlite_log.NAME, [(f"n{number}",) for number in range(count)])
    sought = [f"n{number}" for number in range(0, 2 * count, 7)]
    found = sqlite_bulk.among(connection, "SELECT name FROM attribute_names WHERE name", sought)
    assert sorted(found) == sorted((f"n{number}",) for number in range(0, count, 7))
