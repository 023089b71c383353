"""The log of the SQLite store: adding to it, reading it and removing from it, each within one transaction of a given
connection.

An event is one row of the log and nothing else; what follows from it is calculated when somebody asks. A checkpoint is
written for a new visitor, for every change of attributes or of where events go, and for a visitor who was just read and
had many events since the last one (`due`). As many visitors are never read again, one is also written at random, so
that their events do not become too many and nobody has to count: for one event in `EVERY`, and fewer page views
(`sqlite_noted.py`).
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from proxy.audience.identity import LINKING, routed
from proxy.audience.merging import Rules
from proxy.errors import DamagedValueError
from proxy.events.fold import is_history_only
from proxy.model import Arrival, PackedEvent, Profile
from proxy.ports import Applied, Partition
from proxy.stores import sqlite_bulk, sqlite_changes, sqlite_noted, sqlite_shared, sqlite_tombstones, sqlite_visitor
from proxy.stores.record import arrivals_of, came_before, import_of, packed, packed_arrival, packed_event_of, undamaged
from proxy.stores.sqlite_cache import cache_of
from proxy.stores.tombstones import is_erased
from proxy.turns import in_turns

EVERY = 64
# Not to abort in the midst of many rows, for which SQLite would keep a copy of each page: 12 us a row, else 8.
LOG = "INSERT OR IGNORE INTO events (visitor_id, id, received_at, value)"
NAME = "INSERT OR IGNORE INTO attribute_names"
NEXT = "SELECT place, value FROM events WHERE place > ? ORDER BY place LIMIT ?"
# Whoever has an event has a checkpoint, but for some in what was saved from a damaged file.
VISITORS = """
SELECT visitor_id FROM profiles WHERE visitor_id > :after
UNION SELECT visitor_id FROM events WHERE visitor_id > :after
ORDER BY visitor_id LIMIT :limit
"""
AT_ONCE = 500
PLACES_AT_ONCE = 20_000
CAME_BEFORE = "SELECT DISTINCT visitor_id FROM events WHERE place > ? AND place <= ? AND received_at < ?"
NO_PLACE = 2**62
LONGEST_SECONDS = 0.05
"""What changes many visitors keeps events waiting for no longer at a time."""


def apply(
    connection: sqlite3.Connection,
    arrivals: Sequence[Arrival],
    page_events: Sequence[PackedEvent] = (),
    due: Collection[str] = (),
) -> Applied:
    """Logs the events that the log does not have; it never has those in `noted`. A device's events go to its person."""
    known = cache_of(connection).known(connection, sqlite_changes.marked(connection))
    new = {one.visitor_id for one in arrivals}.difference(known)
    diverted = _diverted(connection, new)
    routed_arrivals = sqlite_noted.not_noted(connection, _routed(connection, arrivals, diverted))
    last, changes = sqlite_visitor.last_place(connection), connection.total_changes
    rows = [(one.visitor_id, one.event.id, one.received_at, packed_arrival(one)) for one in routed_arrivals]
    sqlite_bulk.write(connection, LOG, rows)
    is_all = connection.total_changes - changes == len(routed_arrivals)
    new_arrivals = routed_arrivals if is_all else _logged(connection, last, routed_arrivals)
    due = _due(connection, new_arrivals, known).union(due)
    views, drawn = _note(connection, page_events, known) if page_events else (page_events, set[str]())
    names = sorted({name for arrival in new_arrivals for name in arrival.traits})
    sqlite_bulk.write(connection, NAME, [(name,) for name in names])
    profiles = sqlite_visitor.checkpoint(connection, due | drawn)
    if new:
        first_seen = new.difference(diverted).intersection([one.visitor_id for one in new_arrivals])
        known.update((id, sqlite_noted.number(id)) for id in first_seen)
    linked = {one.visitor_id: profiles[one.visitor_id] for one in new_arrivals if one.event.kind in LINKING}
    span = last, sqlite_visitor.last_place(connection)
    places = str(span[0] or ""), str(span[1] or "")
    return Applied(new_arrivals, linked, places, (sqlite_changes.name_of(span),), views)


def _diverted(connection: sqlite3.Connection, visitor_ids: Collection[str]) -> set[str]:
    """Those of these visitors who have a tombstone, or are devices."""
    if not visitor_ids:
        return set()
    return {*sqlite_tombstones.erased_at(connection, visitor_ids), *sqlite_visitor.persons(connection, visitor_ids)}


def _routed(
    connection: sqlite3.Connection, arrivals: Sequence[Arrival], diverted: Collection[str]
) -> Sequence[Arrival]:
    """The arrivals that may be logged, each under its visitor or person."""
    if devices := {one.via for one in arrivals if one.via}:  # as of a join, or of a copy
        erased = sqlite_tombstones.erased_at(connection, devices)
        arrivals = [one for one in arrivals if not is_erased(one, erased.get(one.via))] if erased else arrivals
    if not diverted:
        return arrivals
    allowed = _not_erased(connection, arrivals, diverted)
    persons = sqlite_visitor.persons(connection, diverted)
    routed_arrivals = [routed(one, persons.get(one.visitor_id, "")) for one in allowed]
    return _not_erased(connection, routed_arrivals, persons.values())


def _not_erased(
    connection: sqlite3.Connection, arrivals: Sequence[Arrival], visitor_ids: Collection[str]
) -> Sequence[Arrival]:
    """The arrivals that no tombstone of these visitors forbids."""
    erased = sqlite_tombstones.erased_at(connection, visitor_ids)
    return [one for one in arrivals if not is_erased(one, erased.get(one.visitor_id))] if erased else arrivals


def _note(
    connection: sqlite3.Connection, page_events: Sequence[PackedEvent], known: dict[str, int]
) -> tuple[Sequence[PackedEvent], set[str]]:
    """Logs page views; returns those logged, and the visitors chosen for a checkpoint. Nearly all are of visitors who
    are known, and are logged as they are."""
    last = sqlite_visitor.last_place(connection)
    try:
        numbers = sqlite_noted.numbers_of(page_events, known)
    except KeyError:
        return _note_new(connection, page_events, known, last)
    return page_events, sqlite_noted.add(connection, page_events, numbers, last)


def _note_new(
    connection: sqlite3.Connection, page_events: Sequence[PackedEvent], known: dict[str, int], last: int
) -> tuple[Sequence[PackedEvent], set[str]]:
    """The same where some visitors are new: their events may be a person's, or of somebody who was erased."""
    ids = {one.visitor_id for some in in_turns(page_events) for one in some}
    diverted = _diverted(connection, ids.difference(known))
    rerouted = [one for one in page_events if one.visitor_id in diverted] if diverted else []
    if rerouted:
        others = [one for one in page_events if one.visitor_id not in diverted]
        rerouted = [packed_event_of(arrival) for arrival in _routed(connection, arrivals_of(rerouted), diverted)]
        page_events = [*others, *rerouted]
        ids = {one.visitor_id for one in page_events}
    if not page_events:
        return page_events, set()
    sqlite_noted.meet(connection, ids, known, last)
    drawn = sqlite_noted.add(connection, page_events, sqlite_noted.numbers_of(page_events, known), last)
    for one in rerouted:
        known.pop(one.visitor_id, None)  # to be asked for again
    return page_events, drawn


def _logged(connection: sqlite3.Connection, last: int, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """The arrivals that were logged after that place, without duplicates."""
    sought = "SELECT json_group_array(json_array(visitor_id, id)) FROM events WHERE place > ?"
    new = {(visitor_id, id) for visitor_id, id in json.loads(connection.execute(sought, (last,)).fetchone()[0])}
    once = {(arrival.visitor_id, arrival.event.id): arrival for arrival in reversed(arrivals)}
    return [arrival for key, arrival in reversed(once.items()) if key in new]


def _due(connection: sqlite3.Connection, new_arrivals: Sequence[Arrival], known: Collection[str]) -> set[str]:
    """The visitors who need a new checkpoint."""
    whole = {one.visitor_id for one in new_arrivals if not is_history_only(one)}
    drawn = {one.visitor_id for one in new_arrivals[random.randrange(EVERY) :: EVERY]}  # noqa: S311  # no secret
    new = {one.visitor_id for one in new_arrivals}.difference(known)
    return whole | drawn | (new - sqlite_visitor.known(connection, new) if new else new)


def put(connection: sqlite3.Connection, profiles: Iterable[Profile]) -> int:
    """Logs and applies an import; returns how many profiles it changed."""
    told = list(profiles)
    before = sqlite_visitor.current(connection, [profile.visitor_id for profile in told])
    imports = [import_of(profile, before.get(profile.visitor_id)) for profile in told]
    return len(apply(connection, [arrival for arrival in imports if arrival is not None]).visitors)


# -- reading


def log(connection: sqlite3.Connection, after: str, limit: int) -> tuple[list[Arrival], str]:
    """The next events in the order of the log, and the place to go on from. A damaged one is left out: who follows the
    log would stand before it for ever."""
    begins = int(after or 0)
    sent = connection.execute(NEXT, (begins, limit)).fetchall()
    until = sent[-1][0] if len(sent) == limit else NO_PLACE
    noted = islice(sqlite_noted.between(connection, begins, until), limit)
    rows = sorted((*sent, *noted))[:limit]
    return undamaged(value for _, value in rows), str(rows[-1][0]) if rows else after


def end_of_log(connection: sqlite3.Connection) -> str:
    """The place after the newest event."""
    return str(sqlite_visitor.last_place(connection) or "")


def visitors(connection: sqlite3.Connection, after: str) -> list[str]:
    """The next visitors in the log."""
    return [visitor_id for (visitor_id,) in connection.execute(VISITORS, {"after": after, "limit": AT_ONCE})]


def visitors_before(connection: sqlite3.Connection, moment: float, after: int) -> set[str]:
    """Those of whom one of the next `PLACES_AT_ONCE` places of the log came before that moment. (Most have nothing that
    is old: to read everybody's log for that takes a hundred times as long.)"""
    until = after + PLACES_AT_ONCE
    noted = came_before((value for _, value in sqlite_noted.between(connection, after, until)), moment)
    return noted.union(visitor_id for (visitor_id,) in connection.execute(CAME_BEFORE, (after, until, moment)))


def names(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of all attributes ever set."""
    return frozenset(name for (name,) in connection.execute("SELECT name FROM attribute_names"))


def places_of(connection: sqlite3.Connection, part: Partition) -> tuple[int, int]:
    """The place in the table of profiles after which a part begins, and its last place; the last part has no end."""
    (last,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM profiles").fetchone()
    ends = [last * number // part.total for number in (part.number, part.number + 1)]
    return ends[0], ends[1] if part.number + 1 < part.total else NO_PLACE


def profiles(connection: sqlite3.Connection, after: int, until: int) -> tuple[list[Profile], int]:
    """The next profiles by place in the table, and the place to go on from; the same place at the end."""
    sought = "SELECT rowid, visitor_id FROM profiles WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?"
    rows = connection.execute(sought, (after, until, AT_ONCE)).fetchall()
    return sqlite_visitor.intact(connection, [id for _, id in rows]), rows[-1][0] if rows else after


def sample(connection: sqlite3.Connection, most: int) -> tuple[list[Profile], int]:
    """Profiles at random places, without duplicates, and the number of places: about that of profiles, as few are
    deleted."""
    (last,) = connection.execute("SELECT coalesce(max(rowid), 0) FROM profiles").fetchone()
    places = random.sample(range(1, last + 1), min(most, last))
    sought = "SELECT json_group_array(visitor_id) FROM profiles WHERE rowid IN (SELECT value FROM json_each(?))"
    ids = json.loads(connection.execute(sought, (json.dumps(places),)).fetchone()[0])
    return sqlite_visitor.intact(connection, ids), round(last * len(ids) / len(places)) if places else 0


# -- made anew


def rebuild(connection: sqlite3.Connection, visitor_ids: Sequence[str]) -> int:
    """Rebuilds these profiles; returns how many changed."""
    rules, changed = sqlite_shared.merge_rules(connection), {}
    for visitor_id, value in zip(visitor_ids, sqlite_visitor.stored(connection, visitor_ids), strict=True):
        profile = sqlite_visitor.remade(connection, visitor_id)
        if profile is not None and not _is_same(value, profile, rules):
            changed[visitor_id] = profile
    if changed:
        sqlite_visitor.write(connection, changed)
        sqlite_changes.mark(connection, changed)
    return len(changed)


def _is_same(stored: sqlite_visitor.Stored, profile: Profile, rules: Rules) -> bool:
    """Whether the profile is what is stored, to the byte."""
    try:
        before = sqlite_visitor.profile_of(stored, profile.visitor_id, rules)
    except DamagedValueError:
        return False
    return before is not None and packed(before) == packed(profile)


def withdraw(connection: sqlite3.Connection, gone: Mapping[str, Collection[str]]) -> Sequence[str]:
    """Removes events from logs, and rebuilds the profiles, within the time of a transaction; returns the visitors
    done."""
    done: list[str] = []
    until = time.monotonic() + LONGEST_SECONDS
    for visitor_id, ids in gone.items():
        connection.executemany("DELETE FROM events WHERE visitor_id = ? AND id = ?", [(visitor_id, id) for id in ids])
        sqlite_noted.take_out(connection, visitor_id, ids)
        profile = sqlite_visitor.remade(connection, visitor_id)
        if profile is not None:
            sqlite_visitor.write(connection, {visitor_id: profile})
        else:
            sqlite_visitor.forget(connection, [visitor_id])
        done.append(visitor_id)
        if time.monotonic() > until:
            break
    sqlite_changes.mark(connection, done)
    return done


def erase(connection: sqlite3.Connection, visitor_ids: Collection[str], now: float) -> dict[str, int]:
    """Deletes everything of these visitors, and leaves tombstones; returns the number of rows by kind."""
    sqlite_tombstones.leave(connection, visitor_ids, now)
    sqlite_changes.mark(connection)
    ids = json.dumps(list(visitor_ids))
    events = connection.execute(f"DELETE FROM events WHERE {sqlite_visitor.OF_VISITORS}", (ids,)).rowcount  # noqa: S608
    return {
        "events": events + sum(sqlite_noted.take_out(connection, visitor_id) for visitor_id in visitor_ids),
        "profiles": sqlite_visitor.forget(connection, visitor_ids),
        "events not taken": sqlite_shared.forget_theirs(connection, visitor_ids),
    }
