"""Many rows in one step of SQLite.

At each step a thread lets the others run, and when the event loop is busy it may wait milliseconds for its next turn:
a transaction of hundreds of small statements takes longer over its turns than over its work (on a busy machine 0.30 of
the events of a bare loop before, 0.34 to 0.49 after; `make bar BAR=D6`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

ROWS = 500


def write(connection: sqlite3.Connection, head: str, rows: Sequence[tuple[object, ...]], tail: str = "") -> None:
    """`head VALUES (...), (...) tail` for all rows, which are of one length."""
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        marks = ",".join([f"({','.join('?' * len(some[0]))})"] * len(some))
        connection.execute(f"{head} VALUES {marks} {tail}", tuple(chain.from_iterable(some)))


def among(connection: sqlite3.Connection, head: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """The rows of `head IN (...)`, for where few of the values are found: each row found is a step."""
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(values), ROWS):
        some = values[start : start + ROWS]
        rows += connection.execute(f"{head} IN ({','.join('?' * len(some))})", some).fetchall()
    return rows
