"""A brief exchange: one that is over with a single read, or with few.

Most answers are there whole when the first bytes of them are, or when their head had come, of a shape that the origin
has answered in before. Then there is nothing to be parsed, and what does that (`exchange.py`, `answer.py`) need not be
made. Its law: whatever else the origin does, or does not do in time, is heard by an exchange that takes the place of
this, as if it had been there from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Protocol

from proxy.errors import Fault
from proxy.upstream.chunks import MOST_BYTES, Chunks
from proxy.upstream.connection import Connection, heard
from proxy.upstream.exchange import Exchange
from proxy.upstream.plain import CHUNKED, Plain

HELD_BYTES, HELD_SECONDS = 65_536, 0.002
"""Of a body in pieces: the next come right behind the first, and to pass each on takes more than all of them."""


class Origin(Protocol):
    """The origin that a brief exchange belongs to."""

    @property
    def known(self) -> Callable[[bytes], Plain | None]:
        """The head that these bytes begin with, if the origin answered alike lately."""

    def settle(self, brief: Brief, began: float) -> None:
        """The answer, which began then, came whole: the connection is free."""

    def give_up(self, brief: Brief) -> None:
        """The connection cannot be used any more."""

    def wait(self, brief: Brief, latest: float) -> None:
        """Some of the answer came: the next of it may take a while, but not longer than until `latest`."""


class Part:
    """An answer of which some is there: its head, with what came with it and later, and how much is missing: below 0
    where it is not what it was taken for, and 1 where nobody knows. All of it is waited for, so many seconds and until
    `latest`; where that is never, it is only `held` for a moment."""

    __slots__ = ("began", "chunks", "head", "held", "latest", "missing", "pieces")

    def __init__(self, head: Plain, first: bytes, seconds: float) -> None:
        self.began = monotonic()
        self.head = head
        self.pieces = [first]
        self.missing = head.length - len(first) + head.body_at
        self.chunks: Chunks | None = None
        self.latest = self.began + seconds if seconds else inf
        self.held = False
        if head.length == CHUNKED:
            self.chunks = Chunks(MOST_BYTES if seconds else HELD_BYTES)
            self._feed(self.chunks, first, head.body_at - 2)

    def hold(self) -> float:
        """How long the next of what is passed on as it comes may be waited for: as long as any of its body, for that to
        begin; then for a moment, if it is small; 0 for not at all."""
        if self.missing == self.head.length:  # never so in chunks: their head may be all that comes for a while
            return inf
        if not self.held and self.head.length <= HELD_BYTES:
            self.held, self.latest = True, monotonic() + HELD_SECONDS
        return self.latest if self.held else 0.0

    def add(self, data: bytes) -> None:
        """More of it."""
        self.pieces.append(data)
        if self.chunks is None:
            self.missing -= len(data)
        else:
            self._feed(self.chunks, data, 0)

    def _feed(self, chunks: Chunks, data: bytes, at: int) -> None:
        self.missing = (0 if chunks.is_over else 1) if chunks.feed(data, at) else -1

    @property
    def body(self) -> memoryview:
        """What came of its body; not copied where that is one piece behind the head."""
        if self.chunks is not None:
            return self.chunks.body
        begun = memoryview(self.pieces[0])[self.head.body_at :]
        later = self.pieces[1:]
        return memoryview(later[0] if len(later) == 1 and not begun else b"".join((begun, *later)))


class Brief:
    """A GET without a body that is under way since `begun`; the origin may take until `deadline`. A subclass says what
    becomes of the answer: `waits_for`, `came`, `exchange`, `failed`."""

    __slots__ = ("begun", "connection", "deadline", "origin", "part")

    origin: Origin
    connection: Connection
    begun: float
    deadline: float
    part: Part | None

    def waits_for(self, head: Plain) -> float:
        """How many seconds all of the body is waited for, before any of it is passed on; 0 where it is passed on as it
        comes."""
        raise NotImplementedError

    def came(self, head: Plain, body: memoryview) -> None:
        """The whole answer."""
        raise NotImplementedError

    def exchange(self) -> Exchange:
        """What hears the connection from now on."""
        raise NotImplementedError

    def failed(self) -> None:
        """There will be no answer; but it may have come already."""
        raise NotImplementedError

    # -- called by the connection, and by `Timeouts`

    def received(self, data: bytes) -> None:
        """As `Listener`."""
        part = self.part
        if part is not None:
            part.add(data)
        else:
            head = self.origin.known(data)
            if head is None:
                heard(exchange := self.exchange(), exchange.received, data)
                return
            if head.length == len(data) - head.body_at:
                self.came(head, memoryview(data)[head.body_at :])
                self.origin.settle(self, monotonic())
                return
            part = self.part = Part(head, data, self.waits_for(head))
        self._go_on(part)

    def _go_on(self, part: Part) -> None:
        """Some of the answer is there: it is waited for, taken, or too much."""
        if not part.missing:
            self.came(part.head, part.body)
            self.origin.settle(self, part.began)
        elif part.missing > 0 and (latest := part.latest if part.latest < inf else part.hold()):
            self.origin.wait(self, latest)
        else:
            self._other()

    def _other(self) -> Exchange:
        """The exchange in its place, which has heard what came by now."""
        exchange = self.exchange()
        if self.part is not None:
            heard(exchange, exchange.received, b"".join(self.part.pieces))
        return exchange

    def ended(self, error: Exception | None) -> None:
        """As `Listener`."""
        heard(exchange := self._other(), exchange.ended, error)

    def look(self, now: float) -> None:
        """As `Waiting`."""
        exchange = self._other()
        if self.part is None or not self.part.held:
            heard(exchange, exchange.look, now)

    def broke(self, fault: Fault) -> None:
        """As `Listener`."""
        self.origin.give_up(self)
        self.failed()
