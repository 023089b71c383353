"""A file with tables of another version is refused, and left as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.stores import open_store, sqlite_schema
from proxy.stores.sqlite_file import version_of


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        (sqlite_schema.VERSION - 1, r"an older Tailorbird wrote it, .*\(help: name a new file"),
        (sqlite_schema.VERSION + 1, r"a newer Tailorbird wrote it, .*\(help: replace this version"),
    ],
)
async def test_a_file_that_is_older_or_newer_is_left_alone(version: int, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    await open_store(f"sqlite:{path}").aclose()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(OperatorError, match=problem):
        open_store(f"sqlite:{path}")
    assert version_of(connection) == version
    connection.close()
