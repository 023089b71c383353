"""Whose profiles were changed in a SQLite store, for those who remember them.

A place is where the log ends, and a mark. What changes a profile is an event in the log, which says whose it is; only
taking events out, making profiles anew and erasing add none. They make another mark, which names nobody: of who was
erased no name may stay.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from proxy.stores.sqlite_visitor import last_place

# Named when erasing was all that it told of.
SCHEMA = "CREATE TABLE IF NOT EXISTS erasures (place INTEGER PRIMARY KEY);"
MOST = 50_000
"""Who has missed more changes than that had better remember nobody."""
WITHIN = "place > json_extract(gap.value, '$[0]') AND place <= json_extract(gap.value, '$[1]')"
VISITORS = f"""
SELECT json_group_array(visitor_id) FROM (
    SELECT visitor_id FROM json_each(?1) AS gap CROSS JOIN events WHERE {WITHIN}
    UNION SELECT visitor_id FROM json_each(?1) AS gap CROSS JOIN noted WHERE {WITHIN}
)
"""  # noqa: S608  # a constant

Span = tuple[int, int]
"""Of the log: what lies after the one place, up to the other."""


def mark(connection: sqlite3.Connection) -> None:
    """Says that profiles were changed and no event in the log tells whose."""
    connection.execute("INSERT INTO erasures DEFAULT VALUES")
    connection.execute("DELETE FROM erasures WHERE place < (SELECT max(place) FROM erasures)")


def newest(connection: sqlite3.Connection) -> str:
    """As `ProfileStore.newest_change`."""
    (marked,) = connection.execute("SELECT coalesce(max(place), 0) FROM erasures").fetchone()
    return f"{last_place(connection)}/{marked}"


def name_of(span: Span) -> str:
    """What `Applied.changes` calls it."""
    return f"{span[0]}-{span[1]}"


def gaps(after: str, until: str, known: Collection[str]) -> list[Span] | None:
    """What lies between two places and is not in what is known; None when anybody may have been changed."""
    (begins, begins_marked), (ends, ends_marked) = _numbers(after, "/"), _numbers(until, "/")
    if begins_marked != ends_marked:
        return None
    found = []
    for first, last in sorted(_numbers(name, "-") for name in known):
        if begins < min(first, ends):
            found.append((begins, min(first, ends)))
        begins = max(begins, last)
    if begins < ends:
        found.append((begins, ends))
    return found if sum(last - first for first, last in found) <= MOST else None


def visitors(connection: sqlite3.Connection, spans: Collection[Span]) -> Collection[str]:
    """Of whom there is an event in these."""
    found: list[str] = json.loads(connection.execute(VISITORS, (json.dumps(spans),)).fetchone()[0])
    return found


def _numbers(text: str, between: str) -> Span:
    first, _, second = text.partition(between)
    return int(first), int(second)
