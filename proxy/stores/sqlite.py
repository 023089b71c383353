"""Profiles in a SQLite file: the embedded default, for several worker processes on one machine.

Reads run on a few threads, each with its own connection, so that a slow disk never holds the event loop; writes run
one after the other on one thread. WAL lets both go on side by side. `synchronous=NORMAL` may lose the last commits
when power fails, which an import can repeat, and never damages the file. Not for network file systems.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from proxy.errors import DamagedValueError, OperatorError, StoreError
from proxy.model import Profile
from proxy.stores.record import MAX_BYTES, is_news, packed, unpacked

READERS = 2
SCHEMA_VERSION = 1
SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS profiles (visitor_id TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS attribute_names (name TEXT PRIMARY KEY) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
"""
CONNECTION = """
PRAGMA busy_timeout = 2000;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA journal_size_limit = 67108864;
PRAGMA foreign_keys = ON;
"""
READ = "SELECT value, length(value) FROM profiles WHERE visitor_id = ?"
WRITE = "INSERT INTO profiles VALUES (?, ?) ON CONFLICT (visitor_id) DO UPDATE SET value = excluded.value"

Answer = TypeVar("Answer")


def connect(url: str) -> SqliteStore:
    """The store in the file of `sqlite:PATH`, made with its folders when missing. Raises `OperatorError`."""
    path = url.partition(":")[2]
    if path in ("", ":memory:"):
        raise OperatorError(f"`{url}` names no file", help="write sqlite:PATH, as sqlite:tailorbird.db")
    return SqliteStore(Path(path))


class SqliteStore:
    """A `ProfileStore` in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections: list[sqlite3.Connection] = []
        self._local = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise OperatorError(f"`{path}` cannot be used as a store: {error}", help="name another file") from error
        self._readers = ThreadPoolExecutor(READERS, "tailorbird-read")
        self._writer = ThreadPoolExecutor(1, "tailorbird-write")

    async def get_profile(self, visitor_id: str) -> Profile | None:
        return await self._run(self._readers, lambda: self._read(visitor_id))

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        latest = {profile.visitor_id: profile for profile in profiles}
        return await self._run(self._writer, lambda: self._write(latest))

    async def attribute_names(self) -> frozenset[str]:
        return await self._run(self._readers, self._names)

    async def is_ready(self) -> bool:
        try:
            return await self._run(self._readers, lambda: self._connection().execute("SELECT 1") is not None)
        except StoreError:
            return False

    async def aclose(self) -> None:
        await asyncio.to_thread(self._close)

    # -- on the threads

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except sqlite3.Error as error:
            raise StoreError(f"`{self._path}`: {error}") from error
        except RuntimeError as error:  # a pool that was shut down
            raise StoreError(f"`{self._path}` is closed") from error

    def _read(self, visitor_id: str) -> Profile | None:
        row = self._connection().execute(READ, (visitor_id,)).fetchone()
        if row is None:
            return None
        value, length = row
        if not isinstance(value, bytes) or length > MAX_BYTES:
            raise DamagedValueError("a stored profile cannot be read", help="import it again")
        return unpacked(value, visitor_id)

    def _write(self, profiles: dict[str, Profile]) -> int:
        connection = self._connection()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            news = [profile for profile in profiles.values() if is_news(profile, self._stored(profile.visitor_id))]
            connection.executemany(WRITE, ((profile.visitor_id, packed(profile)) for profile in news))
            names = {(name,) for profile in news for name in profile.attributes}
            connection.executemany("INSERT OR IGNORE INTO attribute_names VALUES (?)", sorted(names))
        return len(news)

    def _stored(self, visitor_id: str) -> bytes | None:
        row = self._connection().execute(READ, (visitor_id,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def _names(self) -> frozenset[str]:
        return frozenset(name for (name,) in self._connection().execute("SELECT name FROM attribute_names"))

    # -- connections

    def _connection(self) -> sqlite3.Connection:
        """This thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Used by its thread alone; closed by another one after that thread has ended.
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            connection.executescript(CONNECTION)
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def _prepare(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            connection.executescript(CONNECTION)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise sqlite3.DatabaseError("a newer Tailorbird wrote it")
            if version < SCHEMA_VERSION:
                connection.executescript(SCHEMA)
        finally:
            connection.close()

    def _close(self) -> None:
        for threads in (self._readers, self._writer):
            threads.shutdown(wait=True, cancel_futures=True)
        while self._connections:
            self._connections.pop().close()
