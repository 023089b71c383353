"""A SQLite store's tables in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from proxy.stores import sqlite_schema


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    sqlite_schema.prepare(opened)
    yield opened
    opened.close()
