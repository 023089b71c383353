"""Threads that read and write a SQLite file while the event loop goes on, each with its own connection to read, and two
with one to write.

Python's ThreadPoolExecutor does the same for any work from any thread, with six locks and two futures for each result.
Here there is one queue and one callback: a page that has to read its visitor first costs a tenth less.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Generic, TypeVar

from proxy.stores.sqlite_file import Place
from proxy.turns import give_way

Connection = TypeVar("Connection")
Answer = TypeVar("Answer")
Work = Callable[[sqlite3.Connection], Answer]

LONGEST_SECONDS = 0.02
"""A transaction of 1,000 page views takes 2 ms of a core that nobody else wants."""


class Threads(Generic[Connection]):
    """One thread for each connection. With `gives_way` they have low priority."""

    def __init__(self, connections: Sequence[Connection], name: str, *, gives_way: bool = False) -> None:
        self._gives_way = gives_way
        self._asked: SimpleQueue[Callable[[Connection], None] | None] = SimpleQueue()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._live, args=(connection,), name=f"{name}-{number}", daemon=True)
            for number, connection in enumerate(connections)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[Connection], Answer]) -> Answer:
        """The result of `work`. Raises what it raises, and `RuntimeError` when the threads were closed."""
        if self._is_closed:
            raise RuntimeError("the threads were closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def do(connection: Connection) -> None:
            try:
                settling = partial(_answered, answer, work(connection))
            except BaseException as error:  # raised where the work was asked for
                settling = partial(_failed, answer, error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settling)

        self._asked.put(do)
        return await answer

    def close(self) -> None:
        """Ends the threads when the work under way is done."""
        self._is_closed = True
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join()

    def _live(self, connection: Connection) -> None:
        if self._gives_way:
            give_way()
        while (do := self._asked.get()) is not None:
            do(connection)


def _answered(answer: asyncio.Future[Answer], result: Answer) -> None:
    if not answer.done():
        answer.set_result(result)


def _failed(answer: asyncio.Future[Answer], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


class Writers:
    """The two threads that write to a SQLite file, one at a time, over one connection. Nothing is written to a file
    that was deleted or replaced.

    What somebody waits for is written by a normal thread, `usual`. What nobody waits for is written by one of low
    priority, so that pages do not wait for it. Its law: the low priority must not let work pile up. If that thread was
    delayed for long, the normal one takes the next work.
    """

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
