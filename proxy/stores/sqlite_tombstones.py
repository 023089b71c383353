"""The tombstones in the SQLite file of the profiles. Whoever writes something of a visitor asks for them in the same
transaction, so nothing can come in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from proxy.ports import Tombstones
from proxy.stores import sqlite_bulk
from proxy.stores.tombstones import new_key, tombstone

SCHEMA = """
CREATE TABLE IF NOT EXISTS tombstone_key (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tombstones (hash BLOB PRIMARY KEY, erased_at REAL NOT NULL) WITHOUT ROWID;
"""
LATER = "ON CONFLICT (hash) DO UPDATE SET erased_at = max(erased_at, excluded.erased_at)"


def prepare(connection: sqlite3.Connection) -> None:
    """Gives a new file its key."""
    if not _keys(connection):
        connection.execute("INSERT INTO tombstone_key VALUES (?)", (new_key(),))


def erased_at(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> dict[str, float]:
    """When each of these visitors was last erased, for those who were."""
    if connection.execute("SELECT 1 FROM tombstones LIMIT 1").fetchone() is None:
        return {}
    whose = {tombstone(key, id): id for key in _keys(connection) for id in visitor_ids}
    found: dict[str, float] = {}
    for hash, at in sqlite_bulk.among(connection, "SELECT hash, erased_at FROM tombstones WHERE hash", list(whose)):
        found[whose[hash]] = max(at, found.get(whose[hash], at))
    return found


def leave(connection: sqlite3.Connection, visitor_ids: Collection[str], now: float) -> None:
    """Writes the tombstones of erased visitors."""
    key = _keys(connection)[0]
    rows = [(tombstone(key, visitor_id), now) for visitor_id in visitor_ids]
    connection.executemany(f"INSERT INTO tombstones VALUES (?, ?) {LATER}", rows)  # noqa: S608


def all(connection: sqlite3.Connection) -> Tombstones:
    """As `EventStore.tombstones`."""
    rows = connection.execute("SELECT hash, erased_at FROM tombstones")
    return Tombstones(_keys(connection), {bytes(hash): at for hash, at in rows})


def bring(connection: sqlite3.Connection, tombstones: Tombstones) -> None:
    """As `EventStore.put_tombstones`."""
    known = _keys(connection)
    connection.executemany(
        "INSERT INTO tombstone_key VALUES (?)", [(key,) for key in tombstones.keys if key not in known]
    )
    rows = tombstones.erased_at.items()
    connection.executemany(f"INSERT INTO tombstones VALUES (?, ?) {LATER}", rows)  # noqa: S608


def _keys(connection: sqlite3.Connection) -> list[bytes]:
    """Every key that hashes were made with, the store's own first."""
    return [bytes(key) for (key,) in connection.execute("SELECT value FROM tombstone_key ORDER BY rowid")]
