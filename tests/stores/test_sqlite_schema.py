"""A file that an older Tailorbird wrote is opened as it is, and goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from proxy.events.fold import fold
from proxy.model import Arrival, Event, PackedEvent, Profile
from proxy.stores import open_store, sqlite_schema
from proxy.stores.joining import join, part
from proxy.stores.packed_views import packed_part, packed_words, view
from proxy.stores.record import arrivals_of, packed, packed_event_of, unpacked_visitor_id
from proxy.stores.sqlite_noted import between, move, number
from proxy.stores.sqlite_runs import bounds, pieces
from proxy.stores.sqlite_words import NUMBERED

NOON = 1_795_435_200.0
VERSION_3 = """
ALTER TABLE profiles RENAME TO newer;
CREATE TABLE profiles (visitor_id TEXT PRIMARY KEY, value BLOB NOT NULL);
DROP TABLE newer;
DROP TABLE devices;
DROP TABLE merge_rules;
DROP TABLE erasures;
DROP TABLE noted_views;
DROP TABLE noted_words;
DROP TABLE noted_at;
DROP TABLE noted_eras;
DROP TABLE noted_newest;
PRAGMA user_version = 3;
PRAGMA application_id = 0;
"""
VERSION_5 = """
ALTER TABLE profiles RENAME COLUMN until TO upto;
DROP TABLE noted_views;
DROP TABLE noted_words;
DROP TABLE noted_at;
DROP TABLE noted_eras;
DROP TABLE noted_newest;
PRAGMA user_version = 5;
PRAGMA application_id = 0;
"""

VERSION_8 = """
DROP TABLE noted_at;
DROP TABLE noted_eras;
PRAGMA user_version = 8;
"""
VERSION_7 = """
DROP TABLE noted_runs;
DROP TABLE noted_words;
PRAGMA user_version = 7;
"""

# The newest of what pages noted were in a small index of their own.
VERSION_6 = """
CREATE TABLE noted_lately (visitor INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (visitor, place))
WITHOUT ROWID;
INSERT INTO noted_lately SELECT one.value, first + one.key FROM noted_newest, json_each(visitors) AS one;
DROP TABLE noted_newest;
PRAGMA user_version = 6;
PRAGMA application_id = 0;
"""


def noted(visitor_id: str, number: int) -> Arrival:
    event = Event(NOON + number, f"page:ab:{number:x}-0", "page viewed")
    return Arrival(visitor_id, event, "page", NOON + number)


def opened(visitor_id: str, number: int) -> PackedEvent:
    """The same, but for the banners that the page showed."""
    words = packed_words(packed_part(("sale",)), packed_part({"slot home.hero": "b"}))
    return view(visitor_id, NOON + number, 0xAB00 + number, "/", words)


def as_of_version_9(connection: sqlite3.Connection) -> None:
    """A view was packed as an arrival, but for its words."""
    for first, limits, value in connection.execute("SELECT first, bounds, value FROM noted_views").fetchall():
        run = [older(piece) if piece.startswith(NUMBERED) else piece for piece in pieces(limits, value)]
        changed = bounds(run), b"".join(run), first
        connection.execute("UPDATE noted_views SET bounds = ?, value = ? WHERE first = ?", changed)
    connection.executescript("ALTER TABLE noted_views RENAME TO noted_runs; PRAGMA user_version = 9")


def older(piece: bytes) -> bytes:
    """The same view behind the same mark, as it was packed then."""
    later, mark = msgspec.Raw(), 5
    visitor_id, at, number, page = msgspec.msgpack.decode(piece[mark:])
    event = at, f"page:{number:x}-0", "page viewed", page, (), 0.0, later
    return piece[:mark] + msgspec.msgpack.encode((visitor_id, event, "page", at, {}, (), later, later, later))


def as_of_version_8(connection: sqlite3.Connection) -> None:
    """One index had all."""
    columns = "visitor INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (visitor, place)"
    connection.execute(f"CREATE TABLE noted_of ({columns}) WITHOUT ROWID")
    whose = [(number(unpacked_visitor_id(value)), place) for place, value in between(connection, 0, 2**62)]
    as_of_version_9(connection)
    connection.executemany("INSERT INTO noted_of VALUES (?, ?)", whose)
    connection.executescript(VERSION_8)


def as_of_version_7(connection: sqlite3.Connection) -> None:
    """Each of what pages noted had a row."""
    rows = [(place, unpacked_visitor_id(value), value) for place, value in between(connection, 0, 2**62)]
    as_of_version_8(connection)
    columns = "place INTEGER PRIMARY KEY, visitor_id TEXT NOT NULL, value BLOB NOT NULL"
    connection.execute(f"CREATE TABLE noted ({columns})")
    connection.executemany("INSERT INTO noted VALUES (?, ?, ?)", rows)
    connection.executescript(VERSION_7)


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed"), "web", NOON + number)


async def as_of_version_3(path: Path) -> dict[str, Profile]:
    """A file in which each event changed its visitor's profile; the profiles."""
    store = open_store(f"sqlite:{path}")
    await store.apply([seen(visitor, number) for number in range(9) for visitor in ("anna", "ben", "phone", "tablet")])
    await join(store, "phone", "anna", NOON + 20)
    await join(store, "tablet", "anna", NOON + 20)
    await part(store, "tablet", NOON + 30)
    profiles = {profile.visitor_id: profile async for profile in store.profiles()}
    await store.aclose()
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_3)
        rows = [(id, packed(profile)) for id, profile in profiles.items()]
        connection.executemany("INSERT INTO profiles VALUES (?, ?)", rows)
    connection.close()
    return profiles


async def test_profiles_of_an_older_file_are_checkpoints(tmp_path: Path) -> None:
    before = await as_of_version_3(tmp_path / "s.db")
    for _ in range(2):  # and it is opened again
        store = open_store(f"sqlite:{tmp_path}/s.db")
        assert {profile.visitor_id: profile async for profile in store.profiles()} == before
        assert await store.rebuild() == 0
        await store.aclose()


async def test_events_go_on_in_an_older_file(tmp_path: Path) -> None:
    before = await as_of_version_3(tmp_path / "s.db")
    store = open_store(f"sqlite:{tmp_path}/s.db")
    late = [seen("ben", 3), *(seen(visitor, 40) for visitor in ("ben", "phone", "tablet", "cleo"))]
    applied = await store.apply(late)
    assert [one.visitor_id for one in applied.new] == ["ben", "anna", "tablet", "cleo"], "a device's are its person's"
    assert await store.get_profile("ben") == fold(before["ben"], [seen("ben", 40)])
    anna = await store.get_profile("anna")
    assert anna is not None and anna.history == (*before["anna"].history, seen("anna", 40).event)
    assert await store.rebuild() == 0
    await store.aclose()


async def test_a_file_of_version_5_goes_on_and_its_workers_stop(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([seen(visitor, number) for number in range(40) for visitor in ("anna", "ben")])
    before = {profile.visitor_id: profile async for profile in store.profiles()}
    await store.aclose()
    old = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    old.executescript(VERSION_5)
    write = "INSERT OR ROLLBACK INTO profiles (visitor_id, value, upto) VALUES ('cleo', ?, 90)"
    old.execute(write, (b"",))
    store = open_store(f"sqlite:{tmp_path}/s.db")
    assert {profile.visitor_id: profile async for profile in store.profiles()} == before
    await store.apply([seen("anna", 41)], [packed_event_of(noted("ben", 42))])
    assert await store.get_profile("ben") == fold(before["ben"], [noted("ben", 42)])
    assert await store.rebuild() == 0
    with pytest.raises(sqlite3.OperationalError, match="no column named upto"):
        old.execute(write, (b"",))
    old.close()
    await store.aclose()


async def test_a_file_whose_marks_name_nobody_goes_on_with_its_workers(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([seen("anna", 1), seen("anna", 2), seen("anna", 3), seen("anna", 4)])
    await store.aclose()
    with sqlite3.connect(tmp_path / "s.db", isolation_level=None) as old:
        old.execute("ALTER TABLE erasures DROP COLUMN visitor_id")
        store = open_store(f"sqlite:{tmp_path}/s.db")
        place = await store.newest_change()
        await store.withdraw({"anna": ["web:1"]})
        assert await store.changed(place, await store.newest_change()) == ({"anna"}, ())
        old.execute("INSERT INTO erasures DEFAULT VALUES")
        old.execute("DELETE FROM erasures WHERE place < (SELECT max(place) FROM erasures)")
        await store.withdraw({"anna": ["web:2"]})
        assert await store.changed(place, await store.newest_change()) is None, "one was an older worker's"
    old.close()
    await store.aclose()


async def test_a_file_of_version_6_goes_on_and_its_workers_note_nothing_more(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    for at in range(9):
        await store.apply([], [packed_event_of(noted(visitor, at)) for visitor in ("anna", "ben")])
    before = {profile.visitor_id: profile async for profile in store.profiles()}
    logs = [await store.log_of(visitor) for visitor in ("anna", "ben")]
    await store.aclose()
    old = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    as_of_version_7(old)
    old.executescript(VERSION_6)
    store = open_store(f"sqlite:{tmp_path}/s.db")
    assert {profile.visitor_id: profile async for profile in store.profiles()} == before
    assert [await store.log_of(visitor) for visitor in ("anna", "ben")] == logs
    await store.apply([], [packed_event_of(noted("ben", 10))])
    assert await store.get_profile("ben") == fold(before["ben"], [noted("ben", 10)])
    assert await store.rebuild() == 0
    with pytest.raises(sqlite3.OperationalError, match="no such table: noted_lately"):
        old.execute("INSERT INTO noted_lately VALUES (1, 99)")
    old.close()
    await store.aclose()


async def test_a_file_of_version_7_goes_on_with_what_it_has_and_its_workers_note_nothing_more(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    for at in range(9):
        await store.apply([seen("anna", at)], [opened(visitor, at) for visitor in ("anna", "ben")])
    before = {profile.visitor_id: profile async for profile in store.profiles()}
    log = await store.log("", 99)
    await store.aclose()
    old = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    as_of_version_7(old)
    store = open_store(f"sqlite:{tmp_path}/s.db")
    assert {profile.visitor_id: profile async for profile in store.profiles()} == before
    assert await store.log("", 99) == log
    new = [opened("ben", 10), opened("anna", 11)]
    await store.apply([], new)
    assert await store.get_profile("ben") == fold(before["ben"], arrivals_of(new[:1]))
    await store.withdraw({"ben": ["page:ab03-0", "page:ab0a-0"]})
    ben = await store.get_profile("ben")
    assert ben is not None and [event.at - NOON for event in ben.history] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert await store.rebuild() == 0
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        old.execute("INSERT OR ROLLBACK INTO noted VALUES (999, 'anna', x'00')")
    old.close()
    await store.aclose()


async def test_a_file_of_version_8_goes_on_and_its_workers_note_nothing_more(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    for at in range(9):
        await store.apply([], [opened(visitor, at) for visitor in ("anna", "ben")])
    before = {profile.visitor_id: profile async for profile in store.profiles()}
    logs = [await store.log_of(visitor) for visitor in ("anna", "ben")]
    await store.aclose()
    old = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    move(old)
    as_of_version_8(old)
    store = open_store(f"sqlite:{tmp_path}/s.db")
    assert {profile.visitor_id: profile async for profile in store.profiles()} == before
    assert [await store.log_of(visitor) for visitor in ("anna", "ben")] == logs
    with pytest.raises(sqlite3.OperationalError, match="no such table: noted_of"):
        old.execute("INSERT INTO noted_of VALUES (1, 99)")
    old.close()
    await store.aclose()


async def test_a_file_of_version_9_goes_on_with_what_it_has_and_its_workers_note_nothing_more(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    for at in range(9):
        await store.apply([], [opened(visitor, at) for visitor in ("anna", "ben")])
    logs = [await store.log_of(visitor) for visitor in ("anna", "ben")]
    await store.aclose()
    old = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    as_of_version_9(old)
    store = open_store(f"sqlite:{tmp_path}/s.db")
    assert [await store.log_of(visitor) for visitor in ("anna", "ben")] == logs
    await store.apply([], [new := opened("ben", 9)])
    assert await store.log_of("ben") == [*logs[1], *arrivals_of([new])]
    with pytest.raises(sqlite3.OperationalError, match="no such table: noted_runs"):
        old.execute("INSERT INTO noted_runs VALUES (999, '', x'00', '')")
    assert (await store.erase(["ben"], NOON))["events"] == 10
    assert await store.log_of("anna") == logs[0]
    old.close()
    await store.aclose()


async def test_several_workers_may_open_an_older_file_at_once(tmp_path: Path) -> None:
    before = await as_of_version_3(tmp_path / "s.db")
    stores = [open_store(f"sqlite:{tmp_path}/s.db") for _ in range(3)]
    for store in stores:
        assert await store.get_profile("anna") == before["anna"]
        await store.aclose()


@pytest.mark.parametrize(("version", "problem"), [(1, "a much older Tailorbird"), (99, "a newer Tailorbird")])
def test_a_file_that_is_too_old_or_too_new_is_left_alone(version: int, problem: str) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(sqlite3.DatabaseError, match=problem):
        sqlite_schema.prepare(connection)
    connection.close()
