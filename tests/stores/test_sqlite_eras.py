"""What was noted of a visitor is found in every era since a place, and nobody else's is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from proxy.stores.sqlite_eras import PLACES, SCHEMA, add, take_out

ERA = 1 << 18
WHOSE = {7 << 4: [1, 2, ERA - 1, ERA, ERA + 1, 5 * ERA - 1, 5 * ERA], 0xFFFF_FFFF: [3, 2**34], 8 << 4: [4, ERA + 2]}
"""By number, over the ends of eras, and up to where they have 16 bits."""


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.executescript(SCHEMA)
    opened.execute("CREATE TABLE noted (who INTEGER, there INTEGER)")
    rows = [(number, place) for number, places in WHOSE.items() for place in places]
    opened.executemany("INSERT INTO noted VALUES (?, ?)", rows)
    for _ in range(2):  # twice is as once
        add(opened, "noted", "who", "there")
    yield opened
    opened.close()


def places(connection: sqlite3.Connection, number: int, after: int = 0) -> list[int]:
    return sorted(place for (place,) in connection.execute(PLACES.format(number=number, after=after)))


def test_all_after_a_place_is_found(connection: sqlite3.Connection) -> None:
    for number, theirs in WHOSE.items():
        for after in {0, *theirs, *(place - 1 for place in theirs)}:
            assert places(connection, number, after) == [place for place in theirs if place > after]
    assert places(connection, 6 << 4) == places(connection, 9 << 4) == []


def test_what_is_taken_out_is_found_no_more(connection: sqlite3.Connection) -> None:
    take_out(connection, 7 << 4, [2, ERA, 4])
    assert places(connection, 7 << 4) == [1, ERA - 1, ERA + 1, 5 * ERA - 1, 5 * ERA]
    assert places(connection, 8 << 4) == WHOSE[8 << 4]


def test_an_era_is_written_in_order(connection: sqlite3.Connection) -> None:
    keys = [key for (key,) in connection.execute("SELECT key FROM noted_at ORDER BY key")]
    assert max(keys) < 2**63 and [key >> 46 for key in keys] == sorted(
        place // ERA for theirs in WHOSE.values() for place in theirs
    )
