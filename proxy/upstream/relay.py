"""A body on its way from the origin's connection to the client's: each piece is written as it comes, without a task
that waits for it and without ASGI.

A slow client stops the origin (`resume` is called when the client has caught up), an origin that breaks off breaks
the client's connection, and a client that leaves ends the exchange. Its law: an answer that is not whole never looks
whole. What this takes from uvicorn is listed in `tests/serve/test_protocol.py`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from proxy.errors import OriginError
from proxy.http.message import Response, as_lines
from proxy.settings import DEFAULTS
from proxy.upstream.connection import Sink

READY_BYTES = 65_536
"""Of a body that is there already, what is handed over at a time."""

_LENGTH = b"content-length: "
_WITHOUT_BODY = frozenset({204, 304})


class Source(Protocol):
    """Where the pieces come from: an exchange with an origin."""

    def pour(self, sink: Sink) -> None:
        """Hands over what has come and what is to come."""

    def pause(self) -> None:
        """Asks for no more."""

    def resume(self) -> None:
        """Asks for more."""


class Ready:
    """A source of what is there already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def pour(self, sink: Sink) -> None:
        """Hands it over in pieces, so that little has to be copied for who takes it slowly."""
        for start in range(0, len(self._body), READY_BYTES):
            sink.take(self._body[start : start + READY_BYTES])
        sink.end(None)

    def pause(self) -> None:
        """There is nobody to ask."""

    def resume(self) -> None:
        """Nor here."""


class Relay:
    """One answer under way. `done` is resolved when nothing more is to come, with what went wrong or None.
    `most_bytes` may wait for the client in our memory beside the piece that just came."""

    def __init__(
        self,
        cycle: RequestResponseCycle,
        transport: Any,
        response: Response,
        source: Source,
        on_written: Callable[[int], None],
        most_bytes: int = DEFAULTS.client_buffer_bytes,
    ) -> None:
        self.done: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
        self._cycle = cycle
        self._transport = transport
        self._source = source
        self._on_written = on_written
        self._most_bytes = most_bytes
        self._waiting: deque[bytes | memoryview] = deque()
        self._is_paused = self._has_ended = False
        self._error: BaseException | None = None
        self._begin(response)

    def _begin(self, response: Response) -> None:
        cycle = self._cycle
        lines = response.lead or as_lines(response.headers)
        self._has_body = cycle.scope["method"] != "HEAD" and response.status not in _WITHOUT_BODY
        is_sized = lines.startswith(_LENGTH) or lines.find(b"\r\n" + _LENGTH) >= 0
        self._is_chunked = self._has_body and not is_sized
        if self._is_chunked:
            lines += b"transfer-encoding: chunked\r\n"
        if not cycle.keep_alive:
            lines += b"connection: close\r\n"
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        self._waiting.append(STATUS_LINE[response.status] + lines + b"\r\n")

    # -- called by the source

    def take(self, piece: bytes | memoryview) -> None:
        """A piece came."""
        if self._has_body:
            self._waiting.append(b"%x\r\n%b\r\n" % (len(piece), bytes(piece)) if self._is_chunked else piece)
        self.flow()

    def end(self, error: BaseException | None) -> None:
        """The last piece has come, or the origin broke off."""
        self._has_ended, self._error = True, error
        if error is None and self._is_chunked:
            self._waiting.append(b"0\r\n\r\n")
        self.flow()

    # -- called by the client's connection

    def flow(self) -> None:
        """Writes what the client has room for; the origin waits while something is left."""
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
            self._source.pause()
        elif not self._waiting and self._is_paused:
            self._is_paused = False
            self._source.resume()

    def leave(self) -> None:
        """The client has gone; uvicorn, which may not have heard of it yet, need not complain."""
        self._cycle.disconnected = True
        self._settle(OriginError("the client left", reason="abandoned"))

    def _write(self, room: int) -> None:
        """Writes at most `room` bytes of what waits, as one piece where it can be."""
        taken = []
        while self._waiting and room:
            piece = self._waiting.popleft()
            if len(piece) > room:
                self._waiting.appendleft(piece[room:])
                piece = piece[:room]
            taken.append(piece)
            room -= len(piece)
            self._on_written(len(piece))
        self._transport.writelines(taken)

    def _settle(self, error: BaseException | None) -> None:
        if not self.done.done():
            self.done.set_result(error)


async def relayed(relay: Relay, source: Source, cycle: RequestResponseCycle) -> BaseException | None:
    """Sends the answer to its end, and tells uvicorn; what went wrong, if anything did."""
    source.pour(relay)
    error = await relay.done
    complete(cycle, error)
    return error


def complete(cycle: RequestResponseCycle, error: BaseException | None) -> None:
    """Tells uvicorn that an answer has been sent, unless something went wrong or the client has gone."""
    if error is None and not cycle.disconnected:
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
