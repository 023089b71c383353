"""Whose profiles were changed in a SQLite store, and whom it knows at all, for workers that remember profiles.

A place consists of the end of the log and the newest mark. Most changes are events in the log, which name their
visitor; only removing events and rebuilding profiles add none, so these leave a mark for each profile. A mark without a
name stands for any visitor and replaces all earlier ones: no name of an erased visitor may remain.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

import msgspec

from proxy.ports import Changed, KnownVisitors
from proxy.stores import sqlite_bulk, sqlite_noted
from proxy.stores.record import unpacked_visitor_id
from proxy.stores.sqlite_visitor import last_place

# Named when erasing was all that it told of.
SCHEMA = "CREATE TABLE IF NOT EXISTS erasures (place INTEGER PRIMARY KEY, visitor_id TEXT);"
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


# -- The visitors that a SQLite store has something of, for `visitors/store_filter.py`: all ids, a thousand at a time,
# without profiles. First those in the table of profiles, in its order; then those who have events and are not in it, as
# in what was saved from a damaged file.
# Everything that is more than a history is in a checkpoint (`sqlite_log.py`): a visitor with an empty checkpoint has
# only a history.

AT_ONCE = 1_000
# A row for all, as everywhere: a thread lets others run at each row. The length of a value is known without reading it.
PROFILES = """
SELECT
    max(place),
    json_group_array(visitor_id) FILTER (WHERE NOT has_more),
    json_group_array(visitor_id) FILTER (WHERE has_more)
FROM (
    SELECT rowid AS place, visitor_id, length(value) > 0 AS has_more FROM profiles
    WHERE rowid > ? ORDER BY rowid LIMIT ?
)
"""
# From one visitor to the next, past their events.
OTHERS = """
WITH RECURSIVE one (id) AS (
    SELECT min(visitor_id) FROM events WHERE visitor_id > :after
    UNION ALL
    SELECT (SELECT min(visitor_id) FROM events WHERE visitor_id > one.id) FROM one WHERE one.id IS NOT NULL
    LIMIT :most
)
SELECT
    max(id),
    count(*),
    json_group_array(id) FILTER (WHERE id NOT NULL AND NOT EXISTS (SELECT 1 FROM profiles WHERE visitor_id = one.id))
FROM one
"""
_ids = msgspec.json.Decoder(list[str])


def known_visitors(connection: sqlite3.Connection, after: str) -> KnownVisitors:
    """As `ProfileStore.known_visitors`. A place is that of the first table, or in the second an id after a colon."""
    (of,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM profiles").fetchone()
    place, is_other, id = after.partition(":")
    if not is_other:
        last, history_only, more = connection.execute(PROFILES, (int(place or 0), AT_ONCE)).fetchone()
        return KnownVisitors(_ids.decode(history_only), _ids.decode(more), ":" if last is None else str(last), of)
    last, many, others = connection.execute(OTHERS, {"after": id, "most": AT_ONCE}).fetchone()
    return KnownVisitors((), _ids.decode(others), f":{last}" if last and many == AT_ONCE else "", of)
