"""Page views in the SQLite file of the profiles: events that pages record themselves. Nobody sends them twice, as each
has an id made up by its worker, so they need not be compared with earlier ones: that saves more than half of the work.

    noted_views    the events by their places, many to a row (`sqlite_runs.py`); they share the places with `events`
                   (`sqlite_visitor.py`)
    noted_words    what many of them have in common (`sqlite_words.py`)
    noted_at       the index (`sqlite_eras.py`): a visitor's number, which few visitors share, and their places
    noted_newest   the newest entries of the index, a row for each transaction

An index would have a page written for each event. So the newest entries are written one after the other and searched in
memory (`sqlite_cache.py`); when there are many, they are moved to the index in order, many to a page.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from zlib import crc32

import msgspec

from proxy.model import PAGE_EVENT_PREFIX, Arrival, PackedEvent
from proxy.stores import sqlite_bulk, sqlite_eras, sqlite_runs, sqlite_words
from proxy.stores.record import readable, unpacked_visitor_id
from proxy.stores.sqlite_cache import LATELY, NEWEST, cache_of
from proxy.stores.sqlite_runs import CUT
from proxy.turns import in_turns, let_others

EVERY, LONG = 1_024, 128
"""Of one visitor in so many page views it is looked whether `LONG` or more of theirs follow their checkpoint, which
take 1.5 ms to read: they get a new one. With 50 views of each visitor, to read them all each time took a sixth of the
time to write views."""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS noted_views (first INTEGER PRIMARY KEY, value BLOB NOT NULL, bounds TEXT NOT NULL);
{sqlite_words.TABLE};
{NEWEST};
{sqlite_eras.SCHEMA}
"""
# That of who is new is of all before; they have events only in what was saved from a damaged file.
EMPTY = """
INSERT OR IGNORE INTO profiles (visitor_id, value, until)
SELECT
    met.value, x'',
    iif(EXISTS (SELECT 1 FROM events INDEXED BY events_once WHERE visitor_id = met.value), 0, :last)
FROM json_each(:met) AS met
"""
LIES_THERE = f"(SELECT {CUT} FROM noted_views WHERE first <= place ORDER BY first DESC LIMIT 1)"  # noqa: S608
OF_ONE = f"""
SELECT place, {LIES_THERE} AS value FROM (
    {sqlite_eras.PLACES}
    UNION SELECT value FROM json_each({{recent}}) WHERE value > {{after}}
)
"""  # noqa: S608  # a constant
"""The page views after a place, of visitors with this `number`; `recent` are the places that are in no index yet."""
WITH_LONG = f"""
SELECT json_group_array(id) FROM (
    SELECT visitor_id AS id, one.value ->> 1 AS number, until
    FROM json_each(?) AS one JOIN profiles ON visitor_id = one.value ->> 0
) AS sought
WHERE (
    SELECT count(*) FROM ({sqlite_eras.PLACES.format(number="sought.number", after="sought.until")} LIMIT {LONG})
) = {LONG}
"""  # noqa: S608  # a constant
"""Those of these visitors who have that many in the index since their checkpoint; for each its id and number."""
ALL = OF_ONE.format(number="?1", recent="?2", after="0")
RUNS = """
SELECT first, bounds, value FROM noted_views
WHERE first >= coalesce((SELECT max(first) FROM noted_views WHERE first <= ?1), 0) AND first <= ?2 ORDER BY first
"""


def number(visitor_id: str) -> int:
    """The number of a visitor in the indexes."""
    return crc32(visitor_id.encode("utf-8", "surrogatepass"))


def sought(connection: sqlite3.Connection, visitor_ids: Sequence[str]) -> list[tuple[str, int, list[int]]]:
    """The visitors with what finds their page views: their numbers, and the places that are in no index yet."""
    cache = cache_of(connection)
    cache.look(connection)
    return [
        (id, called, cache.places(called)) for id, called in zip(visitor_ids, map(number, visitor_ids), strict=True)
    ]


def one_sought(connection: sqlite3.Connection, visitor_id: str) -> tuple[int, str]:
    """The same for one visitor, for `ALL`."""
    ((_, called, places),) = sought(connection, [visitor_id])
    return called, json.dumps(places)


def numbers_of(deeds: Sequence[PackedEvent], known: Mapping[str, int]) -> list[int]:
    """The numbers of these events' visitors. Raises `KeyError` for one who is not known."""
    return [known[deed.visitor_id] for some in in_turns(deeds) for deed in some]


def meet(connection: sqlite3.Connection, visitor_ids: Collection[str], known: dict[str, int], last: int) -> None:
    """Has these visitors in `known`, with their numbers; from now on they have at least an empty checkpoint, by which
    they are found."""
    new = set(visitor_ids).difference(known)
    connection.execute(EMPTY, {"met": json.dumps(sorted(new)), "last": last})
    known.update((id, number(id)) for id in new)


def add(connection: sqlite3.Connection, deeds: Sequence[PackedEvent], numbers: Sequence[int], last: int) -> set[str]:
    """Logs page views (at least one), of visitors with these numbers, after the `last` place; returns the visitors
    chosen for a checkpoint."""
    places = range(last + 1, last + 1 + len(deeds))
    if not connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (places[-1],)).rowcount:
        connection.execute("INSERT INTO sqlite_sequence VALUES ('events', ?)", (places[-1],))
    rows = []
    for run in sqlite_runs.runs(places[0], sqlite_words.taken_apart(connection, deeds)):
        rows.append(run)
        let_others()
    sqlite_bulk.write(connection, "INSERT OR ROLLBACK INTO noted_views (first, value, bounds)", rows)
    visitors = msgspec.json.encode(numbers).decode()
    connection.execute("INSERT OR ROLLBACK INTO noted_newest VALUES (?, ?)", (places[0], visitors))
    if last // LATELY == places[-1] // LATELY:
        return set()
    move(connection)
    return _drawn(connection, places[-1])


def move(connection: sqlite3.Connection) -> None:
    """Moves the newest places into the index."""
    sqlite_eras.add(connection, "noted_newest, json_each(visitors) AS one", "one.value", "first + one.key")
    connection.execute("DELETE FROM noted_newest")


def _drawn(connection: sqlite3.Connection, last: int) -> set[str]:
    """The visitors of one in `EVERY` page views who have a long log since their checkpoint. All are in the index by
    now, where they are counted without being read."""
    places = random.sample(range(max(last - LATELY, 0), last), min(LATELY // EVERY, last))
    sought = f"SELECT {LIES_THERE} FROM (SELECT 1 + value AS place FROM json_each(?))"  # noqa: S608
    kept = [value for (value,) in connection.execute(sought, (json.dumps(places),)) if value]
    whose = set(map(unpacked_visitor_id, sqlite_words.whole(connection, kept)))
    numbered = json.dumps([(id, number(id)) for id in whose])
    return set(json.loads(connection.execute(WITH_LONG, (numbered,)).fetchone()[0]))


def all_of(connection: sqlite3.Connection, visitor_id: str) -> dict[int, Arrival]:
    """All page views of a visitor that can be read, by place."""
    found = _found(connection, visitor_id)
    return {place: one for place, one in found.items() if one is not None and one.visitor_id == visitor_id}


def _found(connection: sqlite3.Connection, visitor_id: str) -> dict[int, Arrival | None]:
    """The page views of all who have the visitor's number, by place; None for one that cannot be read."""
    kept = dict(connection.execute(ALL, one_sought(connection, visitor_id)).fetchall())
    places = [place for place, value in kept.items() if value]
    return dict(zip(places, readable(sqlite_words.whole(connection, [kept[place] for place in places])), strict=True))


def not_noted(connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """The arrivals that were not logged here before (a copy of a store may bring them again)."""
    whose = {arrival.visitor_id for arrival in arrivals if arrival.event.id.startswith(PAGE_EVENT_PREFIX)}
    known = {(id, one.event.id) for id in whose for one in all_of(connection, id).values()}
    return [one for one in arrivals if (one.visitor_id, one.event.id) not in known] if known else arrivals


def take_out(connection: sqlite3.Connection, visitor_id: str, ids: Collection[str] | None = None) -> int:
    """Removes these events of a visitor; or all of them, with what cannot be read and may be theirs. Returns how many
    there were."""
    noted = _found(connection, visitor_id).items()
    gone = [
        place for place, one in noted
        if (ids is None if one is None else one.visitor_id == visitor_id and (ids is None or one.event.id in ids))
    ]  # fmt: skip
    if gone:
        move(connection)
        for place in gone:
            _blank(connection, place)
        sqlite_eras.take_out(connection, number(visitor_id), gone)
    return len(gone)


def _blank(connection: sqlite3.Connection, place: int) -> None:
    """Removes one event; the others of its row keep their places."""
    first, bounds, value = connection.execute(RUNS, (place, place)).fetchone()
    run = sqlite_runs.pieces(bounds, value)
    run[place - first] = b""
    if any(run):
        changed = sqlite_runs.bounds(run), b"".join(run), first
        connection.execute("UPDATE noted_views SET bounds = ?, value = ? WHERE first = ?", changed)
    else:
        connection.execute("DELETE FROM noted_views WHERE first = ?", (first,))


def between(connection: sqlite3.Connection, after: int, until: int) -> Iterator[tuple[int, bytes]]:
    """The page views between two places, each with its place, in order."""
    for first, bounds, value in connection.execute(RUNS, (after, until)):
        run = enumerate(sqlite_runs.pieces(bounds, value), first)
        sought = {place: piece for place, piece in run if piece and after < place <= until}
        yield from zip(sought, sqlite_words.whole(connection, list(sought.values())), strict=True)
