"""What many visitors share in the SQLite file of the profiles: the rules of `audience/merging.py`, which whoever folds
an event reads in the same transaction, and the newest of the events that were not taken."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping

from proxy.audience.merging import Merge, Rules
from proxy.ports import Refused
from proxy.stores.record import theirs

RULES = "CREATE TABLE IF NOT EXISTS merge_rules (attribute TEXT PRIMARY KEY, rule TEXT NOT NULL) WITHOUT ROWID;"
REFUSED = """
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
MOST_REFUSED = 10_000
MAY_BE_THEIRS = f"""
WITH them AS (SELECT value FROM json_each(?))
SELECT place, {COLUMNS} FROM refused WHERE visitor_id IN them
OR EXISTS (SELECT 1 FROM them WHERE instr(payload, CAST(value AS BLOB)) > 0)
"""  # noqa: S608


def merge_rules(connection: sqlite3.Connection) -> Rules:
    """The rules that hold."""
    return {name: Merge(rule) for name, rule in connection.execute("SELECT attribute, rule FROM merge_rules")}


def put_merge_rules(connection: sqlite3.Connection, rules: Mapping[str, str]) -> None:
    """Replaces the rules."""
    connection.execute("DELETE FROM merge_rules")
    connection.executemany("INSERT INTO merge_rules VALUES (?, ?)", rules.items())


def refuse(connection: sqlite3.Connection, refused: Iterable[Refused]) -> None:
    """Adds events that were not taken, and keeps the newest of all."""
    rows = [(one.received_at, one.source, one.reason, one.payload, one.visitor_id, one.call) for one in refused]
    connection.executemany(f"INSERT INTO refused ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    connection.execute("DELETE FROM refused WHERE place <= (SELECT max(place) - ? FROM refused)", (MOST_REFUSED,))


def refused(connection: sqlite3.Connection) -> list[Refused]:
    """The events that were not taken, oldest first."""
    return [Refused(*row) for row in connection.execute(f"SELECT {COLUMNS} FROM refused ORDER BY place")]  # noqa: S608


def forget_refused(connection: sqlite3.Connection, gone: Iterable[Refused]) -> None:
    """Deletes these."""
    theirs = frozenset(gone)
    rows = connection.execute(f"SELECT place, {COLUMNS} FROM refused")  # noqa: S608
    _forget(connection, (place for place, *row in rows.fetchall() if Refused(*row) in theirs))


def forget_theirs(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> int:
    """Deletes those of these visitors, or that name one; how many those were."""
    is_theirs = theirs(visitor_ids)
    rows = connection.execute(MAY_BE_THEIRS, (json.dumps(list(visitor_ids)),))
    gone = [place for place, *row in rows if is_theirs(Refused(*row))]
    _forget(connection, gone)
    return len(gone)


def _forget(connection: sqlite3.Connection, places: Iterable[int]) -> None:
    connection.executemany("DELETE FROM refused WHERE place = ?", ((place,) for place in places))


def forget_before(connection: sqlite3.Connection, moment: float) -> None:
    """Deletes those that were not taken before that moment."""
    connection.execute("DELETE FROM refused WHERE received_at < ?", (moment,))
