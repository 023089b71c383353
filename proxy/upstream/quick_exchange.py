"""A quick exchange with the origin: a GET whose answer comes in one read, or in a few, with a head of a known shape.

Most answers are like that. Then nothing has to be parsed, and the objects that parse (`exchange.py`, `answer.py`) need
not be made. Its law: whenever the origin does anything else, or is too slow, an exchange takes this one's place and
reads all bytes from the beginning.
"""

from __future__ import annotations

import re
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from proxy.errors import Fault, OriginError
from proxy.upstream.connection import Connection, call_guarded
from proxy.upstream.exchange import Exchange
from proxy.upstream.plain import CHUNKED, Plain

if TYPE_CHECKING:
    from proxy.upstream.origin import OriginTransport

HELD_BYTES, HELD_SECONDS = 65_536, 0.002
"""A small body in several reads is held back so long: the rest follows at once, and one write is cheaper than
several."""


class PartialAnswer:
    """An answer of which part is there: its `head`, the `pieces` read, and how many bytes are `missing` (1 if unknown,
    negative if the answer is not as the head said). With `seconds` the whole body is waited for, until `latest`;
    without, it is only `held` for a moment."""

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

    def hold_deadline(self) -> float:
        """Until when the next bytes of a streamed body may be waited for: without limit before its first byte; then a
        moment, if it is small; 0 for not at all."""
        if self.missing == self.head.length:  # never so in chunks: their head may be all that comes for a while
            return inf
        if not self.held and self.head.length <= HELD_BYTES:
            self.held, self.latest = True, monotonic() + HELD_SECONDS
        return self.latest if self.held else 0.0

    def add(self, data: bytes) -> None:
        """Adds the next read."""
        self.pieces.append(data)
        if self.chunks is None:
            self.missing -= len(data)
        else:
            self._feed(self.chunks, data, 0)

    def _feed(self, chunks: Chunks, data: bytes, at: int) -> None:
        self.missing = (0 if chunks.is_over else 1) if chunks.feed(data, at) else -1

    @property
    def body(self) -> memoryview:
        """The body so far; not copied if it is one piece."""
        if self.chunks is not None:
            return self.chunks.body
        begun = memoryview(self.pieces[0])[self.head.body_at :]
        later = self.pieces[1:]
        return memoryview(later[0] if len(later) == 1 and not begun else b"".join((begun, *later)))


class QuickExchange:
    """A GET without a body, asked for at `asked_at` and sent at `begun`; the origin may take until `deadline`. A
    subclass decides what is done with the answer: `buffer_seconds`, `answered`, `exchange`, `refused`, `failed`."""

    __slots__ = ("asked_at", "begun", "connection", "deadline", "origin", "part")

    origin: OriginTransport
    connection: Connection
    asked_at: float
    begun: float
    deadline: float
    part: PartialAnswer | None

    def buffer_seconds(self, head: Plain) -> float:
        """How many seconds to wait for the whole body before an exchange takes over; 0 to stream it."""
        raise NotImplementedError

    def answered(self, head: Plain, body: memoryview) -> None:
        """The whole answer came."""
        raise NotImplementedError

    def exchange(self) -> Exchange:
        """Makes the exchange that takes over this connection."""
        raise NotImplementedError

    def refused(self, error: OriginError) -> None:
        """It could not be sent: there was no connection."""
        raise NotImplementedError

    def failed(self) -> None:
        """There will be no answer, unless it was given already."""
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
                call_guarded(exchange := self.exchange(), exchange.received, data)
                return
            if head.length == len(data) - head.body_at:
                self.answered(head, memoryview(data)[head.body_at :])
                self.origin.complete(self, monotonic(), is_last=head.is_last)
                return
            part = self.part = PartialAnswer(head, data, self.buffer_seconds(head))
        self._go_on(part)

    def _go_on(self, part: PartialAnswer) -> None:
        """Decides on a partial answer: complete, to be waited for, or left to an exchange."""
        if not part.missing:
            self.answered(part.head, part.body)
            self.origin.complete(self, part.began, is_last=part.head.is_last)
        elif part.missing > 0 and (latest := part.latest if part.latest < inf else part.hold_deadline()):
            self.origin.wait(self, latest)
        else:
            self._hand_over_to_exchange()

    def _hand_over_to_exchange(self) -> Exchange:
        """Makes the exchange, and feeds it what was read so far."""
        exchange = self.exchange()
        if self.part is not None:
            call_guarded(exchange, exchange.received, b"".join(self.part.pieces))
        return exchange

    def ended(self, error: Exception | None) -> None:
        """As `Listener`."""
        call_guarded(exchange := self._hand_over_to_exchange(), exchange.ended, error)

    def look(self, now: float) -> None:
        """As `Waiting`."""
        exchange = self._hand_over_to_exchange()
        if self.part is None or now < self.part.latest:
            call_guarded(exchange, exchange.look, now)

    def on_fault(self, fault: Fault) -> None:
        """As `Listener`."""
        self.origin.give_up(self)
        self.failed()


# -- Chunked bodies, decoded quickly: pages made on request mostly come chunked, and a full parser costs more than all
# else that is done for a known page.
# Its law: this decodes as the strict parser (`answer.py`), or gives up. An extension, a trailer, a byte after the end:
# anything unusual is left to the strict one, which then reads all of it again.

MOST_BYTES = 512 * 1024
MOST_CHUNKS = 512

_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,7})\r\n")
_BEGUN = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,7}(?:\r(?:\n\r?)?)?)?)?)?")
"""The beginning of a chunk size, or of the end."""


class Chunks:
    """The body so far, of at most `most_bytes`; complete if it `is_over`. Not copied, except where a chunk size is
    split between two reads."""

    __slots__ = ("_left", "_rest", "_room", "is_over", "pieces")

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.pieces: list[memoryview] = []
        self.is_over = False
        self._left = 0  # bytes missing of the current chunk
        self._rest = b""  # the beginning of a size
        self._room = most_bytes

    @property
    def body(self) -> memoryview:
        """The body so far."""
        return self.pieces[0] if len(self.pieces) == 1 else memoryview(b"".join(self.pieces))

    def feed(self, data: bytes, at: int = 0) -> bool:
        """Reads the next bytes, from `at`; the first call begins at the line end before the first size. False for
        anything unusual: then the strict parser has to read all of it."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        while not self.is_over:
            if self._left:
                piece = memoryview(data)[at : at + self._left]
                self.pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return True
            size = _SIZE.match(data, at)
            self._left = 0 if size is None else int(size[1], 16)
            if size is None or not self._left:
                return self._ends(data, at, size)
            self._room -= self._left
            at = size.end()
            if self._room < 0 or len(self.pieces) > MOST_CHUNKS:
                return False
        return not data

    def _ends(self, data: bytes, at: int, last: re.Match[bytes] | None) -> bool:
        """Whether these bytes end the body, or may with more."""
        self.is_over = last is not None and data[last.end() :] == b"\r\n"
        self._rest = b"" if self.is_over else data[at:]
        return self.is_over or _BEGUN.fullmatch(data, at) is not None
