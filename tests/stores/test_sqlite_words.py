"""What many page views have in common is kept once, and each is read as it was packed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from proxy.errors import DamagedValueError
from proxy.model import Arrival, Event, PackedEvent
from proxy.stores import sqlite_log, sqlite_schema, sqlite_words
from proxy.stores.packed_views import packed_part, packed_words, view
from proxy.stores.record import arrivals_of, packed_arrival
from proxy.stores.sqlite import whole as in_one
from proxy.stores.sqlite_cache import CachingConnection
from proxy.stores.sqlite_noted import all_of
from proxy.stores.sqlite_visitor import profile_of, stored
from proxy.stores.sqlite_words import taken_apart, whole

NOON = 1_795_435_200.0


def opened(visitor_id: str, at: int, *rules: str) -> PackedEvent:
    words = packed_words(packed_part(rules), packed_part({f"slot {rule}": "b" for rule in rules}))
    return view(visitor_id, NOON + at, at, "/", words)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    connection(tmp_path / "s.db").close()
    return tmp_path / "s.db"


def connection(path: Path) -> CachingConnection:
    opened = sqlite3.connect(path, isolation_level=None, factory=CachingConnection)
    sqlite_schema.prepare(opened)
    return opened


def kept(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM noted_words").fetchone()[0]
    return found


def test_the_same_words_are_kept_once_and_every_view_is_read_whole(path: Path) -> None:
    here, there = connection(path), connection(path)
    alone = PackedEvent(
        "ben", "searched", packed_arrival(Arrival("ben", Event(NOON, "page:ab:9-1", "searched", "boots")))
    )
    deeds = [opened("anna", 1, "sale"), opened("ben", 2, "sale", "summer"), opened("cleo", 3), alone]
    packed = [packed_arrival(one) for one in arrivals_of(deeds)]
    for _ in range(2):
        pieces = taken_apart(here, deeds)
        assert (whole(there, pieces), kept(here)) == (packed, 3)
        assert pieces[3] == alone.own_bytes and len(pieces[1]) < len(packed[1])
    assert whole(there, [packed[0], b""]) == [packed[0], b""]
    assert taken_apart(there, deeds) == pieces, "the newest words are known to a worker that begins"
    assert kept(here) == 3
    here.close()
    there.close()


def test_more_words_than_are_remembered_are_written_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_words, "MOST", 5)
    monkeypatch.setattr(sqlite_words, "FIRST", 2)
    here, there = connection(path), connection(path)
    deeds = [opened("anna", at, f"rule {at % 30}") for at in range(50)]
    pieces = [piece for start in range(0, 50, 10) for piece in taken_apart(here, deeds[start : start + 10])]
    assert kept(here) > 30
    for start in range(0, 50, 7):
        some = slice(start, start + 7)
        assert whole(there, pieces[some]) == [packed_arrival(one) for one in arrivals_of(deeds[some])]
    here.close()
    there.close()


def test_words_of_a_transaction_that_failed_are_not_remembered(path: Path) -> None:
    here = connection(path)

    def fail(connection: sqlite3.Connection) -> None:
        sqlite_log.apply(connection, [], [opened("anna", 1, "sale")])
        assert len(all_of(connection, "anna")) == 1
        raise RuntimeError

    with pytest.raises(RuntimeError):
        in_one(here, fail)
    deeds = [opened("anna", 2, "summer"), opened("anna", 3, "sale")]
    in_one(here, lambda connection: sqlite_log.apply(connection, [], deeds))
    assert list(all_of(here, "anna").values()) == arrivals_of(deeds)
    here.close()


def test_a_view_whose_words_are_missing_is_damage_to_its_visitor_alone(path: Path) -> None:
    here, there = connection(path), connection(path)
    sqlite_log.apply(here, [], [opened("anna", 1, "sale"), opened("ben", 2)])
    here.execute("DELETE FROM noted_words WHERE number = (SELECT max(number) FROM noted_words)")
    anna, ben = stored(there, ["anna", "ben"])
    damaged, other = ("anna", ben) if b"sale" not in anna.noted.value else ("ben", anna)
    with pytest.raises(DamagedValueError):
        profile_of(anna if damaged == "anna" else ben, damaged)
    assert profile_of(other, "ben" if damaged == "anna" else "anna") is not None
    here.close()
    there.close()
