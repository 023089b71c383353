"""Erasing somebody in a SQLite file, also on a full disk.

A deleted row leaves its bytes in the file. Those it had last are overwritten as it is deleted (`secure_delete`); older
versions of it lie in free parts of the file until that is written anew (`VACUUM`), for which there must be as much room
again, and for as long events have to wait: a large file is written anew once for many. To delete a row takes some room,
too: so servers keep a file of that size beside the store, which makes way.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Collection
from pathlib import Path

from proxy.stores import sqlite_log, sqlite_tombstones
from proxy.stores.sqlite_file import UnfitFileError

RESERVE_BYTES = 16 * 1024 * 1024
"""Some 4,000 changed pages. Erasing a visitor of 40 events, among 20,000 of others, changes 46."""
SCRUB_SECONDS = 30.0
AT_ONCE_BYTES = 256 * 1024 * 1024
"""Written anew in some two seconds, so that events that come meanwhile are stored afterwards."""
_DUE = "anew_is_due"  # a table that there is while the file is to be written anew


def keep_reserve(path: Path) -> None:
    """Has the room kept that erasing takes, unless the disk is nearly full already. Where it cannot be, a full disk
    has to be cleared before anybody is erased."""
    with contextlib.suppress(OSError):
        if _free_bytes(path) < 4 * RESERVE_BYTES:
            return
        file = os.open(_reserve_of(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
        finally:
            os.close(file)


def use_reserve(path: Path) -> bool:
    """Gives that room back when there is less on the disk; whether it did."""
    with contextlib.suppress(OSError):
        if _free_bytes(path) < RESERVE_BYTES:
            _reserve_of(path).unlink()
            return True
    return False


def mark(connection: sqlite3.Connection, path: Path, visitor_ids: Collection[str], now: float) -> None:
    """Leaves tombstones. It is the first step of erasing, and nobody else can write meanwhile: so the reserve is used
    here."""
    use_reserve(path)
    sqlite_tombstones.leave(connection, visitor_ids, now)


def erase(connection: sqlite3.Connection, visitor_ids: Collection[str], now: float) -> dict[str, int]:
    """As `sqlite_log.erase`, overwriting what it deletes."""
    connection.execute("PRAGMA secure_delete = ON")
    try:
        return sqlite_log.erase(connection, visitor_ids, now)
    finally:
        connection.execute("PRAGMA secure_delete = OFF")


def scrub(connection: sqlite3.Connection, path: Path, *, is_due: bool = False) -> bool:
    """Removes old versions of rows from free pages, where there is room for that, and from the WAL as soon as no reader
    needs it. Of a large file it only notes that this is to be done, and returns False; with `is_due` it does what was
    noted. Raises `sqlite3.Error`."""
    size = path.stat().st_size
    if is_due and not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_DUE,)).fetchone():
        return True
    if size > AT_ONCE_BYTES and not is_due:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {_DUE} (one INTEGER PRIMARY KEY)")
        _empty_log(connection)
        return False
    is_anew = _free_bytes(path) > size and _vacuumed(connection)
    _empty_log(connection)
    if not is_anew:
        raise UnfitFileError(
            "there is no room to write the file anew, so old versions of what was erased may lie in free parts of it",
            f"make {2 * size:,} bytes of room, then erase the same visitor again",
        )
    connection.execute(f"DROP TABLE IF EXISTS {_DUE}")
    return True


def _empty_log(connection: sqlite3.Connection) -> None:
    until = time.monotonic() + SCRUB_SECONDS
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > until:
            raise sqlite3.OperationalError("somebody reads the file all the time, so its log keeps what was erased")
        time.sleep(0.05)


def _vacuumed(connection: sqlite3.Connection) -> bool:
    """Writes the file anew; False when there was no room, as in the folder of temporary files."""
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
        return False
    return True


def _reserve_of(path: Path) -> Path:
    return Path(f"{path}-reserve")


def _free_bytes(path: Path) -> int:
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize
