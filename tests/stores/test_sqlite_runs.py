"""Values that lie together in a row are read each as if it were alone."""

from __future__ import annotations

import sqlite3

import pytest

from proxy.stores.sqlite_runs import CUT, ROOM, bounds, pieces, runs

TABLE = "CREATE TABLE noted (first INTEGER PRIMARY KEY, value BLOB NOT NULL, bounds TEXT NOT NULL)"
SIZES = [[1], [3, 0, 200], [ROOM // 3] * 7, [ROOM + 1, 1, ROOM, 70_000, 2], [120] * 150]


def cut(connection: sqlite3.Connection, place: int) -> bytes | None:
    sought = f"SELECT {CUT} FROM (SELECT ? AS place), noted WHERE first <= place ORDER BY first DESC"
    found: bytes | None = connection.execute(sought, (place,)).fetchone()[0]
    return found


@pytest.mark.parametrize("sizes", SIZES)
def test_each_is_cut_out_by_its_place(sizes: list[int]) -> None:
    values = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    with sqlite3.connect(":memory:") as connection:
        connection.execute(TABLE)
        rows = list(runs(7, values))
        connection.executemany("INSERT INTO noted VALUES (?, ?, ?)", rows)
        assert [cut(connection, place) for place in range(7, 7 + len(values))] == values
        assert not cut(connection, 7 + len(values)), "the last run has no such place"
    assert [value for _, run, their in rows for value in pieces(their, run)] == values
    connection.close()


def test_a_row_has_as_many_as_fill_a_page() -> None:
    assert [len(pieces(their, run)) for _, run, their in runs(1, [bytes(100)] * 100)] == [38, 38, 24]
    assert [len(run) for _, run, _ in runs(1, [bytes(ROOM + 1), b"a", bytes(ROOM)])] == [ROOM + 1, 1, ROOM]
    with sqlite3.connect(":memory:") as connection:
        connection.execute(TABLE)
        connection.executemany("INSERT INTO noted VALUES (?, ?, ?)", runs(10**9, [bytes(60)] * 640))
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    assert pages == 10 + 2, "with one that lists the tables, and one that lists the others"
    connection.close()


def test_what_was_taken_out_leaves_the_others_where_they_are() -> None:
    assert pieces(bounds([b"ab", b"", b"c"]), b"abc") == [b"ab", b"", b"c"]
