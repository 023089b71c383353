"""The file of the SQLite store: whether it is ours, and what to do if it is not, or is damaged.

Ours has a mark in its header (`application_id`). One that was saved from a damaged file may have none, but has our
table of profiles.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from proxy.errors import OperatorError

OURS = 0x54_42_49_52  # "TBIR"
MARK = f"PRAGMA application_id = {OURS};"
DAMAGED = (
    "the file is damaged, as by its disk: stop whatever uses it and put your last copy in its place, which `tailorbird "
    "store copy` makes; without one, `.recover` of SQLite's own shell may save a part"
)


HELP = {
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_FULL: "make room on its disk: nothing has to be restarted",
    sqlite3.SQLITE_READONLY: "let Tailorbird's user write into the file and its folder",
}


class UnfitFileError(sqlite3.DatabaseError):
    """The file cannot hold a store; says what to do."""

    def __init__(self, what: str, help: str) -> None:
        super().__init__(what)
        self.help = help


def path_of(url: str) -> Path:
    """The path in `sqlite:PATH`. Raises `OperatorError`."""
    path = url.partition(":")[2]
    if path in ("", ":memory:"):
        raise OperatorError(f"`{url}` names no file", help="write sqlite:PATH, as sqlite:tailorbird.db")
    return Path(path)


def must_be_usable(path: Path) -> None:
    """Raises `OperatorError` when the file is another user's or cannot be written, or its folder is not there. That is
    not made: the path may be misspelt, or the volume not mounted."""
    if not path.parent.is_dir():
        help = "make the folder, or mend the path if it is another"
        raise OperatorError(f"there is no folder `{path.parent}` for the store `{path}`", help=help)
    if path.is_file() and not os.access(path, os.R_OK | os.W_OK):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            help = "mount it for writing; if it was, its disk may have failed: see the system's log"
            raise OperatorError(f"the store `{path}` is on a file system that is read-only", help=help)
        help = "run this as the user it belongs to, or give it to Tailorbird's user with `chown`"
        raise OperatorError(f"this user may not read and write the store `{path}`", help=help)


def make(path: Path) -> None:
    """Makes an empty file, if there is none, that only its owner may read: it will hold personal data. SQLite gives the
    files beside it the same mode. Where it cannot be made, whoever opens it is told why."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class Place:
    """Identifies the file that was opened, and the log beside it, which is there as long as anybody has the file open.
    What is written to one that was deleted meanwhile is lost."""

    def __init__(self, path: Path) -> None:
        self._paths = str(path), f"{path}-wal"
        self._found = [_file(path) for path in self._paths]

    def must_hold_it(self) -> None:
        """Raises `UnfitFileError` when one of them is there no more, or another is."""
        for number, path in enumerate(self._paths):
            file = _file(path)
            if self._found[number] is None:  # the log is made when something is first read or written
                self._found[number] = file
            elif file != self._found[number]:
                raise UnfitFileError(
                    f"`{Path(path).name}` was taken away, or another put there, while it was in use",
                    "put it back as it was, or start what uses it anew with what is there now",
                )


def _file(path: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def newer() -> UnfitFileError:
    """The error for a file that a newer Tailorbird has taken over."""
    return UnfitFileError(
        "a newer Tailorbird wrote it, or has brought it up to date meanwhile",
        "replace this version by that one: docs/operating.md, A new version",
    )


def must_be_ours(connection: sqlite3.Connection) -> None:
    """Raises `DatabaseError` for a file of another program; an empty file is ours."""
    if mark_of(connection) == OURS:
        return
    tables = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    if mark_of(connection) or (tables and "visitor_id" not in columns(connection, "profiles")):
        raise UnfitFileError(
            "another program keeps its own data there", "name another file, or one that is not there yet"
        )


def mark(connection: sqlite3.Connection) -> None:
    """Marks the file as ours. If it is locked for long, the next opening does it."""
    if mark_of(connection) != OURS:
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute(MARK)


def mark_of(connection: sqlite3.Connection) -> int:
    """The application id in the file's head; 0 for none."""
    mark: int = connection.execute("PRAGMA application_id").fetchone()[0]
    return mark


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables; 0 for none."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a table; none when there is no such table."""
    return {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def help_for(error: Exception) -> str:
    """How to fix the error; "" when its message says it."""
    if isinstance(error, UnfitFileError):
        return error.help
    return HELP.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "")
