"""How an answer is waited for: by a task that reads it piece by piece; by a callback for its head, or for all of it; or
by a sink that takes it as it comes. One of them at a time.

Its law: whoever waits is told how the answer ends, even if a callback fails.
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
"""Stands for a number of body bytes that is always there once the head is."""


class Awaited:
    """An answer that somebody waits for. `_failure` says why no more of it will come."""

    _answer: Answer
    _loop: asyncio.AbstractEventLoop
    _failure: BaseException | None = None
    _sink: Sink | None = None
    _awaits: tuple[int, Tell] | None = None
    _telling: Tell | None = None  # the callback that is running
    _latest = inf  # the deadline of `_awaits`
    _otherwise: Callable[[], None] | None = None  # what is called then
    _news: asyncio.Future[None] | None = None

    @property
    def pieces(self) -> Pieces | None:
        """The body as it came, if it is complete and nobody took any of it."""
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

    def pipe_to(self, sink: Sink) -> None:
        """Hands the body to a sink: what has come now, the rest as it comes."""
        self._sink = sink
        self.resume()  # it may be paused because nobody read; from now on the sink decides
        self._hand_over(sink)

    def resume(self) -> None:
        """Reads on from the origin."""
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
        """More of the answer came, or it failed: tells whoever waits."""
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

    def _take_it_otherwise(self, otherwise: Callable[[], None], tell: Tell) -> None:
        """Its time is over: whoever waited for all of it does not any more, but hears by `tell` of a fault of ours."""
        self._awaits = None
        before, self._telling = self._telling, tell
        otherwise()
        self._telling = before

    def _tell_of(self, fault: Fault) -> None:
        """Reports a fault of ours to whoever waits for the answer."""
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
