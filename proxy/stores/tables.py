"""The tables of the SQLite store, and what is done with them within one transaction of a given connection.

`events` is the log, and by its unique index on visitor and id also what tells an event that came before: exactly, and
for as long as the log. `profiles` follows from it.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence

from proxy.audience.identity import LINKING, routed
from proxy.errors import DamagedValueError
from proxy.events.fold import by_visitor, fold
from proxy.model import Arrival, Profile
from proxy.ports import Applied, Part, Refused
from proxy.stores import bulk, sqlite_rules, sqlite_tombstones
from proxy.stores.record import MAX_BYTES, import_of, packed, packed_arrival, unpacked, unpacked_arrival
from proxy.stores.tombstones import is_erased

VERSION = 4
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS profiles (visitor_id TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS attribute_names (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    visitor_id TEXT NOT NULL,
    id TEXT NOT NULL,
    received_at REAL NOT NULL,
    value BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON events (visitor_id, id);
CREATE TABLE IF NOT EXISTS refused (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at REAL NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL,
    visitor_id TEXT NOT NULL,
    call TEXT NOT NULL
);
{sqlite_tombstones.SCHEMA}
{sqlite_rules.SCHEMA}
PRAGMA user_version = {VERSION};
COMMIT;
"""
# One row for all that are asked for: a thread lets others run at each row, and may wait milliseconds for its next turn.
# At most one byte more than a profile may have, whatever lies there.
READ = """
SELECT json_group_object(visitor_id, hex(substr(CAST(value AS BLOB), 1, ?))) FROM profiles
WHERE visitor_id IN (SELECT value FROM json_each(?))
"""
KNOWN = "SELECT CAST(value AS BLOB) FROM profiles WHERE visitor_id = ?"
WRITE = "INSERT INTO profiles"
REPLACE = "ON CONFLICT (visitor_id) DO UPDATE SET value = excluded.value"
LOG = "INSERT INTO events (visitor_id, id, received_at, value)"
NAME = "INSERT OR IGNORE INTO attribute_names"
REFUSE = """
INSERT INTO refused (received_at, source, reason, payload, visitor_id, call) VALUES (?, ?, ?, ?, ?, ?)
"""
MOST_REFUSED = 10_000
OF_THEM = "visitor_id IN (SELECT value FROM json_each(:ids))"
NAMES_THEM = "EXISTS (SELECT 1 FROM json_each(:ids) WHERE instr(payload, CAST(value AS BLOB)) > 0)"
ERASED = {
    "events": ("events", OF_THEM),
    "profiles": ("profiles", OF_THEM),
    "events not taken": ("refused", f"{OF_THEM} OR {NAMES_THEM}"),
}
REBUILT_AT_ONCE = 500
NO_PLACE = 2**62


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables of a new file. Raises `DatabaseError` for a file of another version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise sqlite3.DatabaseError("a newer Tailorbird wrote it")
    if version == 1:
        raise sqlite3.DatabaseError("an older Tailorbird wrote it; import into a new file")
    if version < VERSION:
        connection.executescript(SCHEMA)
        sqlite_tombstones.prepare(connection)


# -- profiles


def read(connection: sqlite3.Connection, visitor_ids: Sequence[str]) -> list[bytes]:
    """A value each; empty when there is none."""
    (found,) = connection.execute(READ, (MAX_BYTES + 1, json.dumps(visitor_ids))).fetchone()
    values = json.loads(found)
    return [bytes.fromhex(values.get(visitor_id, "")) for visitor_id in visitor_ids]


def places_of(connection: sqlite3.Connection, part: Part) -> tuple[int, int]:
    """After which place in the table a part begins, and the last it has; that of the last part is beyond all."""
    (last,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM profiles").fetchone()
    ends = [last * number // part.of for number in (part.number, part.number + 1)]
    return ends[0], ends[1] if part.number + 1 < part.of else NO_PLACE


def profiles(connection: sqlite3.Connection, after: int, until: int) -> list[tuple[int, Profile | None]]:
    """The next profiles by place in the table; None for a damaged one."""
    sought = "SELECT rowid, visitor_id, CAST(value AS BLOB) FROM profiles WHERE rowid > ? AND rowid <= ? "
    rows = connection.execute(f"{sought} ORDER BY rowid LIMIT ?", (after, until, REBUILT_AT_ONCE))
    return [(place, _intact(id, value)) for place, id, value in rows]


def sample(connection: sqlite3.Connection, most: int) -> tuple[list[Profile], int]:
    """Profiles at random places, each once, and how many places there are: about as many as profiles, since few go."""
    (last,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM profiles").fetchone()
    places = random.sample(range(1, last + 1), min(most, last))
    sought = "SELECT visitor_id, CAST(value AS BLOB) FROM profiles WHERE rowid = ?"
    rows = [row for place in places if (row := connection.execute(sought, (place,)).fetchone())]
    found = [profile for id, value in rows if (profile := _intact(id, value))]
    return found, round(last * len(rows) / len(places)) if places else 0


def _intact(visitor_id: str, value: bytes) -> Profile | None:
    try:
        return unpacked(value, visitor_id)
    except DamagedValueError:
        return None


def names(connection: sqlite3.Connection) -> frozenset[str]:
    """Every attribute that was ever brought."""
    return frozenset(name for (name,) in connection.execute("SELECT name FROM attribute_names"))


def put(connection: sqlite3.Connection, profiles: Iterable[Profile]) -> int:
    """Logs and applies an import; how many profiles it was news of."""
    told = list(profiles)
    before = _known_all(connection, [profile.visitor_id for profile in told])
    imports = [import_of(profile, before[profile.visitor_id]) for profile in told]
    return len(apply(connection, [arrival for arrival in imports if arrival is not None]).visitors)


def known(connection: sqlite3.Connection, visitor_id: str) -> Profile | None:
    """The profile, for a change. A damaged one is made anew from the log first."""
    row = connection.execute(KNOWN, (visitor_id,)).fetchone()
    try:
        return unpacked(row[0], visitor_id) if row is not None else None
    except DamagedValueError:
        arrivals = log_of(connection, visitor_id)
        profile = fold(None, arrivals, sqlite_rules.rules(connection)) if arrivals else None
        if profile is not None:
            bulk.write(connection, WRITE, [(visitor_id, packed(profile))], REPLACE)
        return profile


# -- events


def apply(connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> Applied:
    """Logs what the log does not have, and folds it into the profiles. What a device does is its person's."""
    profiles = _known_all(connection, {one.visitor_id for one in arrivals})
    whose = [routed(arrival, profiles[arrival.visitor_id]) for arrival in _not_erased(connection, arrivals)]
    fresh = _not_logged(connection, _not_erased(connection, whose))
    theirs = by_visitor(fresh)
    profiles |= _known_all(connection, theirs.keys() - profiles.keys())
    rules = sqlite_rules.rules(connection)
    after = {visitor_id: fold(profiles[visitor_id], own, rules) for visitor_id, own in theirs.items()}
    bulk.write(connection, LOG, [_row(arrival) for arrival in fresh])
    bulk.write(connection, WRITE, [(visitor_id, packed(profile)) for visitor_id, profile in after.items()], REPLACE)
    bulk.write(connection, NAME, [(name,) for name in sorted({name for own in fresh for name in own.traits})])
    linked = {one.visitor_id: after[one.visitor_id] for one in fresh if one.event.kind in LINKING}
    return Applied(fresh, linked)


def _known_all(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> dict[str, Profile | None]:
    found: dict[str, Profile | None] = {}
    for visitor_id, value in zip(visitor_ids, read(connection, list(visitor_ids)), strict=True):
        try:
            found[visitor_id] = unpacked(value, visitor_id) if value else None
        except DamagedValueError:
            found[visitor_id] = known(connection, visitor_id)
    return found


def _not_logged(connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Those that the log does not have, each once."""
    once = {(arrival.visitor_id, arrival.event.id): arrival for arrival in reversed(arrivals)}
    has = bulk.logged(connection, once)
    return [arrival for key, arrival in reversed(once.items()) if key not in has]


def _row(arrival: Arrival) -> tuple[str, str, float, bytes]:
    return arrival.visitor_id, arrival.event.id, arrival.received_at, packed_arrival(arrival)


def withdraw(connection: sqlite3.Connection, visitor_id: str, ids: Iterable[str]) -> None:
    """Takes events out of a log, and makes the profile anew."""
    connection.executemany("DELETE FROM events WHERE visitor_id = ? AND id = ?", [(visitor_id, id) for id in ids])
    left = log_of(connection, visitor_id)
    if left:
        bulk.write(connection, WRITE, [(visitor_id, packed(fold(None, left, sqlite_rules.rules(connection))))], REPLACE)
    else:
        connection.execute("DELETE FROM profiles WHERE visitor_id = ?", (visitor_id,))


def _not_erased(connection: sqlite3.Connection, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """The arrivals that no tombstone forbids."""
    erased = sqlite_tombstones.erased_at(connection, {arrival.visitor_id for arrival in arrivals})
    return [one for one in arrivals if not is_erased(one, erased.get(one.visitor_id))] if erased else arrivals


def erase(connection: sqlite3.Connection, visitor_ids: Collection[str], now: float) -> dict[str, int]:
    """Deletes all of these visitors, and leaves their tombstones; how many rows of what."""
    sqlite_tombstones.leave(connection, visitor_ids, now)
    sqlite_tombstones.tell(connection)
    ids = json.dumps(list(visitor_ids))
    return {
        name: connection.execute(f"DELETE FROM {table} WHERE {whose}", {"ids": ids}).rowcount  # noqa: S608
        for name, (table, whose) in ERASED.items()
    }


def log(connection: sqlite3.Connection, after: str, limit: int) -> tuple[list[Arrival], str]:
    """The next events in the order of the log, and the place to go on from."""
    sought = "SELECT place, value FROM events WHERE place > ? ORDER BY place LIMIT ?"
    rows = connection.execute(sought, (int(after or 0), limit)).fetchall()
    return [unpacked_arrival(value) for _, value in rows], str(rows[-1][0]) if rows else after


def log_of(connection: sqlite3.Connection, visitor_id: str) -> list[Arrival]:
    """All that happened to one visitor, in order."""
    rows = connection.execute("SELECT value FROM events WHERE visitor_id = ?", (visitor_id,))
    return sorted((unpacked_arrival(value) for (value,) in rows), key=lambda arrival: arrival.event)


def visitors(connection: sqlite3.Connection, after: str) -> list[str]:
    """The next visitors that the log has anything of."""
    sought = "SELECT DISTINCT visitor_id FROM events WHERE visitor_id > ? ORDER BY visitor_id LIMIT ?"
    return [visitor_id for (visitor_id,) in connection.execute(sought, (after, REBUILT_AT_ONCE))]


def rebuild(connection: sqlite3.Connection, visitor_ids: Iterable[str]) -> int:
    """Makes these profiles anew; how many came out differently."""
    changed, rules = 0, sqlite_rules.rules(connection)
    for visitor_id in visitor_ids:
        value = packed(fold(None, log_of(connection, visitor_id), rules))
        before = connection.execute(KNOWN, (visitor_id,)).fetchone()
        if before is None or before[0] != value:
            bulk.write(connection, WRITE, [(visitor_id, value)], REPLACE)
            changed += 1
    return changed


# -- what was not taken


def refuse(connection: sqlite3.Connection, refused: Iterable[Refused]) -> None:
    """Keeps them, and the newest of those before."""
    rows = [(one.received_at, one.source, one.reason, one.payload, one.visitor_id, one.call) for one in refused]
    connection.executemany(REFUSE, rows)
    oldest = "SELECT max(place) - ? FROM refused"
    connection.execute(f"DELETE FROM refused WHERE place <= ({oldest})", (MOST_REFUSED,))  # noqa: S608


def refused(connection: sqlite3.Connection) -> list[Refused]:
    """Those kept, oldest first."""
    rows = connection.execute(
        "SELECT received_at, source, reason, payload, visitor_id, call FROM refused ORDER BY place"
    )
    return [Refused(*row) for row in rows]


def forget_refused(connection: sqlite3.Connection, refused: Iterable[Refused]) -> None:
    """Lets go of these."""
    rows: Iterator[tuple[float, str, bytes]] = ((one.received_at, one.source, one.payload) for one in refused)
    connection.executemany("DELETE FROM refused WHERE received_at = ? AND source = ? AND payload = ?", rows)
