"""The visitors that a SQLite store has something of, for `visitors/store_filter.py`: all ids, a thousand at a time,
without profiles. First those in the table of profiles, in its order; then those who have events and are not in it, as
in a file that an older Tailorbird wrote.

Everything that is more than a history is in a checkpoint (`sqlite_log.py`): a visitor with an empty checkpoint has only
a history.
"""

from __future__ import annotations

import sqlite3

import msgspec

from proxy.ports import KnownVisitors

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
