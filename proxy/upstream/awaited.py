"""The ways to wait for an answer: a task that reads it piece by piece; a callback for its head, or for all of it; or a
sink that takes it as it comes. One at a time, never two at once.

Its law: whoever waits is told how the answer ends, even if telling them fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from math import inf

from proxy.errors import Fault
from proxy.upstream.answer import Answer
from proxy.upstream.connection import Pieces, Sink

Tell = Callable[[BaseException | None], None]
AT_ITS_HEAD = -1
"""So many bytes of a body are always there, once there is a head."""


class Awaited:
    """An answer that somebody waits for. `_failure` is why no more of it will come."""

    _answer: Answer
    _loop: asyncio.AbstractEventLoop
    _failure: BaseException | None = None
    _sink: Sink | None = None
    _awaits: tuple[int, Tell] | None = None
    _telling: Tell | None = None  # who is being told just now
    _latest = inf  # when whoever is to be told wants to hear of it at the latest
    _news: asyncio.Future[None] | None = None

    @property
    def pieces(self) -> Pieces | None:
        """The body as it came, once all of it is there, as long as nobody took any of it."""
        return self._answer.chunks if self._answer.is_complete else None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._answer.chunks:
            if self._answer.is_complete:
                raise StopAsyncIteration
            await self._wait()
        self.resume()
        return self._answer.take()

    def pour(self, sink: Sink) -> None:
        """Hands the body over instead of yielding it: what has come at once, the rest as it comes."""
        self._sink = sink
        self.resume()  # it was paused by us, while nobody took anything; from now on the sink says when
        self._hand_over(sink)

    def resume(self) -> None:
        """Asks for more."""
        raise NotImplementedError

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._news = self._loop.create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _wake(self) -> None:
        """There is news of the answer."""
        if self._sink is not None:
            self._hand_over(self._sink)
        elif self._awaits is not None:
            most_bytes, tell = self._awaits
            answer = self._answer
            is_there = answer.has_head and (answer.is_complete or answer.size > most_bytes)
            if is_there or self._failure is not None:
                self._awaits, self._latest = None, inf
                before, self._telling = self._telling, tell
                tell(self._failure)
                self._telling = before
        elif self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _tell_of(self, fault: Fault) -> None:
        """Whoever was being told of the answer is told of this instead."""
        telling, self._telling = self._telling, None
        if self._sink is not None:
            self._sink.give_up(fault)
        elif telling is not None:
            telling(fault)
        else:
            self._wake()

    def _hand_over(self, sink: Sink) -> None:
        pieces = self._answer.take_pieces()
        if self._failure is not None or self._answer.is_complete:
            sink.end(pieces, self._failure)
            self._sink = None
        elif pieces:
            sink.take(pieces)
