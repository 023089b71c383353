"""Threads that read a file while the event loop goes on, each with its own connection.

Python's ThreadPoolExecutor does the same for any work from any thread, with six locks and two futures for each result.
Here there is one queue and one callback: a page that has to read its visitor first costs a tenth less.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Generic, TypeVar

from proxy.turns import give_way

Connection = TypeVar("Connection")
Answer = TypeVar("Answer")


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
