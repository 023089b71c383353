"""Recorded page views in the SQLite file of the profiles, in a table of their own.

Everything runs on one thread, with a connection that is opened when it is first needed: a batch a second is written,
and reading is for commands.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from proxy.errors import OperatorError, StoreError
from proxy.model import View
from proxy.stores import sqlite_tombstones
from proxy.stores.sqlite import CONNECTION
from proxy.stores.views import is_of_erased, small_enough, unpacked

SCHEMA = f"""
PRAGMA secure_delete = ON;
{sqlite_tombstones.SCHEMA}
CREATE TABLE IF NOT EXISTS views (number INTEGER PRIMARY KEY, visitor_id TEXT NOT NULL, line BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS views_by_visitor ON views (visitor_id);
"""
FORGET = "DELETE FROM views WHERE number <= (SELECT max(number) FROM views) - ?"

Answer = TypeVar("Answer")


def connect(url: str) -> SqliteViews:
    """The views in the file of `sqlite:PATH`. Raises `OperatorError`."""
    path = url.partition(":")[2]
    if path in ("", ":memory:"):
        raise OperatorError(f"`{url}` names no file", help="write sqlite:PATH, as sqlite:tailorbird.db")
    return SqliteViews(Path(path))


class SqliteViews:
    """A `ViewLog` in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "tailorbird-views")
        self._connection: sqlite3.Connection | None = None

    async def put_views(self, views: Sequence[View], *, most: int) -> None:
        await self._run(lambda connection: _put(connection, list(small_enough(views)), most))

    async def get_views(self, most: int) -> list[View]:
        lines = await self._run(lambda connection: _lines(connection, most))
        return [view for line in reversed(lines) if (view := unpacked(line))]

    async def erase_views(self, visitor_id: str) -> int:
        return await self._run(lambda connection: _erase(connection, visitor_id))

    async def aclose(self) -> None:
        await asyncio.to_thread(self._close)

    async def _run(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self._opened()))
        except sqlite3.Error as error:
            raise StoreError(f"`{self._path}`: {error}") from error
        except RuntimeError as error:  # the thread was shut down
            raise StoreError(f"`{self._path}` is closed") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            connection.executescript(CONNECTION + SCHEMA)
            self._connection = connection
        return self._connection

    def _close(self) -> None:
        self._thread.shutdown(wait=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _put(connection: sqlite3.Connection, views: Sequence[tuple[View, bytes]], most: int) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        erased = sqlite_tombstones.erased_at(connection, {view.visitor for view, _ in views})
        rows = [(view.visitor, line) for view, line in views if not is_of_erased(view, erased)]
        connection.executemany("INSERT INTO views (visitor_id, line) VALUES (?, ?)", rows)
        connection.execute(FORGET, (most,))


def _lines(connection: sqlite3.Connection, most: int) -> list[bytes]:
    return [line for (line,) in connection.execute("SELECT line FROM views ORDER BY number DESC LIMIT ?", (most,))]


def _erase(connection: sqlite3.Connection, visitor_id: str) -> int:
    return connection.execute("DELETE FROM views WHERE visitor_id = ?", (visitor_id,)).rowcount
