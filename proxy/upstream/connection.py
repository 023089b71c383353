"""A socket to an origin, and who listens to it. The protocol spoken on it is in `exchange.py`."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from select import POLLIN, poll
from typing import Protocol, TypeVar, cast

from proxy.errors import Fault
from proxy.processes.keepalive import keep_alive

log = logging.getLogger("tailorbird.origin")

_MOST_UNSENT_BYTES = 65_536
"""The write buffer over TLS."""

Pieces = list[bytes | memoryview]
Told = TypeVar("Told")


class FaultListener(Protocol):
    """Is told of a fault of ours while it handles what happened on a connection."""

    def on_fault(self, fault: Fault) -> None:
        """Handling what just came raised: this is over, its connection is closed, and whoever waits for its result is
        told. They may have been given another result before."""


def call_guarded(one: FaultListener, hears: Callable[[Told], None], what: Told) -> None:
    """Calls a listener, and reports a fault of ours to it. Everything done with an origin's answer is called from here,
    so that after any fault nobody waits for ever, and a connection in an unknown state is not used again."""
    try:
        hears(what)
    except Exception:
        _report_fault(one)


def _report_fault(one: FaultListener) -> None:
    """To be called in an `except` block."""
    log.exception("an answer could not be handed on")
    one.on_fault(Fault())


class Listener(FaultListener, Protocol):
    """Receives what comes on a connection, while it uses it."""

    def received(self, data: bytes) -> None:
        """Bytes came."""

    def ended(self, error: Exception | None) -> None:
        """No more will come: the origin closed the connection properly (None), or it broke."""


class Sink(Protocol):
    """Takes a body piece by piece as it comes."""

    def take(self, pieces: Pieces) -> None:
        """Pieces came."""

    def end(self, pieces: Pieces, error: BaseException | None) -> None:
        """The last pieces came; or what went wrong after them."""

    def give_up(self, fault: Fault) -> None:
        """A fault of ours: the state is unknown, and nothing more may be written."""


class Connection(asyncio.Protocol):
    """A socket to the origin. `on_lost` is called at its end. `has_slot` while its exchange counts towards the limit of
    concurrent ones, as one of the `customer`'s; when it `is_aside`, only towards that. Its `listener` gets what comes.
    While idle it has none: unexpected bytes close it, and forbid reuse even unread, since they could be taken for the
    next answer."""

    def __init__(self, on_lost: Callable[[Connection], None]) -> None:
        self.is_reused = False
        self.has_slot = True
        self.is_aside = False
        self.customer = ""
        self.idle_since = 0.0
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1  # of the socket, if it can be written to directly (no TLS)
        self._unread: poll | None = None
        self.listener: Listener | None = None
        self._writable: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """False as soon as either end has begun to close."""
        return self._transport is not None and not self._transport.is_closing()

    def may_be_reused(self, since: float) -> bool:
        """True, and marks it as reused, if it became idle after `since`, neither end has begun to close, and nothing is
        readable: before a request that is an unexpected byte, or the end."""
        transport, unread = self._transport, self._unread
        if self.idle_since <= since or transport is None or transport.is_closing() or (unread and unread.poll(0)):
            return False
        self.is_reused = True
        return True

    def certificate_expiry(self) -> int:
        """When the origin's certificate ends, in Unix seconds; 0 without TLS."""
        certificate = self._transport.get_extra_info("peercert") if self._transport is not None else None
        return int(ssl.cert_time_to_seconds(certificate["notAfter"])) if certificate else 0

    def keep_alive(self) -> None:
        """Has the system notice that the origin is gone, for what may be silent for hours. (It takes 6 us, too long for
        each connection to an origin that closes after each answer.)"""
        end = self._transport.get_extra_info("socket") if self._transport is not None else None
        if end is not None:
            keep_alive(end)

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Gives the socket to another protocol, for good."""
        assert self._transport is not None
        self.keep_alive()
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
        """Writes the first bytes of an exchange to the socket directly, not through the event loop's transport. Only on
        a connection that just `may_be_reused`: then it is open, and nothing else is waiting to be written."""
        sent = 0
        if self._descriptor >= 0:
            try:
                sent = os.write(self._descriptor, head)
            except OSError:  # the transport will report it
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
        """Stops reading, so that the origin is slowed down."""
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
        try:  # as `call_guarded`, which would be one more call for each piece
            listener.received(data)
        except Exception:
            _report_fault(listener)

    def eof_received(self) -> None:
        if self.listener is not None:
            call_guarded(self.listener, self.listener.ended, self._truncation())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.listener is not None:
            call_guarded(self.listener, self.listener.ended, exc or self._truncation())
        self.resume_writing()
        self._on_lost(self)

    def _truncation(self) -> Exception | None:
        """An error if the end may be a truncation: over TLS the peer has to announce it with close_notify (RFC 9112
        9.8), since anybody on the way can close the socket."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        try:
            is_announced = tls is None or not tls.read(1)
        except ssl.SSLError:  # it would say more, if it could
            is_announced = False
        return None if is_announced else ConnectionResetError("closed without close_notify")

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
