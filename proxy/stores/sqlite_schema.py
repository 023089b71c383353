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
    sqlite_shared,
    sqlite_tombstones,
    sqlite_visitor,
)
from proxy.stores.sqlite_file import MARK, UnfitFileError, columns, mark, newer, version_of

VERSION = 10
OLDEST = 9
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
    if version < VERSION:
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
    """Converts an older file. Another worker may have done it meanwhile."""
    if columns(connection, "noted_runs"):
        # From before version 10, when views were packed as whole arrivals, in which form they stay. The workers of then
        # cannot read the shorter ones, and look for the table in vain.
        connection.execute("ALTER TABLE noted_runs RENAME TO noted_views")
