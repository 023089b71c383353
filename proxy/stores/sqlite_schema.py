"""The tables of the SQLite store, and how a file that an older Tailorbird wrote is brought up to date.

`events` is the log, and by its unique index on visitor and id also what tells an event that came before: exactly, and
for as long as the log. All else of a visitor follows from it: `profiles` has checkpoints, `devices` whose they are
(`sqlite_visitor.py`).
"""

from __future__ import annotations

import sqlite3

from proxy.stores import sqlite_changes, sqlite_refused, sqlite_rules, sqlite_tombstones, sqlite_visitor

VERSION = 5
OLDEST = 2
SCHEMA = f"""
BEGIN IMMEDIATE;
{sqlite_visitor.SCHEMA}
CREATE TABLE IF NOT EXISTS attribute_names (name TEXT PRIMARY KEY) WITHOUT ROWID;
{sqlite_refused.SCHEMA}
{sqlite_tombstones.SCHEMA}
{sqlite_changes.SCHEMA}
{sqlite_rules.SCHEMA}
PRAGMA user_version = {VERSION};
COMMIT;
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables of a new file, and what an older one lacks. Raises `DatabaseError` for a file that is too old or
    too new."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise sqlite3.DatabaseError("a newer Tailorbird wrote it")
    if 0 < version < OLDEST:
        raise sqlite3.DatabaseError("an older Tailorbird wrote it; import into a new file")
    if version < VERSION:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if _has_whole_profiles(connection):
                _make_checkpoints(connection)
        connection.executescript(SCHEMA)
        sqlite_tombstones.prepare(connection)


def _has_whole_profiles(connection: sqlite3.Connection) -> bool:
    """Whether it is from before version 5, when every event changed its visitor's profile."""
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(profiles)")]
    return bool(columns) and "upto" not in columns


def _make_checkpoints(connection: sqlite3.Connection) -> None:
    """Every profile is one, of all of the log; no row is written for that. Who is joined is found by the ids of joins,
    whose profiles say whose they are."""
    (last,) = connection.execute("SELECT coalesce(max(place), 0) FROM events").fetchone()
    connection.execute(f"ALTER TABLE profiles ADD COLUMN upto INTEGER NOT NULL DEFAULT {int(last)}")
    connection.execute(sqlite_visitor.DEVICES)
    connection.execute(sqlite_rules.SCHEMA)
    joined = connection.execute("SELECT DISTINCT visitor_id FROM events WHERE id GLOB 'joined:*'").fetchall()
    for (visitor_id,) in joined:
        sqlite_visitor.checkpoint(connection, [visitor_id])
