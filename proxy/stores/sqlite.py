"""Profiles in a SQLite file: the embedded default, for several worker processes on one machine.

Reads run in batches on a few threads, each with its own connection, so that a slow disk never holds the event loop;
writes run one after the other on one thread. WAL lets both go on side by side. `synchronous=NORMAL` may lose the last
commits when power fails, which an import can repeat, and never damages the file. Not for network file systems.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from proxy.errors import OperatorError, StoreError
from proxy.model import Profile
from proxy.stores.batches import BATCH, Batches
from proxy.stores.record import MAX_BYTES, is_news, packed

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
# One row for all that are asked for: a thread lets others run at each row, and may wait milliseconds for its next turn.
# At most one byte more than a profile may have, whatever lies there.
READ = """
SELECT json_group_object(visitor_id, hex(substr(CAST(value AS BLOB), 1, ?))) FROM profiles
WHERE visitor_id IN (SELECT value FROM json_each(?))
"""
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
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writing = self._connect()
            _prepare(self._writing)
            # Opening takes longer than a page may wait, so it is done before there are pages.
            for _ in range(READERS):
                self._idle.put(self._connect())
        except (OSError, sqlite3.Error) as error:
            self._disconnect()
            raise OperatorError(f"`{path}` cannot be used as a store: {error}", help="name another file") from error
        self._readers = ThreadPoolExecutor(READERS, "tailorbird-read")
        self._writer = ThreadPoolExecutor(1, "tailorbird-write")
        self._batches = Batches(self._read_many, at_once=READERS)

    async def get_profile(self, visitor_id: str) -> Profile | None:
        return await self._batches.get(visitor_id)

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        latest = {profile.visitor_id: profile for profile in profiles}
        return await self._run(self._writer, lambda: self._write(latest))

    async def attribute_names(self) -> frozenset[str]:
        return await self._run(self._readers, lambda: self._reading(_names))

    async def is_ready(self) -> bool:
        try:
            return await self._run(self._readers, lambda: self._reading(_answers))
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

    async def _read_many(self, visitor_ids: Sequence[str]) -> list[bytes]:
        return await self._run(self._readers, lambda: self._reading(lambda connection: _read(connection, visitor_ids)))

    def _reading(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """The work done on a connection of its own: there are as many as threads that read."""
        connection = self._idle.get()
        try:
            return work(connection)
        finally:
            self._idle.put(connection)

    def _write(self, profiles: dict[str, Profile]) -> int:
        with self._writing as connection:
            connection.execute("BEGIN IMMEDIATE")
            ids = list(profiles)
            stored = [value for at in range(0, len(ids), BATCH) for value in _read(connection, ids[at : at + BATCH])]
            news = [
                profile for profile, value in zip(profiles.values(), stored, strict=True) if is_news(profile, value)
            ]
            connection.executemany(WRITE, ((profile.visitor_id, packed(profile)) for profile in news))
            names = {(name,) for profile in news for name in profile.attributes}
            connection.executemany("INSERT OR IGNORE INTO attribute_names VALUES (?)", sorted(names))
        return len(news)

    # -- connections

    def _connect(self) -> sqlite3.Connection:
        # Used by one thread at a time, not always by the one that opened it.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._connections.append(connection)
        connection.executescript(CONNECTION)
        return connection

    def _disconnect(self) -> None:
        while self._connections:
            self._connections.pop().close()

    def _close(self) -> None:
        for threads in (self._readers, self._writer):
            threads.shutdown(wait=True, cancel_futures=True)
        self._disconnect()


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.DatabaseError("a newer Tailorbird wrote it")
    if version < SCHEMA_VERSION:
        connection.executescript(SCHEMA)


def _read(connection: sqlite3.Connection, visitor_ids: Sequence[str]) -> list[bytes]:
    """A value each; empty when there is none."""
    (found,) = connection.execute(READ, (MAX_BYTES + 1, json.dumps(visitor_ids))).fetchone()
    values = json.loads(found)
    return [bytes.fromhex(values.get(visitor_id, "")) for visitor_id in visitor_ids]


def _names(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute("SELECT name FROM attribute_names"))


def _answers(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1") is not None
