"""A body on its way from the origin's connection to the client's: each piece is written as it comes, without a task
that waits for it and without ASGI.

A slow client stops the origin (`resume` is called when the client has caught up), an origin that breaks off breaks
the client's connection, and a client that leaves ends the exchange. Its law: an answer that is not whole never looks
whole. What this takes from uvicorn is listed in `tests/serve/test_protocol.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.errors import Fault, OriginError
from proxy.http.message import Response, as_lines
from proxy.settings import DEFAULTS
from proxy.upstream.connection import Pieces, Sink

CLIENT_LEFT = "client-left"
"""The reason of an answer that broke off since nobody waits for it any more: no fault of anybody's."""
READY_BYTES = 65_536
"""Of a body that is there already, what is handed over at a time."""

_LENGTH = b"\r\ncontent-length: "
_WITHOUT_BODY = frozenset({204, 304})


class Source(Protocol):
    """Where the pieces come from: an exchange with an origin."""

    def pour(self, sink: Sink) -> None:
        """Hands over what has come and what is to come."""

    def pause(self) -> None:
        """Asks for no more."""

    def resume(self) -> None:
        """Asks for more."""


class Owed(Protocol):
    """An answer that is owed to a client: `serve/answering.py`, or uvicorn's."""

    keep_alive: bool
    response_started: bool
    response_complete: bool
    disconnected: bool
    message_event: Any


class Ready:
    """A source of what is there already, and a stream of it."""

    def __init__(self, body: bytes | memoryview) -> None:
        self._body = body

    @property
    def pieces(self) -> Pieces:
        """All of it, as that of an exchange."""
        return [self._body]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        body, self._body = bytes(self._body), b""
        if not body:
            raise StopAsyncIteration
        return body

    async def aclose(self) -> None:
        """Nobody waits for anything."""

    def let_go(self) -> None:
        """Nor has anybody to be told."""

    def pour(self, sink: Sink) -> None:
        """Hands it over in pieces, so that little has to be copied for who takes it slowly."""
        body = self._body
        sink.end([body[start : start + READY_BYTES] for start in range(0, len(body), READY_BYTES)], None)

    def pause(self) -> None:
        """There is nobody to ask."""

    def resume(self) -> None:
        """Nor here."""


class Relay:
    """One answer under way. `on_end` is called once, when nothing more is to come, with what went wrong or None.
    `most_bytes` may wait for the client in our memory beside the piece that just came; `is_head` when the client
    wants no body."""

    _is_paused = False
    _has_ended = False
    _is_over = False
    _error: BaseException | None = None

    def __init__(
        self,
        turn: Owed,
        transport: Any,
        response: Response,
        source: Source,
        on_written: Callable[[int], None],
        on_end: Callable[[Relay, BaseException | None], None],
        *,
        is_head: bool = False,
        most_bytes: int = DEFAULTS.client_buffer_bytes,
    ) -> None:
        self.turn = turn
        self.source = source
        self._transport = transport
        self._on_written = on_written
        self._on_end = on_end
        self._most_bytes = most_bytes
        head, self._has_body, self._is_chunked = _begun(response, is_kept=turn.keep_alive, is_head=is_head)
        turn.response_started = True
        self._waiting: Pieces = [head]

    def begin(self) -> None:
        """Pours. A stream begins at once, whenever its first piece comes; and who has left is not waited for."""
        self.source.pour(self)
        if self._is_chunked or self.turn.disconnected:
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
        """The last pieces have come; or what came before the origin broke off."""
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
        """The client has gone; uvicorn, which may not have heard of it yet, need not complain."""
        self.turn.disconnected = True
        self._settle(OriginError("the client left", reason=CLIENT_LEFT))

    def _write(self, room: int) -> None:
        """Writes at most `room` bytes of what waits, as one piece where it can be."""
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
    """Writes an answer whose whole body is there already, if the client has room for all of it. How many bytes that
    were; 0 when it takes a relay."""
    head, has_body, is_chunked = _begun(response, is_kept=is_kept, is_head=False)
    size = len(head) + sum(map(len, pieces))
    if is_chunked or not has_body or size > room or transport.is_closing():
        return 0
    transport.writelines([head, *pieces])
    return size


def _begun(response: Response, *, is_kept: bool, is_head: bool) -> tuple[bytes, bool, bool]:
    """The head of the answer; whether a body follows, and whether that is chunked."""
    lines = response.lead or as_lines(response.headers)
    has_body = not is_head and response.status not in _WITHOUT_BODY
    is_sized = lines.find(_LENGTH) >= 0 or lines.startswith(_LENGTH[2:])
    is_chunked = has_body and not is_sized
    if is_chunked:
        lines += b"transfer-encoding: chunked\r\n"
    if not is_kept:
        lines += b"connection: close\r\n"
    return STATUS_LINE[response.status] + lines + b"\r\n", has_body, is_chunked


def split(pieces: Pieces, size: int) -> tuple[Pieces, Pieces]:
    """The first `size` bytes of these pieces, and the rest."""
    for number, piece in enumerate(pieces):
        if len(piece) > size:
            return [*pieces[:number], piece[:size]], [piece[size:], *pieces[number + 1 :]]
        size -= len(piece)
    return pieces, []
