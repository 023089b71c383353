"""The tables of the SQLite store. There is one version of them: a file with any other is refused.

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
from proxy.stores.sqlite_file import MARK, UnfitFileError, mark, newer, version_of

VERSION = 11
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
    """Makes the tables of a new file. Raises `DatabaseError` for a file with tables of another version."""
    version = version_of(connection)
    if version > VERSION:
        raise newer()
    if 0 < version < VERSION:
        raise UnfitFileError(
            "an older Tailorbird wrote it, before the first release", "name a new file, and import into that"
        )
    if version == 0:
        connection.executescript(SCHEMA)
        sqlite_tombstones.prepare(connection)
    mark(connection)


def is_newer(connection: sqlite3.Connection) -> bool:
    """Whether a newer Tailorbird has taken the file over while this one uses it."""
    return version_of(connection) > VERSION
