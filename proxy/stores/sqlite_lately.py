"""What a connection to the SQLite store remembers from one transaction to the next, so as not to ask the file for it:
whose the newest of what pages noted are (`sqlite_noted.py`), and who is known to have a row in `profiles`, with their
numbers, and to be none of those of whom nothing is logged as it comes (`sqlite_apart.py`).

Nothing of it is the only copy. Whatever takes visitors out of the file leaves a mark there (`sqlite_changes.py`), by
which others find out that they know too much; a transaction that fails has its connection forget it all.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from proxy.stores import sqlite_apart

NEWEST = """
CREATE TABLE IF NOT EXISTS noted_newest (first INTEGER PRIMARY KEY, visitors TEXT NOT NULL)
"""
"""A row of a transaction: the first of its places, and the visitors of them all by their numbers, as JSON."""
SINCE = "SELECT group_concat('[' || first || ',' || visitors || ']') FROM noted_newest WHERE first > ?"
LATELY = 20_000
"""So many of the newest are not in the large index."""
MOST_KNOWN = 50_000

_runs = msgspec.json.Decoder(list[tuple[int, list[int]]])


class Lately:
    """Of one connection, used by one thread at a time. `marks` are those of words, and `words` those of marks
    (`sqlite_words.py`)."""

    def __init__(self) -> None:
        self._newer: dict[int, list[int]] = {}
        self._older: dict[int, list[int]] = {}
        self._many, self._last = 0, 0  # in the newer; the last row that was read
        self._known: dict[str, int] = {}
        self._mark, self._apart = 0, 0
        self.marks: dict[bytes, bytes] = {}
        self.words: dict[bytes, bytes] = {}

    def forget(self) -> None:
        """The file may be another than it was."""
        self._newer, self._older, self._many, self._last = {}, {}, 0, 0
        self._known, self._mark, self._apart = {}, 0, 0
        self.marks, self.words = {}, {}

    def look(self, connection: sqlite3.Connection) -> None:
        """Reads what the file has of the newest by now. What was moved from there to the large index may be known
        still: then it is found twice."""
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
        """Where something of the visitor with this number is noted."""
        return [*self._older.get(number, ()), *self._newer.get(number, ())]

    def known(self, connection: sqlite3.Connection, mark: int) -> dict[str, int]:
        """Who has a row and is not apart, with their numbers, to be added to; `mark` is the file's."""
        self._apart, apart = sqlite_apart.since(connection, self._apart)
        if apart is None or mark != self._mark or len(self._known) > MOST_KNOWN:
            self._known, self._mark = {}, mark
        for visitor_id in apart or ():
            self._known.pop(visitor_id, None)
        return self._known


class Remembering(sqlite3.Connection):
    """A connection that does."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lately = Lately()


def lately_of(connection: sqlite3.Connection) -> Lately:
    """What the connection remembers; of another, nothing."""
    return connection.lately if isinstance(connection, Remembering) else Lately()
