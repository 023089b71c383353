"""Whose events are not logged as they come, in the SQLite file: those of who was erased, and of devices, whose they are
not (`sqlite_tombstones.py`, `devices`).

Whoever writes page views remembers of whom that was asked (`sqlite_lately.py`), for it costs as much as to write them.
So the file tells when it becomes true of somebody: by a row for each device, and by one that names nobody, and leaves
none before it, when anybody is erased. Triggers write it, whichever way it came to that.
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
    """Of whom it became true after a place, None for anybody; and the last place."""
    last, many, told = connection.execute(SINCE, (place,)).fetchone()
    if last is None:
        return place, []
    names = [bytes.fromhex(name).decode() for name in json.loads(told)]
    return last, names if many == last - place and "" not in names else None


def forget_names(connection: sqlite3.Connection) -> None:
    """Leaves no name."""
    connection.execute(ANYBODY)
    connection.execute(NO_OTHER)
