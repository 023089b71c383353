"""Recorded page views in a SQLite file: what writing them costs others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from proxy.model import View
from proxy.stores import sqlite_pages
from proxy.stores.sqlite_pages import SqliteViews

NOON = 1_795_435_200.0


async def test_a_batch_waits_for_no_disk_and_erasing_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes, in_one = dict[str, int](), dict[str, bool]()

    def noted(name: str) -> None:
        work = getattr(sqlite_pages, name)

        def noting(connection: sqlite3.Connection, *arguments: object) -> object:
            (modes[name],) = connection.execute("PRAGMA synchronous").fetchone()
            in_one[name] = connection.in_transaction
            return work(connection, *arguments)

        monkeypatch.setattr(sqlite_pages, name, noting)

    noted("_put_views")
    noted("_erase")
    noted("_forget")
    views = SqliteViews(f"sqlite:{tmp_path / 'store.db'}")
    await views.put_views([View(NOON, "v1", {}, visitor=name) for name in ("anna", "ben")], most=9)
    assert await views.erase_views("anna") == 1
    assert [one.visitor for one in await views.get_views(9)] == ["ben"]
    assert await views.forget_views(NOON + 1) == 1
    await views.aclose()
    assert modes == {"_put_views": 1, "_erase": 2, "_forget": 2}  # NORMAL, FULL
    assert in_one["_forget"], "each of many views would wait for the disk"
