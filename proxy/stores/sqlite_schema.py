"""The tables of the SQLite store, and how a file of an older Tailorbird is updated.

Additions leave the version unchanged, so that workers of an older Tailorbird can go on with the file.

`events` and `noted_views` are the log. The first has what was sent; its unique index on visitor and id also detects
duplicates: exactly, and as far back as the log goes. Everything else about a visitor follows from the log: `profiles`
has checkpoints, `devices` the persons of devices (`sqlite_visitor.py`).
"""

from __future__ import annotations

import sqlite3

from proxy.stores import (
    sqlite_changes,
    sqlite_diverted,
    sqlite_eras,
    sqlite_noted,
    sqlite_runs,
    sqlite_shared,
    sqlite_tombstones,
    sqlite_visitor,
)
from proxy.stores.sqlite_file import MARK, UnfitFileError, columns, mark, newer, version_of

VERSION = 10
OLDEST = 2
SCHEMA = f"""
BEGIN IMMEDIATE;
{sqlite_visitor.SCHEMA}
CREATE TABLE IF NOT EXISTS attribute_names (name TEXT PRIMARY KEY) WITHOUT ROWID;
{sqlite_shared.REFUSED}
{sqlite_tombstones.SCHEMA}
{sqlite_changes.SCHEMA}
{sqlite_shared.RULES}
{sqlite_diverted.SCHEMA}
PRAGMA user_version = {VERSION};
{MARK}
COMMIT;
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables of a new file, and what an older one lacks. Raises `DatabaseError` for a file that is too old or
    too new."""
    version = version_of(connection)
    if version > VERSION:
        raise newer()
    if 0 < version < OLDEST:
        raise UnfitFileError("a much older Tailorbird wrote it", "name a new file, and import into that")
    if version < VERSION or "visitor_id" not in columns(connection, "erasures") or not columns(connection, "apart"):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            _bring_up_to_date(connection)
        connection.executescript(SCHEMA)
        sqlite_tombstones.prepare(connection)
    mark(connection)


def is_newer(connection: sqlite3.Connection) -> bool:
    """Whether a newer Tailorbird has taken the file over while this one uses it."""
    return version_of(connection) > VERSION


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Converts the profiles of an older file. Another worker may have done it meanwhile."""
    profiles = columns(connection, "profiles")
    if "upto" in profiles:
        # From before version 6. Its workers know nothing of `noted`, and their checkpoints would leave it out: now that
        # the column has another name, they cannot write any.
        connection.execute("ALTER TABLE profiles RENAME COLUMN upto TO until")
    elif profiles and "until" not in profiles:  # from before version 5, when every event changed its visitor's profile
        _make_checkpoints(connection)

    if columns(connection, "noted_lately"):
        # From before version 7, whose workers index the newest of `noted` in a table: now that it is gone they can note
        # nothing, which others would not find.
        connection.execute("INSERT OR IGNORE INTO noted_of SELECT visitor, place FROM noted_lately")
        connection.execute("DROP TABLE noted_lately")

    if "place" in columns(connection, "noted"):
        # From before version 8, when each had a row, in which it stays. The workers of then look for it in vain.
        connection.execute("ALTER TABLE noted RENAME TO noted_runs")
        connection.execute("ALTER TABLE noted_runs RENAME COLUMN place TO first")
        connection.execute(f"ALTER TABLE noted_runs ADD COLUMN bounds TEXT NOT NULL {sqlite_runs.ALONE}")

    if columns(connection, "noted_runs"):
        # From before version 10, when views were packed as whole arrivals, in which form they stay. The workers of then
        # cannot read the shorter ones, and look for the table in vain.
        connection.execute("ALTER TABLE noted_runs RENAME TO noted_views")

    if columns(connection, "noted_of"):
        # From before version 9, when all was in one index, which its workers look for in vain.
        for table in sqlite_eras.TABLES:
            connection.execute(table)
        sqlite_eras.add(connection, "noted_of", "visitor", "place")
        connection.execute("DROP TABLE noted_of")

    marks = columns(connection, "erasures")
    if marks and "visitor_id" not in marks:
        connection.execute(sqlite_changes.NAMED)


def _make_checkpoints(connection: sqlite3.Connection) -> None:
    """Makes every profile a checkpoint of the whole log, without writing rows. Devices are found by the ids of joins;
    their profiles name the person."""
    (last,) = connection.execute("SELECT coalesce(max(place), 0) FROM events").fetchone()
    connection.execute(f"ALTER TABLE profiles ADD COLUMN until INTEGER NOT NULL DEFAULT {int(last)}")
    for table in (sqlite_visitor.DEVICES, sqlite_shared.RULES, *sqlite_noted.TABLES):
        connection.execute(table)
    joined = connection.execute("SELECT DISTINCT visitor_id FROM events WHERE id GLOB 'joined:*'").fetchall()
    for (visitor_id,) in joined:
        sqlite_visitor.checkpoint(connection, [visitor_id])
