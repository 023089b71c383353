"""New connections to a listener with a certificate, until their TLS handshake is done.

Each has its place among the clients (`admission.py`) from the first moment: whoever connects and says nothing takes
memory and a descriptor, as any client does. (Servers of asyncio tell nobody of a connection before its handshake.)
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

from proxy.http.client import peer_address
from proxy.serve.admission import Admission

log = logging.getLogger("tailorbird.protocol")

AT_ONCE = 16
"""So many connections are accepted in one iteration of the event loop."""
FULL_SECONDS = 1.0
"""So long nothing is accepted once there are no descriptors left."""
SHUTDOWN_SECONDS = 2.0
"""How long a client may take to agree that the connection ends."""
_NO_MORE = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class SecuredServer:
    """Accepts connections at a listening socket, and hands each to a protocol that `make` makes once its handshake is
    done, which may take `seconds`. It is closed as the servers of asyncio are. `connections` are told when to end."""

    def __init__(
        self,
        admission: Admission,
        seconds: float,
        listening: socket.socket,
        tls: ssl.SSLContext,
        make: Callable[[], Any],
        connections: set[Any],
    ) -> None:
        self.admission, self.seconds, self.tls, self.make = admission, seconds, tls, make
        self.connections = connections
        self._socket = listening
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Accepts no more."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
        if self._again is not None:
            self._again.cancel()

    async def wait_closed(self) -> None:
        """Returns at once."""

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):  # another worker was quicker
            for _ in range(AT_ONCE):
                try:
                    accepted, address = self._socket.accept()
                except OSError as error:
                    if error.errno in _NO_MORE:
                        self._rest(error)
                        return
                    if isinstance(error, BlockingIOError):
                        raise
                    continue  # the client left meanwhile
                accepted.setblocking(False)
                Handshake(self, peer_address(address)).begin(accepted, self._loop)

    def _rest(self, error: OSError) -> None:
        log.error("no connection can be accepted: %s", error.strerror)
        self._loop.remove_reader(self._socket)
        self._again = self._loop.call_later(FULL_SECONDS, self._loop.add_reader, self._socket, self._accept)


class Handshake(asyncio.Protocol):
    """The connection of a client at this address, until its handshake is done."""

    def __init__(self, server: SecuredServer, address: str) -> None:
        self._server = server
        self.address = address

    def begin(self, accepted: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        """Begins the handshake, if there is room for another client."""
        self.since = loop.time()
        if not self._server.admission.enter(self):
            accepted.close()
            return
        self._server.connections.add(self)
        self._task = loop.create_task(self._shake_hands(accepted, loop))

    async def _shake_hands(self, accepted: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        server, is_secured = self._server, False
        try:
            await loop.connect_accepted_socket(
                lambda: self,
                accepted,
                ssl=server.tls,
                ssl_handshake_timeout=server.seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
            is_secured = True
        except OSError:  # the client left, speaks something else, or is too slow
            pass
        finally:
            self._leave()
            if not is_secured:
                accepted.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._leave()
        secured = cast(asyncio.Transport, transport)
        protocol = self._server.make()
        secured.set_protocol(protocol)
        protocol.connection_made(secured)

    def _leave(self) -> None:
        self._server.admission.leave(self)
        self._server.connections.discard(self)

    # -- called by the admission

    is_idle = True

    def look(self, now: float) -> None:
        """Does nothing: the handshake has a time limit."""

    def close_idle(self) -> None:
        """Ends the connection."""
        self._task.cancel()

    # -- called by the listener

    def drain(self) -> None:
        """Does nothing: the client will have a request, which is the last."""

    def shutdown(self) -> None:
        """Ends the connection."""
        self._task.cancel()
