"""A file that an older Tailorbird wrote is opened as it is, and goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from proxy.model import PackedEvent
from proxy.stores import open_store, sqlite_schema
from proxy.stores.packed_views import packed_part, packed_words, view
from proxy.stores.record import arrivals_of
from proxy.stores.sqlite_runs import bounds, pieces
from proxy.stores.sqlite_words import NUMBERED

NOON = 1_795_435_200.0


def opened(visitor_id: str, number: int) -> PackedEvent:
    """A view of a page that showed a banner."""
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
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([], [opened("anna", 0)])
    log = await store.log_of("anna")
    await store.aclose()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        as_of_version_9(connection)
    connection.close()
    stores = [open_store(f"sqlite:{tmp_path}/s.db") for _ in range(3)]
    for store in stores:
        assert await store.log_of("anna") == log
        await store.aclose()


@pytest.mark.parametrize(("version", "problem"), [(8, "a much older Tailorbird"), (99, "a newer Tailorbird")])
def test_a_file_that_is_too_old_or_too_new_is_left_alone(version: int, problem: str) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(sqlite3.DatabaseError, match=problem):
        sqlite_schema.prepare(connection)
    connection.close()
