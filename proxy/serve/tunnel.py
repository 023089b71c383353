"""WebSockets, passed through: a handshake rebuilt for the origin, then bytes both ways that nobody looks into.

Uvicorn hands an upgrade over by making one of these, giving it the request head and then the socket. Its law: no byte
of the visitor's goes to the origin before the origin has agreed to switch (CVE-2026-2833 class); what is not an
agreement is an ordinary answer and is passed on as one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from proxy.errors import OriginError, RequestError
from proxy.http.authority import valid_host
from proxy.http.client import Customers, Networks, client_of, networks, peer_address
from proxy.http.forwarding import named_by_connection, request_headers
from proxy.http.message import Request
from proxy.http.returning import response_headers
from proxy.httpcache.key import normalised
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.ports import UpstreamRequest, UpstreamResponse
from proxy.serve.accesslog import AccessLog
from proxy.serve.app import OWN_PREFIX
from proxy.serve.shared_fetch import tell_failure
from proxy.serve.turn_log import TurnLog
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from proxy.upstream.origins import Origins
from proxy.upstream.switch import Switch

log = logging.getLogger("tailorbird.tunnel")

_SWITCH = ((b"connection", b"Upgrade"), (b"upgrade", b"websocket"))


def tunnels(
    origins: Origins, settings: Settings, metrics: Metrics, accesslog: AccessLog | None = None
) -> Callable[..., Tunnel]:
    """What uvicorn's setting `ws` takes: makes a `Tunnel` for each upgrade. Handshakes are noted in `accesslog`."""
    trusted = networks(settings.trusted_proxies)
    return partial(Tunnel, origins, settings, metrics, accesslog, trusted, Customers(trusted))


class _End(asyncio.Protocol):
    """One end of a pipe: what comes in here goes out at the other end, no faster than that is taken."""

    def __init__(self, other: _End | None = None) -> None:
        self.transport: asyncio.Transport | None = None
        self.other = other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Tunnel(_End):
    """The visitor's end, and the handshake."""

    def __init__(
        self,
        origins: Origins,
        settings: Settings,
        metrics: Metrics,
        accesslog: AccessLog | None,
        trusted: Networks,
        customers: Customers,
        *,
        config: Any,
        server_state: ServerState,
        app_state: dict[str, Any],
    ) -> None:
        super().__init__()
        self._origins = origins
        self._settings = settings
        self._trusted = trusted
        self._metrics = metrics
        self._customers = customers
        self._turns = TurnLog(metrics, accesslog)
        self._begun = 0.0  # monotonic
        self._connections = cast(set[Any], server_state.connections)
        self._opening: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()

    def shutdown(self) -> None:
        """Uvicorn asks every connection to end."""
        if self.transport is not None:
            self.transport.close()

    # -- called by the event loop ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        if self._opening is None:
            self.transport.pause_reading()
            self._opening = asyncio.get_running_loop().create_task(self._open(data))
        elif self.other is None:
            self.transport.abort()  # a visitor that does not wait for the handshake
        else:
            super().data_received(data)

    def pause_writing(self) -> None:
        self._drained.clear()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._drained.set()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._opening is not None:
            self._opening.cancel()
        super().connection_lost(exc)

    # -- the handshake ---------------------------------------------------------------------------------------------

    async def _open(self, head: bytes) -> None:
        request: Request | None = None
        self._begun = time.monotonic()
        try:
            request = self._request(head)
            origin = self._origins.of(request.path)
            switch = await origin.switch(self._asked(request, origin))
            try:
                await self._answered(switch, request, origin)
            finally:
                await switch.aclose()
        except RequestError as error:
            self._refuse(error.status, request)
        except OriginError as error:
            tell_failure(self._metrics, request.path if request else b"", error)
            self._refuse(error.status, request)
        except Exception:  # whatever fault of ours it is, the visitor does not wait for ever
            log.exception("a handshake could not be passed on")
            self._metrics.count("tailorbird_requests_total", "result", "error")
            self._refuse(502, request)

    def _request(self, head: bytes) -> Request:
        """The handshake, parsed; uvicorn wrote it from fields that had been parsed before."""
        assert self.transport is not None
        lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        method, target, _ = lines[0].split(b" ")
        fields = [line.partition(b": ") for line in lines[1:]]
        headers = tuple((name.lower(), value) for name, _, value in fields)
        hosts = [value for name, value in headers if name == b"host"]
        keys = [value for name, value in headers if name == b"sec-websocket-key"]
        if method != b"GET" or not target.startswith(b"/") or len(hosts) != 1 or len(keys) != 1:
            raise RequestError("this is not a WebSocket handshake")
        path, _, query = target.partition(b"?")
        path = normalised(path)
        if path.startswith(OWN_PREFIX):
            raise RequestError("there is nothing here", status=404)
        peer = peer_address(self.transport.get_extra_info("peername"))
        scheme = "https" if self.transport.get_extra_info("sslcontext") else "http"
        _, scheme = client_of(peer, headers, self._trusted, scheme)
        host = valid_host(hosts[0], self._settings.allowed_hosts)
        return Request(method, path, query, host, headers, scheme, peer)

    def _asked(self, request: Request, origin: OriginTransport) -> UpstreamRequest:
        host = request.host if self._settings.keep_host else origin.address.authority
        headers = request_headers(request, host=host, trusted=self._trusted)
        customer = self._customers.of(request.client, request.headers)
        return UpstreamRequest(request.method, request.target, (*headers, *_SWITCH), customer=customer)

    async def _answered(self, switch: Switch, request: Request, origin: OriginTransport) -> None:
        answer = await switch.head()
        ours = request.scheme.encode() + b"://" + request.host
        headers = response_headers(answer.headers, address=origin.address, ours=ours)
        is_agreed = answer.status != 101 or _is_agreement(answer.headers, request)
        if is_agreed:
            self._turns.answered(request, answer.status, headers, time.monotonic() - self._begun)
        if answer.status != 101:
            await self._pass_on(answer, headers)
        elif not is_agreed:
            raise OriginError("the origin switched to something else than asked for", reason="malformed")
        else:
            self._join(switch, headers)

    def _join(self, switch: Switch, headers: Headers) -> None:
        assert self.transport is not None
        self.other = _End(self)
        self.other.transport, early = switch.hand_over(self.other)
        self.transport.write(_head(101, (*headers, *_SWITCH)) + early)
        self.transport.resume_reading()
        if self._drained.is_set():
            self.other.transport.resume_reading()

    async def _pass_on(self, answer: UpstreamResponse, headers: Headers) -> None:
        """The origin said no, or answered as to any request. A body that breaks off breaks our connection too."""
        assert self.transport is not None
        self.transport.write(_head(answer.status, (*headers, (b"connection", b"close"))))
        try:
            async for piece in answer.body:
                await self._drained.wait()
                self.transport.write(piece)
        except BaseException:
            self.transport.abort()
            raise
        self.transport.close()

    def _refuse(self, status: int, request: Request | None) -> None:
        assert self.transport is not None
        if not self.transport.is_closing():
            if request is not None:
                self._turns.answered(request, status, (), time.monotonic() - self._begun)
            self.transport.write(_head(status, ((b"content-length", b"0"), (b"connection", b"close"))))
            self.transport.close()


def _is_agreement(headers: Headers, request: Request) -> bool:
    """RFC 6455 4.1: the three fields that make a 101 the answer to this very handshake."""
    fields = dict(headers)
    key = (request.get(b"sec-websocket-key") or b"") + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest())
    return (
        fields.get(b"upgrade", b"").lower() == b"websocket"
        and b"upgrade" in named_by_connection(headers)
        and fields.get(b"sec-websocket-accept") == accept
    )


def _head(status: int, headers: Headers) -> bytes:
    return STATUS_LINE[status] + b"".join(b"%b: %b\r\n" % field for field in headers) + b"\r\n"
