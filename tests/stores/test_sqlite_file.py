"""A file that is not ours is left alone, and one that is broken is told with what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.errors import OperatorError, StoreError
from proxy.model import Arrival, Event, View
from proxy.stores import open_outbox, open_sightings, open_store, open_views, sqlite_schema
from proxy.stores.sqlite_file import OURS, mark_of

NOON = 1_795_435_200.0
SHOP = "CREATE TABLE events (id INTEGER PRIMARY KEY, value BLOB); INSERT INTO events (value) VALUES (x'00');"
PROFILES = "CREATE TABLE profiles (visitor_id TEXT PRIMARY KEY, value BLOB NOT NULL);"


def made(path: Path, script: str) -> bytes:
    """A file that this SQL makes; its bytes."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(script)
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    "script",
    [
        SHOP,
        SHOP + "PRAGMA user_version = 7;",
        SHOP + "PRAGMA user_version = 99;",
        "CREATE TABLE profiles (id INTEGER PRIMARY KEY, name TEXT);",
        "PRAGMA application_id = 1196444487;",
        PROFILES + "PRAGMA application_id = 1196444487;",
    ],
)
async def test_what_another_program_keeps_is_refused_and_left_as_it_is(script: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    before = made(path, script)
    with pytest.raises(OperatorError, match=r"cannot be used as a store: another program .* \(help: name another file"):
        open_store(f"sqlite:{path}")
    views, outbox, sightings = (
        open_views(f"sqlite:{path}"),
        open_outbox(f"sqlite:{path}"),
        open_sightings(f"sqlite:{path}"),
    )
    asked: list[Callable[[], Any]] = [
        lambda: views.get_views(1),
        outbox.progress,
        lambda: sightings.get_sightings(0, 1),
    ]
    for ask in asked:
        with pytest.raises(StoreError, match="another program"):
            await ask()
    for opened in (views, outbox, sightings):
        await opened.aclose()
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["shop.db"]


@pytest.mark.parametrize("script", ["PRAGMA application_id = 0; PRAGMA user_version = 0;", ""])
async def test_one_that_was_saved_without_its_mark_and_an_empty_one_are_ours_and_marked(
    script: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.db"
    if script:
        await open_store(f"sqlite:{path}").aclose()
    made(path, script)
    assert _mark(path) == 0
    await open_store(f"sqlite:{path}").aclose()
    assert _mark(path) == OURS


async def test_one_that_is_written_for_long_is_opened_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    await open_store(f"sqlite:{path}").aclose()
    made(path, "PRAGMA application_id = 0;")
    writing = sqlite3.connect(path, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    store = open_store(f"sqlite:{path}")
    assert (await store.get_profile("anna"), _mark(path)) == (None, 0)
    await store.aclose()
    writing.close()


def _mark(path: Path) -> int:
    connection = sqlite3.connect(path)
    mark = mark_of(connection)
    connection.close()
    return mark


async def test_what_lies_beside_profiles_may_be_there_first(tmp_path: Path) -> None:
    views = open_views(f"sqlite:{tmp_path}/s.db")
    await views.put_views([View(NOON, "v", {}, visitor="anna")], most=10)
    await views.aclose()
    await open_store(f"sqlite:{tmp_path}/s.db").aclose()


def event(number: int) -> Arrival:
    return Arrival(f"v{number}", Event(NOON, f"web:{number}", "page viewed", "/" * 200), "web", NOON)


async def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = open_store(f"sqlite:{path}")
    await store.apply([event(number) for number in range(2_000)])
    await store.aclose()
    whole = path.read_bytes()
    third = len(whole) // 3
    path.write_bytes(whole[:third] + b"\xff" * third + whole[2 * third :])
    store = open_store(f"sqlite:{path}")
    with pytest.raises(StoreError, match=r"malformed \(help: the file is damaged.* `tailorbird store copy`"):
        await store.log("", 10_000)
    await store.aclose()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_nothing_counts_as_stored_in_a_file_that_was_taken_away(is_replaced: bool, tmp_path: Path) -> None:
    path, aside, url = tmp_path / "s.db", tmp_path / "aside.db", f"sqlite:{tmp_path}/s.db"
    store, outbox = open_store(url), open_outbox(url)
    await store.apply([event(1)])
    await outbox.lead("one", NOON, 60.0)
    path.rename(aside)
    if is_replaced:
        await open_store(url).aclose()
    changes: list[Callable[[], Any]] = [
        lambda: store.apply([event(2)]),
        lambda: store.erase(["v1"], NOON),
        lambda: outbox.lead("one", NOON, 60.0),
    ]
    for change in changes:
        with pytest.raises(StoreError, match=r"taken away, or another put there.*\(help: put it back"):
            await change()
    if not is_replaced:
        assert await store.get_profile("v1") is not None, "what is known is known still"
        aside.rename(path)
        assert len((await store.apply([event(2)])).new) == 1
    await outbox.aclose()
    await store.aclose()


async def test_a_new_file_and_those_beside_it_are_for_its_owner_alone_and_one_that_is_there_keeps_its_mode(
    tmp_path: Path,
) -> None:
    def modes() -> set[str]:
        return {f"{file.name} {file.stat().st_mode & 0o777:o}" for file in tmp_path.iterdir()}

    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([event(1)])
    assert modes() == {"s.db 600", "s.db-wal 600", "s.db-shm 600"}
    await store.aclose()
    (tmp_path / "s.db").chmod(0o660)
    views = open_views(f"sqlite:{tmp_path}/s.db")
    await views.get_views(1)
    assert modes() == {"s.db 660", "s.db-wal 660", "s.db-shm 660"}
    await views.aclose()


async def test_the_first_of_a_new_file_to_be_opened_may_be_a_side_table(tmp_path: Path) -> None:
    views = open_views(f"sqlite:{tmp_path}/s.db")
    await views.get_views(1)
    assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600
    await views.aclose()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"there is no folder `.*/vra` for the store .*\(help: make the folder"):
        open_store(f"sqlite:{tmp_path}/vra/s.db")
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_user_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.db").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as for root it never is
    with pytest.raises(OperatorError, match=r"may not read and write the store .*\(help: run this as the user"):
        open_store(f"sqlite:{tmp_path}/s.db")


def test_a_file_system_that_is_read_only_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.db").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=os.ST_RDONLY))
    with pytest.raises(OperatorError, match=r"file system that is read-only \(help: mount it for writing"):
        open_store(f"sqlite:{tmp_path}/s.db")


async def test_nothing_counts_as_stored_in_a_log_that_was_taken_away(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([event(1)])
    for name in ("s.db-wal", "s.db-shm"):
        (tmp_path / name).rename(tmp_path / f"aside-{name}")
    with pytest.raises(StoreError, match=r"`s\.db-wal` was taken away"):
        await store.apply([event(2)])
    for name in ("s.db-wal", "s.db-shm"):
        (tmp_path / f"aside-{name}").rename(tmp_path / name)
    assert len((await store.apply([event(2)])).new) == 1
    await store.aclose()


async def test_a_disk_that_is_full_is_told_with_what_to_do(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/s.db")
    await store.apply([event(1)])
    store._writing.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match=r"full \(help: make room on its disk"):
        await store.apply([event(number) for number in range(2_000)])
    await store.aclose()


async def test_using_a_file_of_a_newer_version_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    store = open_store(f"sqlite:{path}")
    await store.apply([event(1)])
    await store.get_profile("v1")
    newer = sqlite_schema.VERSION + 1
    made(path, f"ALTER TABLE profiles RENAME COLUMN until TO upto_place; PRAGMA user_version = {newer};")
    for asked in (store.get_profile("v1"), store.apply([event(1), event(2)])):
        with pytest.raises(StoreError, match=r"a newer Tailorbird .* brought it up to date .*\(help: replace this"):
            await asked
    await store.aclose()
    with pytest.raises(OperatorError, match=r"a newer Tailorbird .*\(help: replace this"):
        open_store(f"sqlite:{path}")
