"""What a SQLite store keeps of one visitor, and how the profile follows:

    events      every event that was sent, in order of arrival
    noted_views the visitor's page views, in the same order (`sqlite_noted.py`)
    profiles    a checkpoint: the profile as it was at some place of the log; empty at first
    devices     the person whose device the visitor is, if any

The profile is the checkpoint with the later events folded in. So an event costs one row, and the profile, which is a
hundred times as large, is written only now and then. Events after a checkpoint never need merge rules: an event that
does, or that changes where events go, is put into a checkpoint at once (`sqlite_log.py`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from proxy.audience.merging import NO_RULES, Rules
from proxy.errors import DamagedValueError
from proxy.events.fold import fold, in_order
from proxy.model import Arrival, Profile
from proxy.stores import sqlite_bulk, sqlite_noted, sqlite_shared, sqlite_words
from proxy.stores.record import MAX_BYTES, packed, undamaged, unpacked, unpacked_arrivals

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS events (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    visitor_id TEXT NOT NULL,
    id TEXT NOT NULL,
    received_at REAL NOT NULL,
    value BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON events (visitor_id, id);
CREATE TABLE IF NOT EXISTS profiles (
    visitor_id TEXT PRIMARY KEY, value BLOB NOT NULL, until INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS devices (visitor_id TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;
{sqlite_noted.SCHEMA}
"""
# One row for all that are asked for: a thread lets others run at each row, and may wait milliseconds for its next turn.
# At most one byte more than a profile may have, whatever lies there. The plus keeps SQLite from looking through all
# that came after the place: a visitor's own events are few, and their places are in the index.
READ = f"""
SELECT json_group_array(json_array(
    sought.id,
    hex(substr(CAST(profiles.value AS BLOB), 1, :most)),
    (
        SELECT group_concat(hex(value), ' ') FROM events INDEXED BY events_once
        WHERE visitor_id = sought.id AND +place > coalesce(profiles.until, 0)
    ),
    (SELECT group_concat(hex(value), ' ') FROM (
        {
    sqlite_noted.OF_ONE.format(number="sought.number", recent="sought.recent", after="coalesce(profiles.until, 0)")
}
    ))
))
FROM (
    SELECT value ->> 0 AS id, value ->> 1 AS number, value -> 2 AS recent FROM json_each(:sought)
) AS sought
LEFT JOIN profiles ON profiles.visitor_id = sought.id
"""  # noqa: S608  # a constant
LOG_OF = f"""
SELECT
    (SELECT group_concat(hex(value), ' ') FROM events INDEXED BY events_once WHERE visitor_id = ?3),
    (SELECT group_concat(hex(value), ' ') FROM ({sqlite_noted.ALL}))
"""  # noqa: S608  # a constant
WRITE = "INSERT OR ROLLBACK INTO profiles (visitor_id, value, until)"
REPLACE = "ON CONFLICT (visitor_id) DO UPDATE SET value = excluded.value, until = excluded.until"
MANY = 16
OF_VISITORS = "visitor_id IN (SELECT value FROM json_each(?))"


class Packed(NamedTuple):
    """Events, packed one after the other, and how many they are."""

    value: bytes = b""
    many: int = 0


NOTHING = Packed()


class Stored(NamedTuple):
    """A profile as it is stored: the checkpoint, empty for none, and the events since: those sent, and what was noted
    of all who have the visitor's number."""

    checkpoint: bytes = b""
    sent: Packed = NOTHING
    noted: Packed = NOTHING

    @property
    def many(self) -> int:
        """The number of events to be folded in."""
        return self.sent.many + self.noted.many

    @property
    def is_long(self) -> bool:
        """True when a newer checkpoint would be read faster."""
        return self.many >= MANY


_decoder = msgspec.json.Decoder(list[tuple[str, str, str | None, str | None]])


def stored(connection: sqlite3.Connection, visitor_ids: Sequence[str]) -> list[Stored]:
    """What is stored of each visitor."""
    sought = json.dumps(sqlite_noted.sought(connection, visitor_ids))
    (found,) = connection.execute(READ, {"most": MAX_BYTES + 1, "sought": sought}).fetchone()
    rows = _decoder.decode(found)
    noted = _page_views(connection, [values for *_, values in rows])
    # To SQLite's JSON a text ends at a NUL, so what it found may be another visitor's.
    return [
        Stored(bytes.fromhex(checkpoint), _sent(sent), theirs) if id == wanted else Stored()
        for wanted, (id, checkpoint, sent, _), theirs in zip(visitor_ids, rows, noted, strict=True)
    ]


def _sent(values: str | None) -> Packed:
    """The events sent, in hexadecimal, with spaces between."""
    return Packed(bytes.fromhex(values), len(values.split())) if values else NOTHING


def _page_views(connection: sqlite3.Connection, whose: Sequence[str | None]) -> list[Packed]:
    """The same for page views; removed ones are empty."""
    kept = [[bytes.fromhex(value) for value in values.split()] if values else [] for values in whose]
    whole = iter(sqlite_words.whole(connection, [value for theirs in kept for value in theirs]))
    return [Packed(b"".join(islice(whole, len(theirs))), len(theirs)) for theirs in kept]


def profile_of(stored: Stored, visitor_id: str, rules: Rules = NO_RULES) -> Profile | None:
    """The stored profile. Raises `DamagedValueError`."""
    profile = unpacked(stored.checkpoint, visitor_id) if stored.checkpoint else None
    arrivals = _arrivals(stored, visitor_id)
    return fold(profile, in_order(arrivals), rules, of_one_log=True) if arrivals else profile


def _arrivals(stored: Stored, visitor_id: str) -> list[Arrival]:
    """The events since the checkpoint. Raises `DamagedValueError`."""
    sent = unpacked_arrivals(*stored.sent) if stored.sent.many else []
    if any(arrival.visitor_id != visitor_id for arrival in sent):
        raise DamagedValueError("a stored event is another visitor's", help="rebuild the profile from the log")
    noted = unpacked_arrivals(*stored.noted) if stored.noted.many else []
    return sent + [arrival for arrival in noted if arrival.visitor_id == visitor_id]


def log_of(connection: sqlite3.Connection, visitor_id: str) -> list[Arrival]:
    """All events of one visitor that can be read, in order. (Else one damaged event would keep everybody's from being
    copied, and from expiring.)"""
    sought = *sqlite_noted.one_sought(connection, visitor_id), visitor_id
    sent, noted = connection.execute(LOG_OF, sought).fetchone()
    try:
        return in_order(_arrivals(Stored(b"", _sent(sent), *_page_views(connection, [noted])), visitor_id))
    except DamagedValueError:
        return _undamaged(connection, visitor_id)


def remade(connection: sqlite3.Connection, visitor_id: str) -> Profile | None:
    """The profile rebuilt from what is not damaged in the log; None when that is empty. (Else one damaged event would
    keep those that come with the visitor's next from being stored.)"""
    arrivals = _undamaged(connection, visitor_id)
    return fold(None, arrivals, sqlite_shared.merge_rules(connection), of_one_log=True) if arrivals else None


def _undamaged(connection: sqlite3.Connection, visitor_id: str) -> list[Arrival]:
    values = connection.execute("SELECT CAST(value AS BLOB) FROM events WHERE visitor_id = ?", (visitor_id,))
    sent = [one for one in undamaged(value for (value,) in values) if one.visitor_id == visitor_id]
    return in_order([*sent, *sqlite_noted.all_of(connection, visitor_id).values()])


def current(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> dict[str, Profile]:
    """The profiles of those visitors who have one. A damaged one is remade."""
    ids, rules = list(set(visitor_ids)), sqlite_shared.merge_rules(connection)
    found: dict[str, Profile | None] = {}
    for visitor_id, value in zip(ids, stored(connection, ids), strict=True):
        try:
            found[visitor_id] = profile_of(value, visitor_id, rules)
        except DamagedValueError:
            found[visitor_id] = remade(connection, visitor_id)
    return {visitor_id: profile for visitor_id, profile in found.items() if profile is not None}


# -- checkpoints


def checkpoint(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> dict[str, Profile]:
    """Writes the visitors' profiles (`current`) as checkpoints and returns them."""
    profiles = current(connection, visitor_ids) if visitor_ids else {}
    write(connection, profiles)
    return profiles


def write(connection: sqlite3.Connection, profiles: Mapping[str, Profile]) -> None:
    """Stores these profiles as checkpoints of the whole log."""
    last = last_place(connection)
    sqlite_bulk.write(connection, WRITE, [(id, packed(profile), last) for id, profile in profiles.items()], REPLACE)
    for visitor_id, profile in profiles.items():
        if profile.links and persons(connection, [visitor_id]).get(visitor_id, "") != profile.alias:
            connection.execute("DELETE FROM devices WHERE visitor_id = ?", (visitor_id,))
            if profile.alias:
                connection.execute("INSERT INTO devices VALUES (?, ?)", (visitor_id, profile.alias))


def forget(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> int:
    """Deletes the visitors' profiles; returns how many there were."""
    ids = (json.dumps(list(visitor_ids)),)
    of_theirs = f"DELETE FROM devices WHERE {OF_VISITORS} OR person IN (SELECT value FROM json_each(?))"  # noqa: S608
    connection.execute(of_theirs, ids * 2)
    return connection.execute(f"DELETE FROM profiles WHERE {OF_VISITORS}", ids).rowcount  # noqa: S608


def last_place(connection: sqlite3.Connection) -> int:
    """The last place ever given to an event; none is given twice."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return found[0] if found else 0


# -- of many


def persons(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> dict[str, str]:
    """The person of each of these visitors who is a device."""
    if connection.execute("SELECT 1 FROM devices LIMIT 1").fetchone() is None:
        return {}
    sought = f"SELECT json_group_object(visitor_id, person) FROM devices WHERE {OF_VISITORS}"  # noqa: S608
    found: dict[str, str] = json.loads(connection.execute(sought, (json.dumps(list(visitor_ids)),)).fetchone()[0])
    return found


def known(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> set[str]:
    """Those of the visitors who have a checkpoint."""
    sought = f"SELECT json_group_array(visitor_id) FROM profiles WHERE {OF_VISITORS}"  # noqa: S608
    return set(json.loads(connection.execute(sought, (json.dumps(list(visitor_ids)),)).fetchone()[0]))


def intact(connection: sqlite3.Connection, visitor_ids: Sequence[str]) -> list[Profile]:
    """The profiles that can be read."""
    found = []
    for visitor_id, value in zip(visitor_ids, stored(connection, visitor_ids), strict=True):
        try:
            found.append(profile_of(value, visitor_id))
        except DamagedValueError:
            continue
    return [profile for profile in found if profile is not None]
