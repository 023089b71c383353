"""Whose profiles were changed in a SQLite store, for workers that remember profiles.

A place consists of the end of the log and the newest mark. Most changes are events in the log, which name their
visitor; only removing events and rebuilding profiles add none, so these leave a mark for each profile. A mark without a
name stands for any visitor and replaces all earlier ones: no name of an erased visitor may remain.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from proxy.ports import Changed
from proxy.stores import sqlite_bulk, sqlite_noted
from proxy.stores.record import unpacked_visitor_id
from proxy.stores.sqlite_visitor import last_place

# Named when erasing was all that it told of.
SCHEMA = "CREATE TABLE IF NOT EXISTS erasures (place INTEGER PRIMARY KEY, visitor_id TEXT);"
NAMED = "ALTER TABLE erasures ADD COLUMN visitor_id TEXT"
MOST = 50_000
"""Who has missed more changes than that had better remember nobody."""
WITHIN = "place > json_extract(gap.value, '$[0]') AND place <= json_extract(gap.value, '$[1]')"
VISITORS = f"""
SELECT json_group_array(visitor_id) FROM (
    SELECT DISTINCT visitor_id FROM json_each(?1) AS gap CROSS JOIN events WHERE {WITHIN}
)
"""  # noqa: S608  # a constant
MARKED = "SELECT json_group_array(visitor_id) FROM erasures WHERE place > ? AND place <= ?"

Span = tuple[int, int]
"""Of the log, or of the marks: what lies after the one place, up to the other."""


class Missed(NamedTuple):
    """The changes between two places cannot be listed any more."""

    log: list[Span]
    marks: Span

    @property
    def is_nothing(self) -> bool:
        """True when nothing lies there."""
        return not self.log and self.marks[0] == self.marks[1]


def mark(connection: sqlite3.Connection, visitor_ids: Collection[str] = ()) -> None:
    """Records that these profiles (none: anybody's) were changed without an event in the log."""
    sqlite_bulk.write(connection, "INSERT INTO erasures (visitor_id)", [(id,) for id in visitor_ids] or [(None,)])
    most = MOST if visitor_ids else 0
    connection.execute("DELETE FROM erasures WHERE place < (SELECT max(place) FROM erasures) - ?", (most,))


def forget_names(connection: sqlite3.Connection) -> None:
    """Removes the ids from all marks; a reader that has seen the newest mark needs none of them."""
    connection.execute("DELETE FROM erasures WHERE place < (SELECT max(place) FROM erasures)")
    connection.execute("UPDATE erasures SET visitor_id = NULL")


def newest(connection: sqlite3.Connection) -> str:
    """As `ProfileStore.newest_change`."""
    return f"{last_place(connection)}/{marked(connection)}"


def marked(connection: sqlite3.Connection) -> int:
    """The number of the newest mark."""
    found: int = connection.execute("SELECT coalesce(max(place), 0) FROM erasures").fetchone()[0]
    return found


def name_of(span: Span) -> str:
    """The name of a change, as in `Applied.changes`."""
    return f"{span[0]}-{span[1]}"


def missed(after: str, until: str, known: Collection[str]) -> Missed | None:
    """The ranges between two places without the known changes; None when there are too many."""
    (begins, begins_marked), (ends, ends_marked) = _numbers(after, "/"), _numbers(until, "/")
    found = []
    for first, last in sorted(_numbers(name, "-") for name in known):
        if begins < min(first, ends):
            found.append((begins, min(first, ends)))
        begins = max(begins, last)
    if begins < ends:
        found.append((begins, ends))
    marks = begins_marked, ends_marked
    return Missed(found, marks) if sum(last - first for first, last in [*found, marks]) <= MOST else None


def changed(connection: sqlite3.Connection, missed: Missed) -> Changed | None:
    """The visitors of the events and marks in these ranges; None when a mark stands for any visitor."""
    marked = _names(connection, MARKED, missed.marks)
    if None in marked or len(marked) < missed.marks[1] - missed.marks[0]:
        return None
    sent = _names(connection, VISITORS, (json.dumps(missed.log),))
    noted = [unpacked_visitor_id(piece) for gap in missed.log for _, piece in sqlite_noted.between(connection, *gap)]
    return Changed({*marked, *sent, *noted})


def _names(connection: sqlite3.Connection, sought: str, parameters: tuple[object, ...]) -> list[str]:
    found: list[str] = json.loads(connection.execute(sought, parameters).fetchone()[0])
    return found


def _numbers(text: str, between: str) -> Span:
    first, _, second = text.partition(between)
    return int(first), int(second)
