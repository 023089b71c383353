"""What pages told of products, in the SQLite file of the profiles, in a table of their own: a row a product, numbered
anew whenever something new is told of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from proxy.model import Sighting
from proxy.stores.sightings import packed, unpacked
from proxy.stores.sqlite_answers import AnswerCache
from proxy.stores.sqlite_side_tables import SideTables

SCHEMA = """
CREATE TABLE IF NOT EXISTS sightings (
    number INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT NOT NULL UNIQUE, line BLOB NOT NULL
);
"""
PUT = "INSERT OR REPLACE INTO sightings (product, line) VALUES (?, ?)"
GET = "SELECT number, line FROM sightings WHERE number > ? ORDER BY number LIMIT ?"
FORGET = "DELETE FROM sightings WHERE number <= (SELECT number FROM sightings ORDER BY number DESC LIMIT 1 OFFSET ?)"


class SqliteSightings:
    """`Sightings` in the file of `sqlite:PATH`. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._file = SideTables(url, SCHEMA, "sightings")
        self._still = AnswerCache(url.partition(":")[2])

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        lines = packed(sightings)
        await self._file.change(lambda connection: _put(connection, lines, most))

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        def read(connection: sqlite3.Connection) -> list[tuple[int, bytes]]:
            return connection.execute(GET, (after, most)).fetchall()

        rows = await self._still.answer("sightings", (after, most), lambda: self._file.run(read))
        return unpacked(line for _, line in rows), rows[-1][0] if rows else after

    async def aclose(self) -> None:
        await self._file.aclose()


def _put(connection: sqlite3.Connection, lines: Mapping[str, bytes], most: int) -> None:
    connection.executemany(PUT, lines.items())
    connection.execute(FORGET, (most,))


connect = SqliteSightings
