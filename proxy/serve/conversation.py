"""The conversation with one client: how long it may take, and how the connection ends.

Its law: a refused client is disconnected. What the client sends is read in `protocol.py`; answers are written in
`answering.py`.
"""

from __future__ import annotations

import enum
import logging
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.errors import OriginError, RequestError
from proxy.http.client import peer_address
from proxy.http.incoming import refusal
from proxy.http.message import Request, Response, as_lines
from proxy.metrics import Metrics
from proxy.page.encode import AT_ONCE_BYTES
from proxy.serve.accesslog import AccessLog
from proxy.serve.admission import LOOK_SECONDS, Admission
from proxy.serve.answering import Answering
from proxy.serve.turn import ANSWERED
from proxy.settings import Settings
from proxy.upstream.dates import dated
from proxy.upstream.relay import OwedAnswer

log = logging.getLogger("tailorbird.protocol")

LINGER_SECONDS = 2.0
"""How long bytes of a refused client are read and dropped, so that it can read the reason. (To close with unread bytes
sends a RST, which may discard the answer.)"""


class Phase(enum.Enum):
    """What the client is expected to send next."""

    HEAD = enum.auto()
    BODY = enum.auto()
    IDLE = enum.auto()
    NOTHING = enum.auto()
    TUNNEL = enum.auto()


_BEGINS = (Phase.IDLE, Phase.HEAD)


class Conversation(Answering):
    """A connection with deadlines. `address` is the client's."""

    __slots__ = (
        "_admission", "_is_draining", "_is_since_old", "_most_waiting", "_phase", "_refill", "_since",
        "_unread", "_uploaded", "address",
    )  # fmt: skip

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        admission: Admission,
        accesslog: AccessLog | None = None,
        **uvicorn: Any,
    ) -> None:
        super().__init__(settings, metrics, accesslog, **uvicorn)
        self._admission = admission
        self._phase = Phase.HEAD
        self._unread = 0  # bytes since the parser last reported something
        self._uploaded = 0  # bytes of body since `since`
        self._most_waiting = settings.client_buffer_bytes // 2  # one more piece may be added
        self._refill = self._most_waiting // 4 * 3  # so many bytes the client must have read before more is added
        self._is_draining = False
        self.address = ""
        self.url = b""
        self._since = 0.0
        self._is_since_old = False  # an answer of the lane was written since it was last set

    # -- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.address = peer_address(self.client)
        self.since = self.loop.time()
        transport.set_write_buffer_limits(high=self._most_waiting, low=self._most_waiting - self._refill)
        if not self._admission.enter(self):
            self._refuse(RequestError("there are too many connections", status=503))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._admission.leave(self)
        self._cancel_answers()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        if self._relaying is not None:
            self._relaying.flow()
        else:
            self._backlog.replaced(self._refill)
        super().resume_writing()

    # -- called by the listener --------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Closes the connection after the next answer. An idle client may send one more request: it may be on its way
        already, and would be lost."""
        self._is_draining, self._is_idle_now = True, False
        if self._owed and not self._owed[-1].response_started:
            self._owed[-1].keep_alive = False

    # -- called by the answer ----------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """As uvicorn's, without its timer: idle connections are found by `look`."""
        self._end_turn(self._owed.popleft())
        if not self._owed:
            self.cycle = ANSWERED
        self.since = self.loop.time()
        if self.transport.is_closing():
            for turn in self._owed:  # they came behind the last request that this connection was for
                self._turns.forget(turn)
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self._phase is Phase.BODY and self.expect_100_continue:
            self.transport.close()  # the client may or may not send the body now: the next byte is ambiguous

    def failed(self, turn: OwedAnswer) -> None:
        if not self._owed or self._owed[0] is not turn:
            return
        self._metrics.count("tailorbird_requests_total", "result", "error")
        if turn.response_started:
            self.transport.close()
        else:
            self._phase = Phase.NOTHING
            self._write_refusal(RequestError("something went wrong", status=502))

    # -- asked before the lane ---------------------------------------------------------------------------------------

    def _is_ready(self) -> bool:
        """Whether a new request begins, with no answer owed or unsent. Remembered in `_is_idle_now`, as an answer in
        the lane does not change it; not over TLS, where bytes may wait in the encryption layer."""
        transport = self.transport
        is_ready = not (
            self._unread
            or self._owed
            or self._is_draining
            or self._phase not in _BEGINS
            or transport.get_write_buffer_size()
            or transport.is_closing()
        )
        self._is_idle_now = is_ready and self._descriptor >= 0
        return is_ready

    # -- called by the admission -------------------------------------------------------------------------------------

    @property
    def since(self) -> float:
        """When the current wait for the client began. After an answer in the lane the time is read only when it is
        asked for, so this may be later."""
        if self._is_since_old:
            self.since = self.loop.time()
        return self._since

    @since.setter
    def since(self, at: float) -> None:
        self._since, self._is_since_old = at, False

    @property
    def is_idle(self) -> bool:
        """No answer is owed."""
        return self._phase is not Phase.TUNNEL and not self._is_answering

    def close_idle(self) -> None:
        """Ends the idle connection; over TLS without waiting for the client to agree, which it may never do."""
        self._count("idle")
        self.transport.close() if self._descriptor >= 0 else self.transport.abort()

    def look(self, now: float) -> None:
        """Ends the connection if its client is too slow."""
        if self._phase is Phase.TUNNEL:
            if self.transport.is_closing():
                self._admission.leave(self)
        elif self._backlog.is_stuck(now, self.transport.get_write_buffer_size(), LOOK_SECONDS):
            self._count("slow")
            self._cancel_answers()
            self.transport.abort()
        elif self.flow.read_paused or (self._is_answering and self._phase is not Phase.BODY):
            self.since, self._uploaded = now, 0  # the client waits for us
        elif now + LOOK_SECONDS >= self.since + self._time_limit():
            self._on_late(now)

    def _time_limit(self) -> float:
        match self._phase:
            case Phase.HEAD:
                return self._settings.head_seconds
            case Phase.BODY:
                return self._settings.upload_seconds
            case Phase.IDLE:
                return self._settings.keep_alive_seconds
        return LINGER_SECONDS

    def _on_late(self, now: float) -> None:
        if self._phase is Phase.BODY and self._uploaded >= self._settings.upload_bytes:
            self.since, self._uploaded = now, 0
        elif self._phase is Phase.BODY or (self._phase is Phase.HEAD and self._unread):
            self._refuse(RequestError("the request took too long to come", status=408))
        elif self._phase is not Phase.IDLE or self._is_draining or not self._admission.is_proxy(self.address):
            # A proxy closes what it needs no more. Were it closed here, an order on its way would be lost: it is never
            # sent twice (RFC 9110 9.2.2), so its visitor would get a 502.
            self.transport.close()

    # -- ends --------------------------------------------------------------------------------------------------------

    def _refuse(self, error: RequestError) -> None:
        """Ends the connection because of what the client sent or did not send. The reason is written if no answer is
        under way."""
        if self.transport.is_closing():
            return
        was_body, self._phase, self._is_idle_now = self._phase is Phase.BODY, Phase.NOTHING, False
        self.since = self.loop.time()
        self._count(str(error.status))
        if not was_body and self._is_answering:
            self._close_after_answers()
        elif was_body and (len(self._owed) != 1 or self._owed[0].response_started):
            self.transport.close()
        else:
            self._write_refusal(error)

    def _close_after_answers(self) -> None:
        if self._is_answering:
            self._owed[-1].keep_alive = False
        else:
            self.transport.close()

    def _write_refusal(self, error: RequestError) -> None:
        self.transport.write(in_one_write(refusal(error)) or b"")
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        if self._owed:
            self._turns.answer_began(self._owed[0], error.status, ())
        else:
            path, _, query = self.url.partition(b"?")
            nobody = Request(b"", path, query, b"", tuple(self.headers or ()), client=self.address)
            self._turns.answered(nobody, error.status, ())
        self._cancel_answers()  # an application that reads the body must not take it for complete

    def _cancel_answers(self) -> None:
        """Tells whoever works on answers that nobody waits for them any more."""
        if self._relaying is not None:
            self._relaying.leave()
        while self._owed:
            cycle = self._owed.popleft()
            self._end_turn(cycle)
            cycle.disconnected = True
            cycle.message_event.set()

    def _count(self, why: str) -> None:
        self._metrics.count("tailorbird_clients_refused_total", "why", why)


def in_one_write(response: Response, *, is_kept: bool = True) -> bytes | None:
    """The whole answer as uvicorn would write it; None when it is too large for one write, or has an invalid field.
    `is_kept` is False when the connection ends with it."""
    try:
        lead = dated(response.lead or as_lines(response.headers))
    except OriginError:
        return None
    blank = b"\r\n" if is_kept else b"connection: close\r\n\r\n"
    data = b"".join((STATUS_LINE[response.status], lead, blank, *response.chunks))
    return data if len(data) <= AT_ONCE_BYTES else None


def reason_of(error: httptools.HttpParserError) -> RequestError:
    """The reason why the parser stopped: malformed bytes, or an error of one of our callbacks."""
    cause = error.__context__
    if isinstance(cause, RequestError):
        return cause
    return RequestError("this is not HTTP") if cause is None else failure_of(cause)


def failure_of(error: BaseException) -> RequestError:
    """The refusal that a client gets after a fault of ours, which is logged."""
    log.error("a request could not be read", exc_info=error)
    return RequestError("something went wrong", status=500)
