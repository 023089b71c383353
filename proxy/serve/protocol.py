"""One client connection, as uvicorn's HTTP protocol class with what it lacks at the edge: limits, deadlines, a strict
reading of HTTP; and a fast lane, in which what is stored is answered between reading the request and returning to the
event loop, in one write, without a task and without ASGI.

Uvicorn and httptools parse and write; here it is decided what may come in (`incoming.py`) and who answers it; how
long a client may let us wait and how a connection ends is `conversation.py`'s. Laws: of bytes that follow something
refused or an upgrade, none is read; an answer is the same bytes in the lane and beside it.

What this takes from uvicorn beyond its documented interface is listed in `tests/serve/test_protocol.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import httptools

from proxy.errors import RequestError
from proxy.http.incoming import Incoming, origin_form, require_small
from proxy.http.message import Own, Question, Request, Response
from proxy.metrics import Metrics
from proxy.serve.accesslog import HEAD_BYTES, AccessLog
from proxy.serve.admission import Admission
from proxy.serve.answering import Turn
from proxy.serve.app import ANSWER
from proxy.serve.conversation import Conversation, Phase, failure_of, in_one_write, reason_of
from proxy.serve.header_sets import HeaderSets
from proxy.serve.logline import Asked
from proxy.serve.passage import Client, Passage
from proxy.serve.straight import Give
from proxy.settings import Settings
from proxy.upstream.relay import Owed

MAX_AHEAD = 32
"""Requests that may be sent ahead of an answer (pipelining)."""

_LATER: Any = object()
"""Stands for a body that the application will read."""

AtOnce = Callable[[Request], Response | None]
Begins = Callable[[Request, Give], bool]
Again = Callable[[Question, Own, str], bytes | Response | None]
"""Gives the answer as it is written, and has noted it; or what is still to be written; or None."""
Passes = Callable[[Question, Own, Client], Passage | None]


def _never(question: Question, own: Own, client: Any) -> None:
    """Knows no question."""


def protocols(
    at_once: AtOnce,
    begins: Begins,
    settings: Settings,
    metrics: Metrics,
    again: Again = _never,
    passes: Passes = _never,
    accesslog: AccessLog | None = None,
) -> Callable[..., ClientProtocol]:
    """What uvicorn's setting `http` takes: makes a `ClientProtocol` for each connection of one worker. `again` and
    `at_once` give the answers of the fast lane, `passes` and `begins` take what goes straight; the application is asked
    for all others. What was answered is noted in `accesslog`."""
    incoming, admission = Incoming(settings), Admission(settings)
    metrics.gauge("tailorbird_clients", lambda: len(admission))
    rest = settings, metrics, incoming, HeaderSets(incoming, settings), admission
    return partial(ClientProtocol, at_once, begins, again, passes, *rest, accesslog=accesslog)


class ClientProtocol(Conversation):
    """Reads what the client sends, answers what is stored, and asks the application for all else."""

    __slots__ = (
        "_again", "_answered", "_at_once", "_begins", "_begun_in", "_fed", "_header_sets", "_incoming", "_passes",
        "_read", "_small", )  # fmt: skip

    def __init__(
        self,
        at_once: AtOnce,
        begins: Begins,
        again: Again,
        passes: Passes,
        settings: Settings,
        metrics: Metrics,
        incoming: Incoming,
        header_sets: HeaderSets,
        admission: Admission,
        **uvicorn: Any,
    ) -> None:
        super().__init__(settings, metrics, admission, **uvicorn)
        self._at_once = at_once
        self._begins = begins
        self._again = again
        self._passes = passes
        self._incoming = incoming
        self._header_sets = header_sets
        self._small = min(settings.max_request_line_bytes, settings.max_field_bytes, settings.max_head_bytes)
        self._fed = 0  # bytes of the present piece
        self._begun_in = 0  # bytes of the piece in which the present request began
        self._answered = 0  # requests of the present piece answered in the lane

    # -- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._read = self._header_sets.of(self.address, self.scheme or "http").read

    def data_received(self, data: bytes) -> None:
        try:
            if self._is_quiet or self._is_ready():
                read, again = self._read, self._again  # what is called as it is looked up is taken for a method
                known = read(data)
                if known is not None:
                    question, own = known
                    answer = again(question, own, self.address)
                    if isinstance(answer, bytes):
                        self._put(answer)
                        self._was_heard = True
                    else:
                        self._is_quiet = False
                        self._ask(question, own, answer)
                        self.since = self.loop.time()
                    return
        except Exception as error:  # whatever fault of ours it is, its client is told, as by way of the parser
            self._refuse(failure_of(error))
            return
        self._is_quiet = False
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        if self._phase is Phase.NOTHING:
            return
        self._fed = len(data)
        self._unread += self._fed
        self._answered = 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgraded()
        except httptools.HttpParserError as error:
            self._refuse(reason_of(error))
        else:
            if self._unread > self._settings.max_head_bytes:
                is_line = len(self.url) > self._settings.max_request_line_bytes
                self._refuse(RequestError("the request is too long", status=414 if is_line else 431))

    # -- called by the parser ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = Phase.HEAD
        # What has begun behind another request in one piece is half read: what comes next is no request of its own.
        self._unread = self._unread or 1
        self._begun_in = self._fed
        self.since = self.loop.time()

    def on_headers_complete(self) -> None:
        if max(self._fed, self._unread, self._begun_in) > self._small or len(self.headers) > self._settings.max_fields:
            require_small(self.url, self.headers, self._settings)
        version = self.parser.get_http_version()
        request = self._judged(version)
        self._unread = 0
        if not (self._is_open_lane(request) and self._has_answered(request, version)):
            self._ask_application(request)

    def _judged(self, version: str) -> Request:
        return self._incoming.request(
            self.parser.get_method(),
            self.url,
            version,
            self.headers,
            peer=self.address,
            scheme=self.scheme or "http",
            body=_LATER,
        )

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
        self._inform(self.cycle, request)
        if self._turns:
            self._turns.asked(self.cycle, request)
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
        response = self._at_once(request)
        if response is None:
            return False
        is_kept = version == "1.1" and self.parser.should_keep_alive() and not self._is_last_call
        if not self._has_written(response, request, is_kept=is_kept):
            self.scope[ANSWER] = response  # type: ignore[literal-required]
            return False
        self._answered += 1
        if not is_kept:
            self.transport.close()
        return True

    def _has_written(self, response: Response, request: Request, *, is_kept: bool) -> bool:
        data = in_one_write(response, is_kept=is_kept)
        if data is None:
            return False
        self._put(data)
        if self._turns is not None:
            self._turns.at_once(request, response.status, data[:HEAD_BYTES])
        return True

    def _ask(self, question: Question, own: Own, known: Response | None) -> None:
        """Has a request answered that is known by its header sets, and whose answer is `known`, or is not: it need not
        be read again."""
        if known is None and (passage := self._passes(question, own, self)) is not None:
            self._is_owed(passage, (question, own, self.address))
        else:
            self._look_up(question.request(own, self.address), known)

    def _look_up(self, request: Request, known: Response | None) -> None:
        response = known or self._at_once(request)
        if response is None:
            self._ask_straight(request)
        elif not self._has_written(response, request, is_kept=True):
            self._phase = Phase.IDLE
            self._start(request, ANSWER, response)

    def _ask_straight(self, request: Request) -> None:
        """Without a task if that can be; else in the ordinary way, as if its parser had seen it."""
        self._phase = Phase.IDLE
        self.may_hint(request)
        turn = Turn()
        if self._begins(request, partial(self.went_straight, turn)):
            self._is_owed(turn, request)
        else:
            self._start(request)

    def _is_owed(self, turn: Owed, asked: Asked) -> None:
        self._phase = Phase.IDLE
        if self._turns is not None:
            self._turns.asked(turn, asked)
        self.cycle: Any = turn
        self._owed.append(turn)
