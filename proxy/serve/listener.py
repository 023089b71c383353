"""Uvicorn servers that share one process and one event loop: the public listener, the admin listener, the demo shop.

Uvicorn takes signals for itself, one server at a time; here whoever runs several decides when all of them stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn

from proxy.errors import OperatorError


class Listener(uvicorn.Server):
    """One ASGI app on one address. The socket is bound at once, so that a port taken is told before anything starts,
    and `port` 0 has its number. `protocol` is what speaks HTTP; the public listener has its own."""

    def __init__(
        self,
        name: str,
        app: Any,
        host: str,
        port: int,
        *,
        protocol: Any = "httptools",
        websockets: Any = "none",
        drain_seconds: int = 30,
    ) -> None:
        self.name = name
        self.socket = _bound(name, host, port)
        self.host, self.port = self.socket.getsockname()[:2]
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
                timeout_graceful_shutdown=drain_seconds,
                backlog=1024,
            )
        )

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals alone: `run` has them."""
        yield

    async def listen(self) -> None:
        """Serves until `should_exit` is set, then drains."""
        await self.serve(sockets=[self.socket])


def _bound(name: str, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise OperatorError(
            f"cannot open `{host}:{port}` for the {name}: {error.strerror}",
            help="choose another port, or stop what holds it",
        ) from error
    # Connections inherit it. Without it a head and a body written apart wait 40 ms for each other (Nagle and delayed
    # ACK), and asyncio sets it only on sockets it made itself.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


async def run(listeners: Sequence[Listener]) -> None:
    """Serves on all listeners until SIGINT or SIGTERM, then drains them together."""

    def stop() -> None:
        for listener in listeners:
            listener.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await asyncio.gather(*(listener.listen() for listener in listeners))
