"""What pages leave in the SQLite file of the profiles, in tables of their own.

Recorded views: a batch a second is written, and reading is for commands. A batch is not brought to disk by itself: that
takes several times as long as to write it, and events wait meanwhile. And what was told of products: a row a product,
numbered anew whenever something new is told of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from proxy.model import Sighting, View
from proxy.stores import sightings as sighted
from proxy.stores import sqlite_tombstones
from proxy.stores.sqlite_answers import AnswerCache
from proxy.stores.sqlite_side_tables import SideTables
from proxy.stores.views import bucket_key_in_view, is_from_before, is_of_erased, names_in, small_enough, unpacked

VIEWS = f"""
PRAGMA secure_delete = ON;
{sqlite_tombstones.SCHEMA}
CREATE TABLE IF NOT EXISTS views (number INTEGER PRIMARY KEY, visitor_id TEXT NOT NULL, line BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS views_by_visitor ON views (visitor_id);
"""
SIGHTINGS = """
CREATE TABLE IF NOT EXISTS sightings (
    number INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT NOT NULL UNIQUE, line BLOB NOT NULL
);
"""
ERASE = "DELETE FROM views WHERE visitor_id = ? OR instr(line, ?)"
FORGET = "DELETE FROM views WHERE number <= (SELECT max(number) FROM views) - ?"
PUT = "INSERT OR REPLACE INTO sightings (product, line) VALUES (?, ?)"
GET = "SELECT number, line FROM sightings WHERE number > ? ORDER BY number LIMIT ?"
FORGET_SIGHTINGS = (
    "DELETE FROM sightings WHERE number <= (SELECT number FROM sightings ORDER BY number DESC LIMIT 1 OFFSET ?)"
)


class SqliteViews:
    """A `ViewLog` in the file of `sqlite:PATH`. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._file = SideTables(url, VIEWS, "views")

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        rows = list(small_enough(views))
        await self._file.change(lambda connection: _put_views(connection, rows, most), is_awaited=False)

    async def get_views(self, most: int) -> list[View]:
        lines = await self._file.rows("SELECT line FROM views ORDER BY number DESC LIMIT ?", most)
        return [view for (line,) in reversed(lines) if (view := unpacked(line))]

    async def erase_views(self, visitor_id: str) -> int:
        return await self._file.run(lambda connection: _erase(connection, visitor_id))

    async def forget_views(self, before: float) -> int:
        return await self._file.change(lambda connection: _forget(connection, before))

    async def aclose(self) -> None:
        await self._file.aclose()


def _put_views(connection: sqlite3.Connection, views: Sequence[tuple[View, bytes]], most: int) -> None:
    erased = sqlite_tombstones.erased_at(connection, names_in(view for view, _ in views))
    rows = [(view.visitor, line) for view, line in views if not is_of_erased(view, erased)]
    connection.executemany("INSERT INTO views (visitor_id, line) VALUES (?, ?)", rows)
    connection.execute(FORGET, (most,))


def _erase(connection: sqlite3.Connection, visitor_id: str) -> int:
    return connection.execute(ERASE, (visitor_id, bucket_key_in_view(visitor_id))).rowcount


def _forget(connection: sqlite3.Connection, before: float) -> int:
    rows = connection.execute("SELECT number, line FROM views")
    old = [(number,) for number, line in rows if is_from_before(unpacked(line), before)]
    connection.executemany("DELETE FROM views WHERE number = ?", old)
    return len(old)


class SqliteSightings:
    """`Sightings` in the file of `sqlite:PATH`. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._file = SideTables(url, SIGHTINGS, "sightings")
        self._still = AnswerCache(url.partition(":")[2])

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        lines = sighted.packed(sightings)
        await self._file.change(lambda connection: _put_sightings(connection, lines, most))

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        rows = await self._still.answer("sightings", (after, most), lambda: self._file.rows(GET, after, most))
        return sighted.unpacked(line for _, line in rows), rows[-1][0] if rows else after

    async def aclose(self) -> None:
        await self._file.aclose()


def _put_sightings(connection: sqlite3.Connection, lines: Mapping[str, bytes], most: int) -> None:
    connection.executemany(PUT, lines.items())
    connection.execute(FORGET_SIGHTINGS, (most,))


open_views = SqliteViews
open_sightings = SqliteSightings
