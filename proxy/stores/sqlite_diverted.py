"""Visitors whose events are diverted, in the SQLite file: those of erased visitors may be dropped, and those of devices
are logged for their person (`sqlite_tombstones.py`, `devices`).

Whoever writes page views remembers the visitors for whom that was checked (`sqlite_cache.py`), as the check costs as
much as the write. So the file records when a visitor becomes diverted: a row for each device, and a row without a name,
replacing all earlier ones, when anybody is erased. Triggers write it, whatever caused the change.
"""

from __future__ import annotations

import json
import sqlite3

MOST = 1_000
ANYBODY = "INSERT INTO apart (visitor_id) VALUES (NULL)"
NO_OTHER = "DELETE FROM apart WHERE place < (SELECT max(place) FROM apart)"
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS apart (place INTEGER PRIMARY KEY, visitor_id TEXT);
CREATE TRIGGER IF NOT EXISTS apart_joined AFTER INSERT ON devices BEGIN
    INSERT INTO apart (visitor_id) VALUES (new.visitor_id);
    DELETE FROM apart WHERE place <= (SELECT max(place) FROM apart) - {MOST};
END;
CREATE TRIGGER IF NOT EXISTS apart_erased AFTER INSERT ON tombstones BEGIN {ANYBODY}; {NO_OTHER}; END;
CREATE TRIGGER IF NOT EXISTS apart_erased_again AFTER UPDATE ON tombstones BEGIN {ANYBODY}; {NO_OTHER}; END;
"""  # noqa: S608  # constants
# In hexadecimal, for to SQLite's JSON a text ends at a NUL.
SINCE = "SELECT max(place), count(*), json_group_array(hex(visitor_id)) FROM apart WHERE place > ?"


def since(connection: sqlite3.Connection, place: int) -> tuple[int, list[str] | None]:
    """The visitors who became diverted after a place, None for any; and the newest place."""
    last, many, told = connection.execute(SINCE, (place,)).fetchone()
    if last is None:
        return place, []
    names = [bytes.fromhex(name).decode() for name in json.loads(told)]
    return last, names if many == last - place and "" not in names else None


def forget_names(connection: sqlite3.Connection) -> None:
    """Removes all names."""
    connection.execute(ANYBODY)
    connection.execute(NO_OTHER)
