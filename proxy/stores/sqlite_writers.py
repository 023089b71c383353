"""The two threads that write to a SQLite file, one at a time, over one connection.

What somebody waits for is written by one that has its turn as any other has. What nobody waits for is written by one
that leaves a core to others: pages do not wait for it then. Its law: what waits does not become more for that. Once it
was kept waiting for long, the other one takes what comes next.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from proxy.stores.sqlite_file import Place
from proxy.stores.threads import Threads

LONGEST_SECONDS = 0.02
"""A transaction of 1,000 page views takes 2 ms of a core that nobody else wants."""
Answer = TypeVar("Answer")
Work = Callable[[sqlite3.Connection], Answer]


class Writers:
    """`usual` is for what somebody waits for. Nothing is written to a file that is at its place no more."""

    def __init__(self, connection: sqlite3.Connection, place: Place) -> None:
        self._place = place
        self._turn = threading.Lock()
        self._is_late = False
        self.usual = Threads([connection], "tailorbird-write")
        self._gentle = Threads([connection], "tailorbird-note", gives_way=True)

    @property
    def gentle(self) -> Threads[sqlite3.Connection]:
        """Who writes now what nobody waits for."""
        return self.usual if self._is_late else self._gentle

    def alone(self, work: Work[Answer], *, is_awaited: bool = True) -> Work[Answer]:
        """The work, done while the other one does nothing."""

        def do(connection: sqlite3.Connection) -> Answer:
            with self._turn:
                began = time.monotonic()
                try:
                    self._place.must_hold_it()
                    return work(connection)
                finally:
                    if not is_awaited:
                        self._is_late = not self._is_late and time.monotonic() - began > LONGEST_SECONDS

        return do

    def close(self) -> None:
        """Ends them when the work under way is done."""
        self._gentle.close()
        self.usual.close()
