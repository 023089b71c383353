"""Tables beside the profiles in their SQLite file, which no page waits for: views, sightings, the outbox.

Everything of one kind runs on one thread, with a connection that is opened when it is first needed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from proxy.errors import StoreError
from proxy.stores.sqlite import CONNECTION, whole
from proxy.stores.sqlite_file import Place, help_for, make, mark, must_be_ours, path_of
from proxy.stores.threads import Threads

Answer = TypeVar("Answer")


class SideTables:
    """Tables made by `schema` in the file of `sqlite:PATH`. Raises `OperatorError`."""

    def __init__(self, url: str, schema: str, name: str) -> None:
        self._path = path_of(url)
        self._schema = schema
        self._thread = Threads((self,), f"tailorbird-{name}")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Runs `work` with the connection, on the thread. Raises `StoreError`."""
        try:
            return await self._thread.run(lambda file: work(file._opened()))
        except sqlite3.Error as error:
            raise StoreError(f"`{self._path}`: {error}", help=help_for(error)) from error
        except RuntimeError as error:  # the thread was shut down
            raise StoreError(f"`{self._path}` is closed") from error

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds, with these values for its marks. Raises `StoreError`."""
        return await self.run(lambda connection: connection.execute(query, values).fetchall())

    async def change(self, work: Callable[[sqlite3.Connection], Answer], *, is_awaited: bool = True) -> Answer:
        """The same in one transaction (`sqlite.whole`)."""
        return await self.run(lambda connection: whole(connection, work, is_awaited=is_awaited))

    async def aclose(self) -> None:
        """Finishes what is under way."""
        await asyncio.to_thread(self._close)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            make(self._path)
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._place = Place(self._path)
            must_be_ours(connection)
            connection.executescript(CONNECTION)
            mark(connection)
            connection.executescript(self._schema)
            self._connection = connection
        self._place.must_hold_it()
        return self._connection

    def _close(self) -> None:
        self._thread.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
