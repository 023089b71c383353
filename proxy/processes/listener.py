"""Uvicorn servers that share one process and one event loop: the public listener, the admin listener, the demo shop.

Uvicorn takes signals for itself, one server at a time; here whoever runs several decides when all of them stop, and
how. Stopping gently loses no request: who is being answered gets the whole answer, and a connection that is silent just
now is not closed in the face of a request that may be on its way, but may ask once more, and is told that it was the
last time.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import uvicorn

from proxy import garbage
from proxy.errors import OperatorError
from proxy.processes.keepalive import keep_alive
from proxy.processes.memory_limit import tune_malloc
from proxy.settings import DEFAULTS

log = logging.getLogger("tailorbird.listener")

LATE = "give them longer by TAILORBIRD_DRAIN_SECONDS"
_LOOK_SECONDS = 0.05
_CLOSE_SECONDS = 1.0
"""For what is still open after `drain_seconds`."""


class Certificate(NamedTuple):
    """The PEM files for TLS; `key` is "" when the certificate's file includes it."""

    path: str
    key: str = ""


HELPS: Mapping[int | None, str] = {
    errno.EADDRINUSE: "choose another port (`--port`, `--admin-port`), or stop what holds it",
    errno.EACCES: "choose a port from 1024 on, or let Tailorbird's user open lower ones",
}
"""What to do about an address that cannot be had."""


class Listener(uvicorn.Server):
    """One ASGI app on one address. The socket is bound at once, so that a port taken is told before anything starts,
    and `port` 0 has its number; one that is `bound` already is taken over. `protocol` is what speaks HTTP; the public
    listener has its own. With a certificate, `over_tls` makes a server of the socket, a TLS context, what makes
    protocols, and uvicorn's connections. `on_stop` is called when it stops accepting."""

    def __init__(
        self,
        name: str,
        app: Any,
        host: str = "",
        port: int = 0,
        *,
        bound: socket.socket | None = None,
        protocol: Any = "httptools",
        websockets: Any = "none",
        certificate: Certificate | None = None,
        over_tls: Callable[..., Any] | None = None,
        drain_seconds: float = 30,
        backlog: int = DEFAULTS.backlog,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._on_stop = on_stop
        self._over_tls = over_tls
        self.socket = bound or bind(name, host, port, backlog)
        self.host, self.port = self.socket.getsockname()[:2]
        self._drain_seconds = drain_seconds
        self._is_gentle = self._is_hurried = False
        self._told = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws=websockets,
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=15,
                backlog=backlog,
                ssl_certfile=certificate.path if certificate else None,
                ssl_keyfile=certificate.key or None if certificate else None,
            )
        )
        if certificate is not None:
            _load(self.config)

    @property
    def url(self) -> str:
        """Its address for a browser on this machine."""
        return url_of(self.socket, is_tls=self.config.is_ssl)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Does nothing: `run` handles signals."""
        yield

    async def listen(self) -> None:
        """Serves until `stop`, then drains."""
        await self.serve(sockets=[self.socket])

    def stop(self, *, gently: bool) -> None:
        """Stops accepting. Gently: each connection gets one last answer. Otherwise, also during a gentle stop, idle
        connections are closed."""
        self._is_gentle = gently
        self._is_hurried = not gently
        self.should_exit = True
        self._told.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn, to listen."""
        if self._over_tls is None or self.config.ssl is None:
            await super().startup(sockets)
            return

        def make() -> Any:
            protocol: Callable[..., Any] = self.config.http_protocol_class
            return protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

        self.servers = [self._over_tls(self.socket, self.config.ssl, make, self.server_state.connections)]
        self.started = True

    async def main_loop(self) -> None:
        """Waits for `stop`. Uvicorn's own loop polls ten times a second."""
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn once `should_exit` is set. Uvicorn's own takes a tenth of a second at least."""
        self._on_stop()
        for server in self.servers:
            server.close()
        if self._is_gentle:
            await self._close_connections(self._drain_seconds, gently=True)
        await self._close_connections(_CLOSE_SECONDS if self._is_gentle else max(1.0, self._drain_seconds))
        # Over TLS, one that is closed is there until its client agrees, which it may never do.
        if late := sum(not getattr(each, "is_idle", False) for each in self.server_state.connections):
            log.warning("connections of the %s that end before their answers do: %d (help: %s)", self.name, late, LATE)
        for task in self.server_state.tasks:
            task.cancel()
        for bound in sockets or ():
            bound.close()

    async def _close_connections(self, seconds: float, *, gently: bool = False) -> None:
        """Waits until all connections are closed, for so long at most. Gently: each gets its last answer first, unless
        `stop` is called again."""
        state, pause = self.server_state, _LOOK_SECONDS / 64
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while state.connections or (state.tasks and not gently):
                    if gently and self._is_hurried:
                        return
                    for connection in list(state.connections):  # some were accepted but a moment ago
                        (getattr(connection, "drain", connection.shutdown) if gently else connection.shutdown)()
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LOOK_SECONDS)


def _load(config: uvicorn.Config) -> None:
    """Also reads the certificate, so that an error shows before anything starts."""
    try:
        config.load()
    except OSError as error:
        raise OperatorError(
            f"the certificate `{config.ssl_certfile}` cannot be used: {_why_not(error)}",
            help="name PEM files in TAILORBIRD_TLS_CERTIFICATE and TAILORBIRD_TLS_KEY",
        ) from error


def _why_not(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):  # "[SSL] PEM lib (_ssl.c:3926)", whichever it is
        return "it is no certificate in PEM, or its key is missing or another's"
    return error.strerror or str(error)


MOST_UNSENT_BYTES = 128 * 1024
"""What the system keeps of an answer that a client does not take; else it is up to 3 MB for each."""


def bind(name: str, host: str, port: int, backlog: int = DEFAULTS.backlog) -> socket.socket:
    """A listening socket; `::` takes clients of IPv4, too. Raises `OperatorError` when the address is not available."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    takes_both = host == "::" and socket.has_dualstack_ipv6()
    try:
        bound = socket.create_server((host, port), family=family, backlog=backlog, dualstack_ipv6=takes_both)
    except OSError as error:
        why = (error.strerror or "").partition(" (while")[0]  # what comes then, says the same again
        raise OperatorError(
            f"cannot open `{host}:{port}` for the {name}: {why}",
            help=HELPS.get(
                error.errno,
                "name one of this machine by `--host` or `--admin-host`; 0.0.0.0 is all, :: is all with IPv6",
            ),
        ) from error
    return prepared(bound)


def prepared(bound: socket.socket) -> socket.socket:
    """The socket, set to send at once what is written, to keep little for slow clients, and to find out who is gone
    without a word: else a proxy's idle connection, or a stream of events, is kept for ever. Connections inherit all
    three."""
    # Without it a head and a body written apart wait 40 ms for each other (Nagle and delayed ACK), and asyncio sets it
    # only on sockets it made itself.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # what is on its way does not count, so nobody gets it later
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MOST_UNSENT_BYTES)
    keep_alive(bound)
    return bound


def url_of(bound: socket.socket, *, is_tls: bool) -> str:
    """The address of a listening socket, for a browser on this machine."""
    host, port = bound.getsockname()[:2]
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    return f"http{'s' if is_tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


async def run(
    listeners: Sequence[Listener], *, lame_duck_seconds: float = 0.0, on_notice: Callable[[], None] = lambda: None
) -> None:
    """Serves on all listeners until a signal ends them, together.

    SIGTERM, or SIGHUP: `on_notice` is called, for `lame_duck_seconds` all goes on as before (whoever balances load sees
    that we are about to go), then they stop gently. SIGUSR1: they stop gently at once; another process has taken over.
    SIGINT, or a second signal: what is idle is closed, what is under way still finishes.
    """
    garbage.freeze()
    tune_malloc()
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        loop.add_signal_handler(number, told.put_nowait, number)
    stopping = asyncio.create_task(_stop_when(told, listeners, lame_duck_seconds, on_notice))
    try:
        await asyncio.gather(*(listener.listen() for listener in listeners))
    finally:
        stopping.cancel()
        await asyncio.wait((stopping,))


async def _stop_when(
    told: asyncio.Queue[signal.Signals],
    listeners: Sequence[Listener],
    lame_duck_seconds: float,
    on_notice: Callable[[], None],
) -> None:
    first = await told.get()
    if first in (signal.SIGTERM, signal.SIGHUP):
        on_notice()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(lame_duck_seconds):
                first = await told.get()
    for listener in listeners:
        listener.stop(gently=first is not signal.SIGINT)
    await told.get()
    for listener in listeners:
        listener.stop(gently=False)
