"""The public listener as an ASGI application: scope in, `Request` to the gateway, `Response` out.

Written against raw ASGI, since everything that passes through here has to stream. Its laws: nothing is decided from a
URL that was decoded or rebuilt; an upload that breaks off is never passed on as if it were whole; an answer that
breaks off is never ended as if it were.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from proxy.errors import OriginError, RequestError
from proxy.http.incoming import refusal
from proxy.http.message import (
    NOT_STORED,
    Handler,
    OwnFields,
    Question,
    Request,
    Response,
    as_lines,
    in_words,
    of_lines,
)
from proxy.metrics import Metrics
from proxy.serve.api import handler_at
from proxy.serve.gateway import Gateway
from proxy.serve.long_polls import LongPolls
from proxy.serve.pass_through import Give
from proxy.serve.previewing import Previewing
from proxy.serve.quick_turn import Client, QuickTurn
from proxy.settings import Settings
from proxy.upstream.dates import dated
from proxy.upstream.exchange import Exchange
from proxy.upstream.pumped import Pumped
from proxy.upstream.relay import CLIENT_LEFT, Ready, Source
from proxy.visitors.preview import without_token

log = logging.getLogger("tailorbird.app")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Relaying = Callable[[Response, Source], Awaitable[BaseException | None]]

OWN_PREFIX = b"/_tb/"
CLOSE = (b"connection", b"close")
ANSWER = "tailorbird.answer"
"""Where in the scope the protocol puts an answer that it got `at_once` but that is too long to be written at once."""
PENDING = "tailorbird.pending"
"""Where in the scope the protocol puts an answer that went straight and turned out to be one to wait for."""
REQUEST = "tailorbird.request"
"""Where in the scope the protocol puts the request, judged."""
RELAY = "tailorbird.relay"
"""Where in the scope the protocol puts what sends an answer without ASGI, be it ready or still on its way; nothing once
the client has left."""
SAID = "tailorbird.said"
"""Where in the scope it finds the status and the head of the answer, and when it began (monotonic)."""


class ClientGone(Exception):
    """The client left before its request was whole, or its long poll was answered."""


class Upload:
    """A request's body as it comes. Raises `ClientGone` when it ends before its end, `RequestError` when it is larger
    than `most_bytes`, 0 for any size."""

    _read: asyncio.Event | None = None  # if anybody waits for its end

    def __init__(self, receive: Receive, has_body: bool, most_bytes: int) -> None:
        self._receive = receive
        self._left = most_bytes or math.inf
        self.is_read = not has_body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self.is_read:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            self.is_read = not message.get("more_body", False)
            if self.is_read and self._read is not None:
                self._read.set()
            if chunk := message.get("body", b""):
                self._left -= len(chunk)
                if self._left < 0:
                    raise RequestError("the body is too large", status=413)
                return bytes(chunk)
        raise StopAsyncIteration

    async def until_gone(self) -> None:
        """Returns when the client has left after it sent the whole body."""
        if not self.is_read:
            self._read = asyncio.Event()
            await self._read.wait()
        await _until_gone(self._receive)


class App:
    """`routes` are our own paths under `/_tb/`; one that ends in `/` answers for all below it. While `may_begin` says
    no, only what is answered at once is answered."""

    def __init__(
        self,
        gateway: Gateway,
        routes: Mapping[str, Handler],
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        previewing: Previewing | None = None,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self._gateway = gateway
        self._previewing = previewing
        self._routes = routes
        self._metrics = metrics
        self._most_upload_bytes = settings.max_upload_bytes
        self._clock = clock
        self._may_begin = may_begin
        self.long_polls = LongPolls()
        self._missed: Request | None = None  # the last that was the gateway's to answer at once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request = scope[REQUEST]
        upload = Upload(receive, request.body is not None, self._most_upload_bytes)
        try:
            response = scope.get(ANSWER) or await (scope.get(PENDING) or self._answer(request, upload))
        except RequestError as error:
            response = refusal(error)
        except ClientGone:
            return
        except Exception:  # whatever fault of ours it is, its client is told, and others are served on
            log.exception("a request could not be answered")
            self._metrics.count("tailorbird_requests_total", "result", "error")
            response = in_words(500, "something went wrong", *NOT_STORED, CLOSE)
        scope[SAID] = response.status, response.lead or response.headers, time.monotonic()
        if response.stream is None and response.get(b"connection") is not None:
            await _send_last(response, send)
            return
        stream = Ready(b"".join(response.chunks)) if response.stream is None else response.stream
        await _send(response, stream if isinstance(stream, Exchange | Ready) else Pumped(stream), scope.get(RELAY))

    async def _answer(self, request: Request, upload: Upload) -> Response:
        """Raises `RequestError` for what may not come in, and `ClientGone` also where nobody waits for the answer of a
        long poll any more."""
        if request.body is not None:
            request.body = upload
        if 0 < self._most_upload_bytes < (request.content_length or 0):
            raise RequestError("the body is too large", status=413)
        if not self._gateway.is_long_poll(request):
            return await self._answered(request)
        response = await self.long_polls.answer(self._answered(request), upload.until_gone())
        if response is None:
            raise ClientGone
        return response

    def at_once(self, request: Request) -> Response | None:
        """The answer, complete, when it needs nobody and nothing has to be waited for."""
        if request.path.startswith(OWN_PREFIX) or (self._previewing and self._previewing.concerns(request)):
            return None
        self._missed = request
        return self._gateway.hit(request, self._clock())

    def begins(self, request: Request, give: Give) -> bool:
        """True when a request with a known header set goes straight to the origin, as `PassThrough.begins`. To be asked
        when it was not answered `at_once`, right then: what is not the gateway's was seen there."""
        return request is self._missed and self._may_begin() and self._gateway.begins(request, self._clock(), give)

    def start_quick(self, question: Question, own: OwnFields, client: Client) -> QuickTurn | None:
        """The request as it goes to the origin, where others who asked the same went `begins`; None for all else."""
        if not self._may_begin() or (self._previewing and self._previewing.is_in(own.get(b"cookie", b""))):
            return None
        return self._gateway.start_quick(question, own, client)

    async def _answered(self, request: Request) -> Response:
        if not self._may_begin():
            self._metrics.count("tailorbird_shed_total", "what", "request")
            raise RequestError("there is no memory for another request", status=503)
        if self._previewing and self._previewing.concerns(request):
            answer = await self._previewing.answer(request, self._clock())
            if answer is not None:
                return answer
            request = without_token(request)
        if request.path.startswith(OWN_PREFIX):
            return await self._own(request)
        return await self._gateway.page(request, self._clock())

    async def _own(self, request: Request) -> Response:
        stylesheet = self._gateway.stylesheet(request)
        if stylesheet is not None:
            return stylesheet
        handler = handler_at(self._routes, request.path.decode("latin-1"))
        return await handler(request) if handler else in_words(404, "there is nothing here", *NOT_STORED)


# -- out


async def _send_last(response: Response, send: Send) -> None:
    """Sends a whole answer that ends the connection."""
    headers = of_lines(dated(as_lines(response.headers)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"".join(response.chunks)})


async def _send(response: Response, source: Exchange | Ready | Pumped, relay: Relaying | None) -> None:
    """Sends as fast as the client takes it, until the end or until the client leaves; it has left if there is no
    `relay`. When the origin breaks off, the answer is not ended, upon which the server closes the connection."""
    try:
        error = None if relay is None else await relay(response, source)
    finally:
        await source.aclose()
    if isinstance(error, OriginError) and error.reason != CLIENT_LEFT:
        log.warning("an answer broke off: %s", error)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing starts or stops with the server: `wiring` does both."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
