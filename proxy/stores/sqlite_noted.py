"""What pages note of themselves, in the SQLite file of the profiles: events that nobody sends twice, each with an id
that its worker makes up. The log needs nothing to tell them from those before, which is less than half of the work:

    noted          every event by its place; it shares the places with `events` (`sqlite_visitor.py`)
    noted_of       whose they are, as a number that few visitors share, and their places; but for
    noted_newest   the newest, a row for each transaction

In an index each event would have a page of its own written. So whose the newest are is written down one after the other
and looked up in memory (`sqlite_lately.py`); whenever so many have come they go to the index: in order, many to a page.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from zlib import crc32

import msgspec

from proxy.model import NOTED, Arrival, Deed
from proxy.stores import sqlite_bulk
from proxy.stores.record import unpacked_arrival
from proxy.stores.sqlite_lately import LATELY, NEWEST, lately_of

EVERY = 1_024
INDEX = """
CREATE TABLE IF NOT EXISTS noted_of (visitor INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (visitor, place))
WITHOUT ROWID
"""
TABLES = (
    "CREATE TABLE IF NOT EXISTS noted (place INTEGER PRIMARY KEY, visitor_id TEXT NOT NULL, value BLOB NOT NULL)",
    NEWEST,
    INDEX,
)
SCHEMA = ";".join(TABLES) + ";"
MOVE = """
INSERT OR ROLLBACK INTO noted_of
SELECT one.value, first + one.key FROM noted_newest, json_each(visitors) AS one ORDER BY 1, 2
"""
OF_ONE = """
FROM noted WHERE visitor_id = {id} AND place IN (
    SELECT place FROM noted_of WHERE visitor = {number} AND place > {after}
    UNION ALL SELECT value FROM json_each({lately}) WHERE value > {after}
)
"""
"""What was noted of a visitor, of that `number`, after a place. `lately` are the places that no index has."""
ALL = OF_ONE.format(id="?1", number="?2", lately="?3", after="0")


def number(visitor_id: str) -> int:
    """What a visitor is called in the indexes."""
    return crc32(visitor_id.encode("utf-8", "surrogatepass"))


def sought(connection: sqlite3.Connection, visitor_ids: Sequence[str]) -> list[tuple[str, int, list[int]]]:
    """The visitors as they are looked for: with their numbers, and the places that are in no index."""
    lately = lately_of(connection)
    lately.look(connection)
    return [
        (id, called, lately.places(called)) for id, called in zip(visitor_ids, map(number, visitor_ids), strict=True)
    ]


def one_sought(connection: sqlite3.Connection, visitor_id: str) -> tuple[str, int, str]:
    """The same of one, for `ALL`."""
    ((id, called, places),) = sought(connection, [visitor_id])
    return id, called, json.dumps(places)


def add(connection: sqlite3.Connection, deeds: Sequence[Deed], last: int, known: dict[str, int]) -> set[str]:
    """Logs them, at least one, after the `last` place; who is drawn for a checkpoint. Their visitors have at least an
    empty one from now on, by which they are found, and are `known` with their numbers."""
    places = range(last + 1, last + 1 + len(deeds))
    if not connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (places[-1],)).rowcount:
        connection.execute("INSERT INTO sqlite_sequence VALUES ('events', ?)", (places[-1],))
    ids = [deed.visitor_id for deed in deeds]
    rows = list(zip(places, ids, [deed.packed for deed in deeds], strict=True))
    sqlite_bulk.write(connection, "INSERT OR ROLLBACK INTO noted", rows)
    if new := set(ids).difference(known):
        empty = [(id, b"") for id in sorted(new)]
        sqlite_bulk.write(connection, "INSERT OR IGNORE INTO profiles (visitor_id, value)", empty)
        known.update((id, number(id)) for id in new)
    visitors = msgspec.json.encode([known[id] for id in ids]).decode()
    connection.execute("INSERT OR ROLLBACK INTO noted_newest VALUES (?, ?)", (places[0], visitors))
    if last // LATELY == places[-1] // LATELY:
        return set()
    move(connection)
    return _drawn(connection, places[-1])


def move(connection: sqlite3.Connection) -> None:
    """Brings the newest into the index."""
    connection.execute(MOVE)
    connection.execute("DELETE FROM noted_newest")


def _drawn(connection: sqlite3.Connection, last: int) -> set[str]:
    """Whose is one in `EVERY` of those that the index has now: they are read without looking among the newest."""
    places = random.sample(range(max(last - LATELY, 0), last), min(LATELY // EVERY, last))
    sought = "SELECT json_group_array(visitor_id) FROM noted WHERE place IN (SELECT 1 + value FROM json_each(?))"
    return set(json.loads(connection.execute(sought, (json.dumps(places),)).fetchone()[0]))


def all_of(connection: sqlite3.Connection, visitor_id: str) -> dict[str, int]:
    """The ids of all that was noted of a visitor, and their places."""
    rows = connection.execute(f"SELECT place, value {ALL}", one_sought(connection, visitor_id)).fetchall()
    return {unpacked_arrival(value).event.id: place for place, value in rows}


def not_noted(connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """Those of the arrivals that were not noted before: what was may come again as a copy."""
    whose = {arrival.visitor_id for arrival in arrivals if arrival.event.id.startswith(NOTED)}
    known = {(id, one) for id in whose for one in all_of(connection, id)}
    return [one for one in arrivals if (one.visitor_id, one.event.id) not in known] if known else arrivals


def take_out(connection: sqlite3.Connection, visitor_id: str, ids: Collection[str] | None = None) -> int:
    """Leaves nothing of these events of a visitor, or of all; how many there were."""
    gone = [place for id, place in all_of(connection, visitor_id).items() if ids is None or id in ids]
    move(connection)
    _delete(connection, "noted", gone)
    _delete(connection, "noted_of", gone, f"visitor = {number(visitor_id)} AND")
    return len(gone)


def _delete(connection: sqlite3.Connection, table: str, places: Iterable[int], where: str = "") -> None:
    sought = f"DELETE FROM {table} WHERE {where} place IN (SELECT value FROM json_each(?))"  # noqa: S608
    connection.execute(sought, (json.dumps(list(places)),))
