"""A body on its way from the origin's connection to the client's: each piece is written as it comes, without a task
that waits for it and without ASGI.

A slow client stops the origin (`resume` is called when the client has caught up), an origin that breaks off breaks
the client's connection, and a client that leaves ends the exchange. Its law: an answer that is not whole never looks
whole. What this takes from uvicorn is listed in `tests/serve/test_protocol.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.errors import Fault, OriginError
from proxy.http.message import Response, as_lines
from proxy.settings import DEFAULTS
from proxy.upstream.connection import Pieces, Sink
from proxy.upstream.dates import dated

CLIENT_LEFT = "client-left"
"""The `reason` of an answer that ended because the client left: nobody's fault."""
READY_BYTES = 65_536
"""A body that is there already is handed over in pieces of this size."""

_LENGTH = b"\r\ncontent-length: "
_WITHOUT_BODY = frozenset({204, 304})


class Source(Protocol):
    """Where the pieces come from: an exchange with an origin."""

    def pipe_to(self, sink: Sink) -> None:
        """Hands the body to a sink: what has come now, the rest as it comes."""

    def pause(self) -> None:
        """Asks for no more."""

    def resume(self) -> None:
        """Asks for more."""


class OwedAnswer(Protocol):
    """An answer that is owed to a client: `serve/answering.py`, or uvicorn's."""

    keep_alive: bool
    response_started: bool
    response_complete: bool
    disconnected: bool
    message_event: Any


class Ready:
    """A body that is there already, as a source and as a stream."""

    def __init__(self, body: bytes | memoryview) -> None:
        self._body = body

    @property
    def pieces(self) -> Pieces:
        """The whole body, as `Exchange.pieces`."""
        return [self._body]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        body, self._body = bytes(self._body), b""
        if not body:
            raise StopAsyncIteration
        return body

    async def aclose(self) -> None:
        """Does nothing."""

    def abandon(self) -> None:
        """Does nothing."""

    def pipe_to(self, sink: Sink) -> None:
        """Hands it over at once."""
        sink.end(in_pieces(self._body), None)

    def pause(self) -> None:
        """Does nothing."""

    def resume(self) -> None:
        """Does nothing."""


class Relay:
    """One answer being sent. `on_end` is called once, at its end, with the error or None. Besides the last piece read,
    `most_bytes` may wait for the client in our memory. `is_head`: the client wants no body. Without `is_framed` a body
    of unknown length ends with the connection."""

    _is_paused = False
    _has_ended = False
    _is_over = False
    _error: BaseException | None = None

    def __init__(
        self,
        turn: OwedAnswer,
        transport: Any,
        response: Response,
        source: Source,
        on_written: Callable[[int], None],
        on_end: Callable[[Relay, BaseException | None], None],
        *,
        is_head: bool = False,
        is_framed: bool = True,
        most_bytes: int = DEFAULTS.client_buffer_bytes,
    ) -> None:
        self.turn = turn
        self.source = source
        self._transport = transport
        self._on_written = on_written
        self._on_end = on_end
        self._most_bytes = most_bytes
        head, self._has_body, self._is_chunked = _begun(
            response, is_kept=turn.keep_alive, is_head=is_head, is_framed=is_framed
        )
        self._starts_at_once = self._is_chunked or not is_framed
        turn.response_started = True
        self._waiting: Pieces = [head]

    def begin(self) -> None:
        """Starts. The head of a stream is sent at once, before its first piece; a client that has left ends it."""
        self.source.pipe_to(self)
        if self._starts_at_once or self.turn.disconnected:
            self.flow()

    # -- called by the source

    def take(self, pieces: Pieces) -> None:
        """Pieces came."""
        if self._is_chunked:
            self._waiting += [b"%x\r\n%b\r\n" % (len(piece), bytes(piece)) for piece in pieces]
            self._waiting += [b"0\r\n\r\n"] if self._has_ended and self._error is None else []
        elif self._has_body:
            self._waiting += pieces
        self.flow()

    def end(self, pieces: Pieces, error: BaseException | None) -> None:
        """The last pieces came; with an error if the origin broke off."""
        self._has_ended, self._error = True, error
        self.take(pieces)

    def give_up(self, fault: Fault) -> None:
        """As `Sink`."""
        self._settle(fault)

    # -- called by the client's connection

    def flow(self) -> None:
        """Writes what the client has room for; the origin waits while something is left."""
        if self._is_over:
            return
        if self._transport.is_closing():
            self.leave()
            return
        while self._waiting and (room := self._most_bytes - self._transport.get_write_buffer_size()) > 0:
            self._write(room)
        if self._has_ended:
            if not self._waiting:
                self._settle(self._error)
        elif self._waiting and not self._is_paused:
            self._is_paused = True
            self.source.pause()
        elif not self._waiting and self._is_paused:
            self._is_paused = False
            self.source.resume()

    def leave(self) -> None:
        """The client has gone. (uvicorn may not know yet, and must not log a warning.)"""
        self.turn.disconnected = True
        self._settle(OriginError("the client left", reason=CLIENT_LEFT))

    def _write(self, room: int) -> None:
        """Writes at most `room` bytes of what waits, in one call."""
        pieces, self._waiting = self._waiting, []
        size = sum(map(len, pieces))
        if size > room:
            pieces, self._waiting = split(pieces, room)
            size = room
        self._on_written(size)
        self._transport.writelines(pieces)

    def _settle(self, error: BaseException | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._on_end(self, error)


def written_at_once(
    transport: Any, response: Response, pieces: Sequence[bytes | memoryview], room: int, *, is_kept: bool
) -> int:
    """Writes an answer whose whole body is there, if the client's buffer has room for all of it. Returns the number of
    bytes; 0 when a relay is needed."""
    head, has_body, is_chunked = _begun(response, is_kept=is_kept, is_head=False)
    size = len(head) + sum(map(len, pieces))
    if is_chunked or not has_body or size > room or transport.is_closing():
        return 0
    transport.writelines([head, *pieces])
    return size


def reset(transport: Any) -> None:
    """Ends a connection in a way that nobody takes for the end of an answer: with RST."""
    transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    transport.abort()


def is_sized(response: Response) -> bool:
    """Whether its head says how long the body is, or there is none."""
    lines = response.lead or as_lines(response.headers)
    return says_length(lines) or response.status in _WITHOUT_BODY


def says_length(lines: bytes) -> bool:
    """Whether header lines say how long the body is."""
    return lines.find(_LENGTH) >= 0 or lines.startswith(_LENGTH[2:])


def _begun(response: Response, *, is_kept: bool, is_head: bool, is_framed: bool = True) -> tuple[bytes, bool, bool]:
    """The head of the answer; whether a body follows, and whether that is chunked."""
    lines = dated(response.lead or as_lines(response.headers))
    has_body = not is_head and response.status not in _WITHOUT_BODY
    is_chunked = is_framed and has_body and not says_length(lines)
    if is_chunked:
        lines += b"transfer-encoding: chunked\r\n"
    if not is_kept:
        lines += b"connection: close\r\n"
    return STATUS_LINE[response.status] + lines + b"\r\n", has_body, is_chunked


def in_pieces(body: bytes | memoryview) -> Pieces:
    """The body in pieces, so that little is copied for a slow client: what is stored not at all."""
    whole = memoryview(body)
    return [whole[start : start + READY_BYTES] for start in range(0, len(whole), READY_BYTES)]


def split(pieces: Pieces, size: int) -> tuple[Pieces, Pieces]:
    """The first `size` bytes of these pieces, and the rest."""
    for number, piece in enumerate(pieces):
        if len(piece) > size:
            return [*pieces[:number], piece[:size]], [piece[size:], *pieces[number + 1 :]]
        size -= len(piece)
    return pieces, []
