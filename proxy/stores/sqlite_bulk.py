"""Many rows in one step of SQLite.

At each step a thread lets the others run, and when the event loop is busy it may wait milliseconds for its next turn:
a transaction of hundreds of small statements takes longer over its turns than over its work (on a busy machine 0.30 of
the events of a bare loop before, 0.34 to 0.49 after; `make bar BAR=D6`). The steps have few sizes: a statement that
was asked before need not be read again, which takes as long as to do it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

ROWS = 500
SIZES = (ROWS, 200, 80, 30, 10, 4, 1)


def write(connection: sqlite3.Connection, head: str, rows: Sequence[tuple[object, ...]], tail: str = "") -> None:
    """`head VALUES (...), (...) tail` for all rows, which are of one length."""
    start = 0
    while start < len(rows):
        size = next(size for size in SIZES if size <= len(rows) - start)
        some = rows[start : start + size]
        marks = ",".join([f"({','.join('?' * len(some[0]))})"] * size)
        connection.execute(f"{head} VALUES {marks} {tail}", tuple(chain.from_iterable(some)))
        start += size


def among(connection: sqlite3.Connection, head: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """The rows of `head IN (...)`. For queries that find few of the values: each row found is a step."""
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(values), ROWS):
        some = values[start : start + ROWS]
        rows += connection.execute(f"{head} IN ({','.join('?' * len(some))})", some).fetchall()
    return rows
