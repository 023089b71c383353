"""The events that were not taken, in the SQLite file of the profiles: the newest stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from proxy.ports import Refused

MOST = 10_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS refused (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at REAL NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL,
    visitor_id TEXT NOT NULL,
    call TEXT NOT NULL
);
"""
COLUMNS = "received_at, source, reason, payload, visitor_id, call"


def keep(connection: sqlite3.Connection, refused: Iterable[Refused]) -> None:
    """Adds refused events, and keeps the newest of all."""
    rows = [(one.received_at, one.source, one.reason, one.payload, one.visitor_id, one.call) for one in refused]
    connection.executemany(f"INSERT INTO refused ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    connection.execute("DELETE FROM refused WHERE place <= (SELECT max(place) - ? FROM refused)", (MOST,))


def kept(connection: sqlite3.Connection) -> list[Refused]:
    """The refused events, oldest first."""
    return [Refused(*row) for row in connection.execute(f"SELECT {COLUMNS} FROM refused ORDER BY place")]  # noqa: S608


def forget(connection: sqlite3.Connection, refused: Iterable[Refused]) -> None:
    """Deletes these."""
    rows = ((one.received_at, one.source, one.payload) for one in refused)
    connection.executemany("DELETE FROM refused WHERE received_at = ? AND source = ? AND payload = ?", rows)


def forget_before(connection: sqlite3.Connection, moment: float) -> None:
    """Deletes those from before that moment."""
    connection.execute("DELETE FROM refused WHERE received_at < ?", (moment,))
