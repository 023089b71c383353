"""One client connection, as uvicorn's HTTP protocol class with what it lacks at the edge: limits, deadlines, a strict
reading of HTTP; and a fast lane, in which what is stored is answered between reading the request and returning to the
event loop, in one write, without a task and without ASGI.

Uvicorn and httptools parse and write; here it is decided what may come in (`incoming.py`), how long a client may let
us wait (`look`, called for all connections by `admission.py`), and how a connection ends. Laws: whoever is refused is
disconnected; nothing is written while an earlier answer is not complete; of bytes that follow something refused or
an upgrade, none is read; an answer is the same bytes in the lane and beside it.

What this takes from uvicorn beyond its documented interface is listed in `tests/serve/test_protocol.py`.
"""

from __future__ import annotations

import enum
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from proxy.errors import OriginError, RequestError
from proxy.metrics import Metrics
from proxy.serve.admission import LOOK_SECONDS, Admission
from proxy.serve.app import ANSWER, PIECE_BYTES
from proxy.serve.backlog import Backlog
from proxy.serve.habits import Habits
from proxy.serve.incoming import Incoming, origin_form, refusal, require_small
from proxy.serve.message import Request, Response, as_lines
from proxy.settings import Settings

log = logging.getLogger("tailorbird.protocol")

MAX_AHEAD = 32
"""Requests that may be sent ahead of an answer (pipelining)."""
REFILL_BYTES = PIECE_BYTES // 4 * 3
"""How much a client must have taken of what waits for it before more is added."""
LINGER_SECONDS = 2.0
"""How long what a refused client still sends is read and dropped, so that it gets to read why (else: RST)."""

_LATER: Any = object()
"""Stands for a body that the application will read."""


class Phase(enum.Enum):
    """What is expected of the client."""

    HEAD = enum.auto()
    BODY = enum.auto()
    IDLE = enum.auto()
    NOTHING = enum.auto()
    TUNNEL = enum.auto()


AtOnce = Callable[[Request], Response | None]


def protocols(at_once: AtOnce, settings: Settings, metrics: Metrics) -> Callable[..., ClientProtocol]:
    """What uvicorn's setting `http` takes: makes a `ClientProtocol` for each connection of one worker. `at_once` gives
    the answers of the fast lane; the application is asked for all others."""
    incoming, admission = Incoming(settings), Admission(settings)
    metrics.gauge("tailorbird_clients", lambda: len(admission))
    return partial(ClientProtocol, at_once, settings, metrics, incoming, Habits(incoming, settings), admission)


class ClientProtocol(HttpToolsProtocol):
    """`address` is the client's; `since` when the present wait for it began."""

    def __init__(
        self,
        at_once: AtOnce,
        settings: Settings,
        metrics: Metrics,
        incoming: Incoming,
        habits: Habits,
        admission: Admission,
        **uvicorn: Any,
    ) -> None:
        super().__init__(**uvicorn)
        self._at_once = at_once
        self._settings = settings
        self._metrics = metrics
        self._incoming = incoming
        self._habits = habits
        self._admission = admission
        self._small = min(settings.max_request_line_bytes, settings.max_field_bytes, settings.max_head_bytes)
        self.url = b""
        self._owed: deque[RequestResponseCycle] = deque()  # answers not complete yet, the one being given first
        self._phase = Phase.HEAD
        self._unread = 0  # bytes since the parser last made something of them
        self._fed = 0  # bytes of the present piece
        self._answered = 0  # requests of the present piece answered in the lane
        self._uploaded = 0  # bytes of body since `since`
        self._backlog = Backlog(settings)
        self._response: Response | None = None  # to the present request, found before it was read in the ordinary way
        self._is_last_call = False
        self.address = ""
        self.since = 0.0

    # -- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._reader = self._habits.of(self.address, self.scheme or "http")
        self.since = self.loop.time()
        transport.set_write_buffer_limits(high=PIECE_BYTES, low=PIECE_BYTES - REFILL_BYTES)
        if not self._admission.enter(self):
            self._refuse(RequestError("there are too many connections", status=503))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._admission.leave(self)
        self._disown()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._phase is Phase.NOTHING:
            return
        if self._is_clear and self._was_quick(data):
            return
        self._fed = len(data)
        self._unread += self._fed
        self._answered = 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgraded()
        except httptools.HttpParserError as error:
            self._refuse(_reason(error))
        else:
            if self._unread > self._settings.max_head_bytes:
                is_line = len(self.url) > self._settings.max_request_line_bytes
                self._refuse(RequestError("the request is too long", status=414 if is_line else 431))

    def resume_writing(self) -> None:
        self._backlog.replaced(REFILL_BYTES)
        super().resume_writing()

    # -- called by the parser ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = Phase.HEAD
        self.since = self.loop.time()

    def on_headers_complete(self) -> None:
        if max(self._fed, self._unread) > self._small or len(self.headers) > self._settings.max_fields:
            require_small(self.url, self.headers, self._settings)
        version = self.parser.get_http_version()
        request = self._incoming.request(
            self.parser.get_method(),
            self.url,
            version,
            self.headers,
            peer=self.address,
            scheme=self.scheme or "http",
            body=_LATER,
        )
        self._unread = 0
        if not (self._is_open_lane(request) and self._has_answered(request, version)):
            self._ask_application(request)

    def _ask_application(self, request: Request) -> None:
        self.url = origin_form(self.url, request.host)
        # Not `self.headers`, to which the parser adds what comes after a chunked body: fields that nobody judged.
        self.scope["headers"] = list(request.headers)
        if self.parser.should_upgrade() and self._should_upgrade():
            if request.body is not None or request.method != b"GET" or self._is_answering:
                raise RequestError("an upgrade comes alone")
            super().on_headers_complete()
            return
        if len(self._owed) > MAX_AHEAD:
            raise RequestError("too many requests were sent ahead", status=503)
        super().on_headers_complete()
        self._owed.append(self.cycle)
        if self._is_last_call:
            self.cycle.keep_alive = False
        self._phase = Phase.BODY
        self._uploaded = 0

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        self._uploaded += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread = 0
        self._phase = Phase.IDLE
        self.since = self.loop.time()
        if self._is_answering:
            super().on_message_complete()

    def _upgraded(self) -> None:
        """The parser takes what follows for another protocol. That is WebSocket, or nothing we speak (h2c)."""
        if self._should_upgrade():
            self._phase = Phase.TUNNEL
            self.handle_websocket_upgrade()
        else:
            self._phase = Phase.NOTHING
            self._close_after_answers()

    # -- the fast lane -----------------------------------------------------------------------------------------------

    def _is_open_lane(self, request: Request) -> bool:
        """Nothing else is being said or waits to be taken, and it is nobody's turn after so many in one piece."""
        return (
            request.body is None
            and not self._is_answering
            and not self.transport.get_write_buffer_size()
            and self._answered < MAX_AHEAD
            and not self.parser.should_upgrade()
        )

    def _has_answered(self, request: Request, version: str) -> bool:
        if self.transport.is_closing():
            raise RequestError("this was the last answer on this connection")
        response, self._response = self._response or self._at_once(request), None
        if response is None:
            return False
        is_kept = version == "1.1" and self.parser.should_keep_alive() and not self._is_last_call
        if not self._has_written(response, is_kept=is_kept):
            self.scope[ANSWER] = response  # type: ignore[literal-required]
            return False
        self._answered += 1
        if not is_kept:
            self.transport.close()
        return True

    def _has_written(self, response: Response, *, is_kept: bool) -> bool:
        data = in_one_write(response, is_kept=is_kept)
        if data is None:
            return False
        self.transport.write(data)
        self.server_state.total_requests += 1
        return True

    @property
    def _is_clear(self) -> bool:
        """A request is to begin, and nothing else is being said or waits to be taken."""
        return (
            not self._unread
            and not self._owed
            and not self._is_last_call
            and (self._phase is Phase.IDLE or self._phase is Phase.HEAD)
            and not self.transport.get_write_buffer_size()
            and not self.transport.is_closing()
        )

    def _was_quick(self, data: bytes) -> bool:
        """Answers a request that is known by its habits. What it finds but cannot write at once is kept for when the
        request has been read in the ordinary way."""
        request = self._reader.read(data)
        if request is None:
            return False
        self._response = self._at_once(request)
        if self._response is None or not self._has_written(self._response, is_kept=True):
            return False
        self._response = None
        self.since = self.loop.time()
        return True

    # -- called by the listener --------------------------------------------------------------------------------------

    def last_call(self) -> None:
        """The next answer to begin is the last one here. A client that is silent just now may ask once more: its
        request may be on its way, and nobody could tell it that it was not read."""
        self._is_last_call = True
        if self._owed and not self._owed[-1].response_started:
            self._owed[-1].keep_alive = False

    # -- called by the answer ----------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        self._owed.popleft()
        super().on_response_complete()
        self._unset_keepalive_if_required()  # `look` sees to that
        self.since = self.loop.time()
        if self._phase is Phase.BODY and self.expect_100_continue:
            self.transport.close()  # the client may leave its body out now, or not: the next byte could be either

    @property
    def _is_answering(self) -> bool:
        return bool(self._owed)

    # -- called by the admission -------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """No answer is owed."""
        return self._phase is not Phase.TUNNEL and not self._is_answering

    def give_way(self) -> None:
        """Ends the idle connection."""
        self._count("idle")
        self.transport.close()

    def look(self, now: float) -> None:
        """Ends the connection if its client has let us wait too long."""
        if self._phase is Phase.TUNNEL:
            if self.transport.is_closing():
                self._admission.leave(self)
        elif self._backlog.is_stuck(now, self.transport.get_write_buffer_size(), LOOK_SECONDS):
            self._count("slow")
            self._disown()
            self.transport.abort()
        elif self.flow.read_paused or (self._is_answering and self._phase is not Phase.BODY):
            self.since, self._uploaded = now, 0  # it is we who let the client wait
        elif now + LOOK_SECONDS >= self.since + self._patience():
            self._late(now)

    def _patience(self) -> float:
        match self._phase:
            case Phase.HEAD:
                return self._settings.head_seconds
            case Phase.BODY:
                return self._settings.upload_seconds
            case Phase.IDLE:
                return self._settings.keep_alive_seconds
        return LINGER_SECONDS

    def _late(self, now: float) -> None:
        if self._phase is Phase.BODY and self._uploaded >= self._settings.upload_bytes:
            self.since, self._uploaded = now, 0
        elif self._phase is Phase.BODY or (self._phase is Phase.HEAD and self._unread):
            self._refuse(RequestError("the request took too long to come", status=408))
        else:
            self.transport.close()

    # -- ends --------------------------------------------------------------------------------------------------------

    def _refuse(self, error: RequestError) -> None:
        """Ends the connection over what the client sent or did not send; it is told why when nothing else is being
        said."""
        if self.transport.is_closing():
            return
        was_body, self._phase = self._phase is Phase.BODY, Phase.NOTHING
        self.since = self.loop.time()
        self._count(str(error.status))
        if not was_body and self._is_answering:
            self._close_after_answers()
        elif was_body and (len(self._owed) != 1 or self._owed[0].response_started):
            self.transport.close()
        else:
            self._tell(error)

    def _close_after_answers(self) -> None:
        if self._is_answering:
            self._owed[-1].keep_alive = False
        else:
            self.transport.close()

    def _tell(self, error: RequestError) -> None:
        self._disown()  # whoever waits for the rest of a body must not take what came for all of it
        self.transport.write(in_one_write(refusal(error)) or b"")
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _disown(self) -> None:
        """Tells those who work on answers that nobody waits for them any more."""
        while self._owed:
            cycle = self._owed.popleft()
            cycle.disconnected = True
            cycle.message_event.set()

    def _count(self, why: str) -> None:
        self._metrics.count("tailorbird_clients_refused_total", "why", why)


def _reason(error: httptools.HttpParserError) -> RequestError:
    """Why the parser stopped: it could not read on, or one of our callbacks said no."""
    cause = error.__context__
    if isinstance(cause, RequestError):
        return cause
    if cause is not None:
        log.error("a request could not be read", exc_info=cause)
        return RequestError("something went wrong", status=500)
    return RequestError("this is not HTTP")


def in_one_write(response: Response, *, is_kept: bool = True) -> bytes | None:
    """The whole answer as uvicorn would write it; None when that takes more than one write, or has a field that
    must not go out. `is_kept` is False when the connection ends with it."""
    try:
        lead = response.lead or as_lines(response.headers)
    except OriginError:
        return None
    blank = b"\r\n" if is_kept else b"connection: close\r\n\r\n"
    data = b"".join((STATUS_LINE[response.status], lead, blank, *response.chunks))
    return data if len(data) <= 2 * PIECE_BYTES else None
