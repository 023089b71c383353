"""What is expected of one client: how long it may let us wait, and how the connection ends.

Its law: whoever is refused is disconnected. What comes from the client is read in `protocol.py`; the answers that are
owed to it are in `answering.py`.
"""

from __future__ import annotations

import enum
import logging
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.errors import OriginError, RequestError
from proxy.http.incoming import refusal
from proxy.http.message import Request, Response, as_lines
from proxy.metrics import Metrics
from proxy.page.encode import AT_ONCE_BYTES
from proxy.serve.accesslog import AccessLog
from proxy.serve.admission import LOOK_SECONDS, Admission
from proxy.serve.answering import Answering
from proxy.settings import Settings
from proxy.upstream.relay import OwedAnswer

log = logging.getLogger("tailorbird.protocol")

LINGER_SECONDS = 2.0
"""How long what a refused client still sends is read and dropped, so that it gets to read why (else: RST)."""


class Phase(enum.Enum):
    """What is expected of the client."""

    HEAD = enum.auto()
    BODY = enum.auto()
    IDLE = enum.auto()
    NOTHING = enum.auto()
    TUNNEL = enum.auto()


_BEGINS = (Phase.IDLE, Phase.HEAD)


class Conversation(Answering):
    """`address` is the client's."""

    __slots__ = (
        "_admission", "_is_last_call", "_metrics", "_most_waiting", "_phase", "_refill", "_since", "_unread",
        "_uploaded", "_was_heard", "address",
    )  # fmt: skip

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        admission: Admission,
        accesslog: AccessLog | None = None,
        **uvicorn: Any,
    ) -> None:
        super().__init__(settings, accesslog, **uvicorn)
        self._metrics = metrics
        self._admission = admission
        self._phase = Phase.HEAD
        self._unread = 0  # bytes since the parser last made something of them
        self._uploaded = 0  # bytes of body since `since`
        self._most_waiting = settings.client_buffer_bytes // 2  # a piece may come on top
        self._refill = self._most_waiting // 4 * 3  # what of it a client must have taken before more is added
        self._is_last_call = False
        self.address = ""
        self.url = b""
        self._since = 0.0
        self._was_heard = False  # since somebody last asked for `since`

    # -- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.since = self.loop.time()
        transport.set_write_buffer_limits(high=self._most_waiting, low=self._most_waiting - self._refill)
        if not self._admission.enter(self):
            self._refuse(RequestError("there are too many connections", status=503))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._admission.leave(self)
        self._disown()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        if self._relaying is not None:
            self._relaying.flow()
        else:
            self._backlog.replaced(self._refill)
        super().resume_writing()

    # -- called by the listener --------------------------------------------------------------------------------------

    def last_call(self) -> None:
        """The next answer to begin is the last one here. A client that is silent just now may ask once more: its
        request may be on its way, and nobody could tell it that it was not read."""
        self._is_last_call, self._is_quiet = True, False
        if self._owed and not self._owed[-1].response_started:
            self._owed[-1].keep_alive = False

    # -- called by the answer ----------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """As uvicorn's, but for its timer: how long a client may be silent is for `look` to see."""
        self._let_go(self._owed.popleft())
        self.since = self.loop.time()
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self._phase is Phase.BODY and self.expect_100_continue:
            self.transport.close()  # the client may leave its body out now, or not: the next byte could be either

    def failed(self, turn: OwedAnswer) -> None:
        if not self._owed or self._owed[0] is not turn:
            return
        self._metrics.count("tailorbird_requests_total", "result", "error")
        if turn.response_started:
            self.transport.close()
        else:
            self._phase = Phase.NOTHING
            self._tell(RequestError("something went wrong", status=502))

    # -- asked before the lane ---------------------------------------------------------------------------------------

    def _is_ready(self) -> bool:
        """A request is to begin, and nothing else is being said or waits to be taken. After an answer in the lane it is
        as before: it stays so until something else happens, where none but the system is between us and the client."""
        transport = self.transport
        is_ready = not (
            self._unread
            or self._owed
            or self._is_last_call
            or self._phase not in _BEGINS
            or transport.get_write_buffer_size()
            or transport.is_closing()
        )
        self._is_quiet = is_ready and self._descriptor >= 0
        return is_ready

    # -- called by the admission -------------------------------------------------------------------------------------

    @property
    def since(self) -> float:
        """When the present wait for the client began, or later: after an answer in the lane nobody looks at the time
        until somebody asks."""
        if self._was_heard:
            self.since = self.loop.time()
        return self._since

    @since.setter
    def since(self, at: float) -> None:
        self._since, self._was_heard = at, False

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
        was_body, self._phase, self._is_quiet = self._phase is Phase.BODY, Phase.NOTHING, False
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
        self.transport.write(in_one_write(refusal(error)) or b"")
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        if self._turns is not None and self._owed:
            self._turns.said(self._owed[0], error.status, ())
        elif self._turns is not None:
            path, _, query = self.url.partition(b"?")
            nobody = Request(b"", path, query, b"", tuple(self.headers or ()), client=self.address)
            self._turns.at_once(nobody, error.status, ())
        self._disown()  # whoever waits for the rest of a body must not take what came for all of it

    def _disown(self) -> None:
        """Tells those who work on answers that nobody waits for them any more."""
        if self._relaying is not None:
            self._relaying.leave()
        while self._owed:
            cycle = self._owed.popleft()
            self._let_go(cycle)
            cycle.disconnected = True
            cycle.message_event.set()

    def _count(self, why: str) -> None:
        self._metrics.count("tailorbird_clients_refused_total", "why", why)


def in_one_write(response: Response, *, is_kept: bool = True) -> bytes | None:
    """The whole answer as uvicorn would write it; None when that takes more than one write, or has a field that
    must not go out. `is_kept` is False when the connection ends with it."""
    try:
        lead = response.lead or as_lines(response.headers)
    except OriginError:
        return None
    blank = b"\r\n" if is_kept else b"connection: close\r\n\r\n"
    data = b"".join((STATUS_LINE[response.status], lead, blank, *response.chunks))
    return data if len(data) <= AT_ONCE_BYTES else None


def reason_of(error: httptools.HttpParserError) -> RequestError:
    """Why the parser stopped: it could not read on, or one of our callbacks said no."""
    cause = error.__context__
    if isinstance(cause, RequestError):
        return cause
    return RequestError("this is not HTTP") if cause is None else failure_of(cause)


def failure_of(error: BaseException) -> RequestError:
    """What a client is told of a fault of ours."""
    log.error("a request could not be read", exc_info=error)
    return RequestError("something went wrong", status=500)
