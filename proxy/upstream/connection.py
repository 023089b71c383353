"""A socket to an origin, and who listens to it. What is said on it is `exchange.py`'s."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from select import POLLIN, poll
from typing import Protocol, TypeVar, cast

from proxy.errors import Fault

log = logging.getLogger("tailorbird.origin")

_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, option), value)
        for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
        if hasattr(socket, option)
    ),
]
"""An origin that is gone without a word is found out in two minutes, by the system: streams of events and WebSockets
may be silent for hours."""
_MOST_UNSENT_BYTES = 65_536
"""Of what is said over TLS."""

Pieces = list[bytes | memoryview]
Told = TypeVar("Told")


class Hears(Protocol):
    """A callback that is told what happens to a connection."""

    def broke(self, fault: Fault) -> None:
        """What it just heard led to a fault of ours: it is over, and so is its connection, and who waits for what it
        was to bring is told. It may have told them something else before that."""


def heard(one: Hears, hears: Callable[[Told], None], what: Told) -> None:
    """Has it hear what happened. All that is made of an origin's answer is made below here: whatever fault of ours is
    in that, nobody waits for ever, and no connection is used again of which nobody knows what was made of it."""
    try:
        hears(what)
    except Exception:
        _broke(one)


def _broke(one: Hears) -> None:
    """Called while the fault is being handled."""
    log.exception("an answer could not be handed on")
    one.broke(Fault())


class Listener(Hears, Protocol):
    """Receives what comes on a connection while it has it."""

    def received(self, data: bytes) -> None:
        """Bytes came."""

    def ended(self, error: Exception | None) -> None:
        """No more will come: the origin closed in order (None), or the connection broke."""


class Sink(Protocol):
    """Takes a body piece by piece as it comes."""

    def take(self, pieces: Pieces) -> None:
        """Pieces came."""

    def end(self, pieces: Pieces, error: BaseException | None) -> None:
        """The last pieces came; or what went wrong after them."""

    def give_up(self, fault: Fault) -> None:
        """What was made of the last pieces is not known: nothing more may be given."""


class Connection(asyncio.Protocol):
    """A socket to the origin. `on_lost` hears of its end. `has_slot` while its exchange counts among those that may be
    under way. Its `listener` hears what comes. Idle, it has none and accepts nothing: bytes nobody asked for close it,
    and forbid reuse even unread, since they could be taken for the next answer."""

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self.is_reused = False
        self.has_slot = True
        self.idle_since = 0.0
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1  # the socket's, where what is written to it needs no more than the system
        self._unread: poll | None = None
        self.listener: Listener | None = None
        self._writable: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """False as soon as either end has begun to close."""
        return self._transport is not None and not self._transport.is_closing()

    def may_be_reused(self, since: float) -> bool:
        """Takes it into use, if it has not been idle for longer, and neither end has begun to close. Nor may there be
        anything to be read: before a request, that is unasked bytes, or the end."""
        transport, unread = self._transport, self._unread
        if self.idle_since <= since or transport is None or transport.is_closing() or (unread and unread.poll(0)):
            return False
        self.is_reused = True
        return True

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Gives the socket to another protocol, for good."""
        assert self._transport is not None
        self._transport.set_protocol(protocol)
        return self._transport

    def abort(self) -> None:
        """Closes at once; unsent bytes are lost."""
        if self._transport is not None:
            self._transport.abort()

    def write(self, *pieces: bytes) -> None:
        """Hands the pieces to the socket, in as few packets as they need."""
        assert self._transport is not None
        self._transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def put(self, head: bytes) -> None:
        """Hands the first bytes of an exchange to the system at once, without a detour by the event loop's transport.
        Only on a connection that just `may_be_reused`: it is open then, and nothing else waits to be taken."""
        sent = 0
        if self._descriptor >= 0:
            try:
                sent = os.write(self._descriptor, head)
            except OSError:  # what is wrong, the transport says
                sent = 0
        if sent < len(head):
            self.write(head[sent:])

    async def drain(self) -> None:
        """Waits while the origin takes no more."""
        if self._writable is not None:
            await self._writable

    @property
    def is_write_blocked(self) -> bool:
        """True while the origin takes no more."""
        return self._writable is not None

    def pause_reading(self) -> None:
        """Leaves further bytes to the socket, so that the origin is slowed down."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Reads on, if the connection is still there."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # -- called by the event loop ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's do not inherit from it
        self._unread = poll()
        end = transport.get_extra_info("socket")
        for level, option, value in _KEEPALIVE:
            end.setsockopt(level, option, value)
        self._unread.register(end.fileno(), POLLIN)
        if transport.get_extra_info("sslcontext") is None:
            self._descriptor = end.fileno()
            self._transport.set_write_buffer_limits(
                high=0
            )  # uvloop then writes at once, and not at the end of its turn
        else:  # where 0 is reached by what has nothing to write (uvloop and asyncio alike): it would stop for ever
            self._transport.set_write_buffer_limits(high=_MOST_UNSENT_BYTES)

    def data_received(self, data: bytes) -> None:
        listener = self.listener
        if listener is None:
            self.abort()
            return
        try:  # as `heard`, which would be one more call for each piece
            listener.received(data)
        except Exception:
            _broke(listener)

    def eof_received(self) -> None:
        if self.listener is not None:
            heard(self.listener, self.listener.ended, self._unsaid())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.listener is not None:
            heard(self.listener, self.listener.ended, exc or self._unsaid())
        self.resume_writing()
        self._on_lost(self)

    def _unsaid(self) -> Exception | None:
        """Why it is not known that nothing is missing: over TLS, who closes says so (RFC 9112 9.8); anybody on the way
        can close the socket."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        try:
            is_said = tls is None or not tls.read(1)
        except ssl.SSLError:  # it would say more, if it could
            is_said = False
        return None if is_said else ConnectionResetError("closed without close_notify")

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
