"""Many rows in one statement of SQLite.

After each statement Python lets other threads run, and when the event loop is busy a thread may wait milliseconds for
its next turn: a transaction of hundreds of small statements takes longer waiting than working (on a busy machine it
reached 0.30 of the events of a bare loop, now 0.34 to 0.49; `make bar BAR=D6`). The statements come in few sizes, so
that SQLite need not parse them again, which takes as long as running them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

ROWS = 500
SIZES = (ROWS, 200, 80, 30, 10, 4, 1)


def write(connection: sqlite3.Connection, head: str, rows: Sequence[tuple[object, ...]], tail: str = "") -> None:
    """Runs `head VALUES (...), (...) tail` for all rows, which have one length."""
    start = 0
    while start < len(rows):
        size = next(size for size in SIZES if size <= len(rows) - start)
        some = rows[start : start + size]
        marks = ",".join([f"({','.join('?' * len(some[0]))})"] * size)
        connection.execute(f"{head} VALUES {marks} {tail}", tuple(chain.from_iterable(some)))
        start += size


def among(connection: sqlite3.Connection, head: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """The rows of `head IN (...)`. For queries that find few of the values: each row found is a step of its own."""
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(values), ROWS):
        some = values[start : start + ROWS]
        rows += connection.execute(f"{head} IN ({','.join('?' * len(some))})", some).fetchall()
    return rows
