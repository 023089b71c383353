"""Recorded page views in the SQLite file of the profiles, in a table of their own: a batch a second is written, and
reading is for commands. A batch is not brought to disk by itself: that takes several times as long as to write it, and
events wait meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from proxy.model import View
from proxy.stores import sqlite_tombstones
from proxy.stores.sqlite_side_tables import SideTables
from proxy.stores.views import drawn_by, is_from_before, is_of_erased, names_in, small_enough, unpacked

SCHEMA = f"""
PRAGMA secure_delete = ON;
{sqlite_tombstones.SCHEMA}
CREATE TABLE IF NOT EXISTS views (number INTEGER PRIMARY KEY, visitor_id TEXT NOT NULL, line BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS views_by_visitor ON views (visitor_id);
"""
ERASE = "DELETE FROM views WHERE visitor_id = ? OR instr(line, ?)"
FORGET = "DELETE FROM views WHERE number <= (SELECT max(number) FROM views) - ?"


class SqliteViews:
    """A `ViewLog` in the file of `sqlite:PATH`. Raises `OperatorError`."""

    def __init__(self, url: str) -> None:
        self._file = SideTables(url, SCHEMA, "views")

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        await self._file.change(lambda connection: _put(connection, list(small_enough(views)), most), is_awaited=False)

    async def get_views(self, most: int) -> list[View]:
        lines = await self._file.run(lambda connection: _lines(connection, most))
        return [view for line in reversed(lines) if (view := unpacked(line))]

    async def erase_views(self, visitor_id: str) -> int:
        return await self._file.run(lambda connection: _erase(connection, visitor_id))

    async def forget_views(self, before: float) -> int:
        return await self._file.run(lambda connection: _forget(connection, before))

    async def aclose(self) -> None:
        await self._file.aclose()


def _put(connection: sqlite3.Connection, views: Sequence[tuple[View, bytes]], most: int) -> None:
    erased = sqlite_tombstones.erased_at(connection, names_in(view for view, _ in views))
    rows = [(view.visitor, line) for view, line in views if not is_of_erased(view, erased)]
    connection.executemany("INSERT INTO views (visitor_id, line) VALUES (?, ?)", rows)
    connection.execute(FORGET, (most,))


def _lines(connection: sqlite3.Connection, most: int) -> list[bytes]:
    return [line for (line,) in connection.execute("SELECT line FROM views ORDER BY number DESC LIMIT ?", (most,))]


def _erase(connection: sqlite3.Connection, visitor_id: str) -> int:
    return connection.execute(ERASE, (visitor_id, drawn_by(visitor_id))).rowcount


def _forget(connection: sqlite3.Connection, before: float) -> int:
    rows = connection.execute("SELECT number, line FROM views")
    old = [(number,) for number, line in rows if is_from_before(unpacked(line), before)]
    with connection:
        connection.executemany("DELETE FROM views WHERE number = ?", old)
    return len(old)


connect = SqliteViews
