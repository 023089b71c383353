"""The two threads that write to a SQLite file, one at a time, over one connection.

What somebody waits for is written by a normal thread. What nobody waits for is written by a thread of low priority, so
that pages do not wait for it. Its law: the low priority must not let work pile up. If that thread was delayed for long,
the normal one takes the next work.
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
    """`usual` writes what somebody waits for. Nothing is written to a file that was deleted or replaced."""

    def __init__(self, connection: sqlite3.Connection, place: Place) -> None:
        self._place = place
        self._turn = threading.Lock()
        self._is_late = False
        self.usual = Threads([connection], "tailorbird-write")
        self._gentle = Threads([connection], "tailorbird-note", gives_way=True)

    @property
    def gentle(self) -> Threads[sqlite3.Connection]:
        """The thread that writes what nobody waits for."""
        return self.usual if self._is_late else self._gentle

    def alone(self, work: Work[Answer], *, is_awaited: bool = True) -> Work[Answer]:
        """The work, wrapped so that the two threads never run at the same time."""

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
