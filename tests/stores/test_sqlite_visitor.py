from __future__ import annotations

import sqlite3

import pytest

from proxy.errors import DamagedValueError
from proxy.events.fold import fold
from proxy.model import Arrival, Event, Link, Profile
from proxy.stores import sqlite_bulk, sqlite_log
from proxy.stores.record import packed, packed_arrival
from proxy.stores.sqlite_visitor import (
    READ,
    Packed,
    Stored,
    checkpoint,
    current,
    forget,
    known,
    last_place,
    log_of,
    persons,
    profile_of,
    stored,
    write,
)

NOON = 1_795_435_200.0


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


def log(connection: sqlite3.Connection, *arrivals: Arrival) -> None:
    rows = [(one.visitor_id, one.event.id, one.received_at, packed_arrival(one)) for one in arrivals]
    sqlite_bulk.write(connection, sqlite_log.LOG, rows)


def test_a_profile_is_its_checkpoint_with_what_came_after_it(connection: sqlite3.Connection) -> None:
    arrivals = [seen("anna", number) for number in range(6)]
    log(connection, *arrivals[:2], seen("ben", 1), *arrivals[2:4])
    assert checkpoint(connection, ["anna", "nobody"]) == {"anna": fold(None, arrivals[:4])}
    assert stored(connection, ["anna"]) == [Stored(packed(fold(None, arrivals[:4])))]
    log(connection, *reversed(arrivals[4:]))
    anna, nobody, ben = stored(connection, ["anna", "x\0", "ben"])
    assert (anna.many, nobody, (ben.checkpoint, ben.many)) == (2, Stored(), (b"", 1))
    assert profile_of(anna, "anna") == fold(None, arrivals)
    assert (profile_of(nobody, "x\0"), profile_of(ben, "ben")) == (None, fold(None, [seen("ben", 1)]))
    assert log_of(connection, "anna") == arrivals


def test_an_events_place_is_given_once(connection: sqlite3.Connection) -> None:
    log(connection, seen("anna", 1), seen("ben", 2))
    checkpoint(connection, ["anna"])
    connection.execute("DELETE FROM events WHERE visitor_id = 'ben'")
    log(connection, seen("anna", 3))
    assert last_place(connection) == 3
    assert stored(connection, ["anna"])[0].many == 1


def test_what_is_stored_wrong_is_damage_and_made_again_from_the_log(connection: sqlite3.Connection) -> None:
    with pytest.raises(DamagedValueError, match="another visitor's"):
        profile_of(Stored(b"", Packed(packed_arrival(seen("ben", 1)), 1)), "anna")
    with pytest.raises(DamagedValueError, match="cannot be read"):
        profile_of(Stored(b"", Packed(packed_arrival(seen("anna", 1)), 2)), "anna")
    log(connection, seen("anna", 1), seen("anna", 2))
    connection.execute("INSERT INTO profiles VALUES ('anna', 'noise', 1)")
    assert current(connection, ["anna"]) == {"anna": fold(None, [seen("anna", 1), seen("anna", 2)])}


def test_whose_a_device_is_follows_from_its_checkpoint(connection: sqlite3.Connection) -> None:
    joined, parted = Link(NOON), Link(NOON, is_parted=True)
    write(connection, {id: Profile(id, links={"anna": joined}) for id in ("phone", "tablet")})
    write(connection, {"anna": Profile("anna", links={"phone": Link(NOON, is_device=True)})})
    assert persons(connection, ["phone", "tablet", "anna", "nobody"]) == {"phone": "anna", "tablet": "anna"}
    write(connection, {"tablet": Profile("tablet", links={"anna": parted})})
    assert persons(connection, ["phone", "tablet"]) == {"phone": "anna"}
    assert known(connection, ["phone", "anna", "nobody"]) == {"phone", "anna"}
    assert forget(connection, ["anna"]) == 1
    assert persons(connection, ["phone"]) == {}, "the erased person's name is nowhere"


def test_the_log_is_looked_up_and_not_read_through(connection: sqlite3.Connection) -> None:
    rows = connection.execute("EXPLAIN QUERY PLAN " + READ, {"sought": "[]", "most": 1})
    plan = " ".join(row[3] for row in rows)
    assert "SEARCH events USING INDEX events_once (visitor_id=?)" in plan
    assert "SEARCH noted_eras USING INTEGER PRIMARY KEY (rowid>?)" in plan
    assert "SEARCH noted_at USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan
    assert "SEARCH noted_views USING INTEGER PRIMARY KEY (rowid<?)" in plan
    assert "SEARCH profiles USING INDEX sqlite_autoindex_profiles_1 (visitor_id=?)" in plan
