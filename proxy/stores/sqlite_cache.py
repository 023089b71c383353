"""What a connection to the SQLite store remembers between transactions, to save queries: the visitors of the newest
page views (`sqlite_noted.py`), and the visitors who are known to have a row in `profiles`, with their numbers, and
whose events are not diverted (`sqlite_diverted.py`).

Nothing here is the only copy. Whatever removes visitors from the file leaves a mark (`sqlite_changes.py`), by which
other connections find out; after a failed transaction the connection forgets everything.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from proxy.stores import sqlite_diverted

NEWEST = """
CREATE TABLE IF NOT EXISTS noted_newest (first INTEGER PRIMARY KEY, visitors TEXT NOT NULL)
"""
"""A row of a transaction: the first of its places, and the visitors of them all by their numbers, as JSON."""
SINCE = "SELECT group_concat('[' || first || ',' || visitors || ']') FROM noted_newest WHERE first > ?"
LATELY = 20_000
"""So many of the newest are not in the large index."""
MOST_KNOWN = 50_000

_runs = msgspec.json.Decoder(list[tuple[int, list[int]]])


class ConnectionCache:
    """The cache of one connection, used by one thread at a time. `marks` has the mark of each words, and `words` the
    words of each mark (`sqlite_words.py`)."""

    def __init__(self) -> None:
        self._newer: dict[int, list[int]] = {}
        self._older: dict[int, list[int]] = {}
        self._many, self._last = 0, 0  # in the newer; the last row that was read
        self._known: dict[str, int] = {}
        self._mark, self._apart = 0, 0
        self.marks: dict[bytes, bytes] = {}
        self.words: dict[bytes, bytes] = {}

    def forget(self) -> None:
        """Forgets everything: the file may have changed."""
        self._newer, self._older, self._many, self._last = {}, {}, 0, 0
        self._known, self._mark, self._apart = {}, 0, 0
        self.marks, self.words = {}, {}

    def look(self, connection: sqlite3.Connection) -> None:
        """Reads the newest entries that the file has by now. Entries that were moved to the large index may still be
        remembered; then they are found twice."""
        (found,) = connection.execute(SINCE, (self._last,)).fetchone()
        if found is None:
            return
        for first, visitors in sorted(_runs.decode(f"[{found}]")):
            for place, visitor in enumerate(visitors, first):
                self._newer.setdefault(visitor, []).append(place)
            self._many, self._last = self._many + len(visitors), first
            if self._many >= LATELY:
                self._newer, self._older, self._many = {}, self._newer, 0

    def places(self, number: int) -> list[int]:
        """The places of page views of visitors with this number."""
        return [*self._older.get(number, ()), *self._newer.get(number, ())]

    def known(self, connection: sqlite3.Connection, mark: int) -> dict[str, int]:
        """The visitors who have a row and are not diverted, with their numbers; may be added to. `mark` is the
        file's."""
        self._apart, apart = sqlite_diverted.since(connection, self._apart)
        if apart is None or mark != self._mark or len(self._known) > MOST_KNOWN:
            self._known, self._mark = {}, mark
        for visitor_id in apart or ():
            self._known.pop(visitor_id, None)
        return self._known


class CachingConnection(sqlite3.Connection):
    """A connection with a cache."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cache = ConnectionCache()


def cache_of(connection: sqlite3.Connection) -> ConnectionCache:
    """The connection's cache; an empty one for a connection without."""
    return connection.cache if isinstance(connection, CachingConnection) else ConnectionCache()
