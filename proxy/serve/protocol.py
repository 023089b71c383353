"""One client connection: uvicorn's HTTP protocol class, with what it lacks at the edge (limits, deadlines, strict
reading), and with a fast lane: what is in memory is answered while the request is read, in one write, without a task
and without ASGI.

Uvicorn and httptools parse and write. This module decides which requests may come in (`http/incoming.py`) and who
answers them; how long a client may take and how a connection ends is in `conversation.py`. Laws: no byte is read that
follows a refused request or an upgrade; an answer is the same bytes in the lane and beside it.

What this takes from uvicorn beyond its documented interface is listed in `tests/serve/test_protocol.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import httptools

from proxy.errors import RequestError
from proxy.http.incoming import Incoming, origin_form, require_small
from proxy.http.message import OwnFields, Question, Request, Response
from proxy.metrics import Metrics
from proxy.serve.accesslog import HEAD_BYTES, AccessLog
from proxy.serve.admission import Admission
from proxy.serve.app import ANSWER
from proxy.serve.conversation import Conversation, Phase, failure_of, in_one_write, reason_of
from proxy.serve.header_sets import HeaderSets
from proxy.serve.logline import LoggedRequest
from proxy.serve.pass_through import Give
from proxy.serve.quick_turn import Client, QuickTurn
from proxy.serve.turn import Turn
from proxy.settings import Settings
from proxy.upstream.relay import OwedAnswer

MAX_AHEAD = 32
"""Requests that a client may send before their answers (pipelining)."""

_LATER: Any = object()
"""Stands for a request body that the application will read."""

AtOnce = Callable[[Request], Response | None]
Begins = Callable[[Request, Give], bool]
RepeatHit = Callable[[Question, OwnFields, str], bytes | Response | None]
"""Returns the answer as bytes, counted and logged; or as a `Response` still to be written; or None."""
StartQuick = Callable[[Question, OwnFields, Client], QuickTurn | None]


def _never(question: Question, own: OwnFields, client: Any) -> None:
    """Answers no question."""


def protocols(
    at_once: AtOnce,
    begins: Begins,
    settings: Settings,
    metrics: Metrics,
    repeat_hit: RepeatHit = _never,
    start_quick: StartQuick = _never,
    accesslog: AccessLog | None = None,
    admission: Admission | None = None,
) -> Callable[..., ClientProtocol]:
    """A factory for uvicorn's setting `http`: makes a `ClientProtocol` for each connection of one worker. `repeat_hit`
    and `at_once` answer from memory; `start_quick` and `begins` start a request to the origin without a task; the ASGI
    application answers all others. Answers are logged in `accesslog`."""
    incoming, admission = Incoming(settings), admission or Admission(settings)
    metrics.gauge("tailorbird_clients", lambda: len(admission))
    rest = settings, metrics, incoming, HeaderSets(incoming, settings), admission
    return partial(ClientProtocol, at_once, begins, repeat_hit, start_quick, *rest, accesslog=accesslog)


class ClientProtocol(Conversation):
    """Reads what the client sends, answers what is in memory, and has the ASGI application answer all else."""

    __slots__ = (
        "_answered",
        "_at_once",
        "_begins",
        "_begun_in",
        "_fed",
        "_from_memory",
        "_header_sets",
        "_incoming",
        "_read",
        "_repeat_hit",
        "_small",
        "_start_quick", )  # fmt: skip

    def __init__(
        self,
        at_once: AtOnce,
        begins: Begins,
        repeat_hit: RepeatHit,
        start_quick: StartQuick,
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
        self._repeat_hit = repeat_hit
        self._start_quick = start_quick
        self._incoming = incoming
        self._header_sets = header_sets
        self._from_memory = metrics.from_memory
        self._small = min(settings.max_request_line_bytes, settings.max_field_bytes, settings.max_head_bytes)
        self._fed = 0  # bytes of the current read
        self._begun_in = 0  # bytes of the read in which the current request began
        self._answered = 0  # requests of the current read answered in the lane

    # -- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._read = self._header_sets.of(self.address, self.scheme or "http").read

    def data_received(self, data: bytes) -> None:
        try:
            if self._is_idle_now or self._is_ready():
                read, repeat_hit = self._read, self._repeat_hit  # locals are called faster than attributes
                known = read(data)
                if known is not None:
                    question, own = known
                    answer = repeat_hit(question, own, self.address)
                    if isinstance(answer, bytes):
                        self._write_now(answer)
                        self._from_memory.count += 1
                        self._is_since_old = True
                    else:
                        self._is_idle_now = False
                        self._answer_question(question, own, answer)
                        self.since = self.loop.time()
                    return
        except Exception as error:  # a fault of ours: answered as one in a parser callback is
            self._refuse(failure_of(error))
            return
        self._is_idle_now = False
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
        # A request that begins behind another in one read is half read: the next bytes do not begin a request.
        self._unread = self._unread or 1
        self._begun_in = self._fed
        self.since = self.loop.time()

    def on_headers_complete(self) -> None:
        if max(self._fed, self._unread, self._begun_in) > self._small or len(self.headers) > self._settings.max_fields:
            require_small(self.url, self.headers, self._settings)
        version = self.parser.get_http_version()
        self.expect_100_continue = self.expect_100_continue and version == "1.1"  # RFC 9110 10.1.1
        request = self._checked_request(version)
        self._unread = 0
        if not (self._may_use_lane(request) and self._try_answer(request, version)):
            self._ask_application(request)

    def _checked_request(self, version: str) -> Request:
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
        # Not `self.headers`: the parser appends the trailer fields of a chunked body to it, which are not checked.
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
        self._fill_scope(self.cycle, request)
        self._turns.asked(self.cycle, request)
        if self._is_draining:
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
        """The parser stopped: what follows is another protocol. That is WebSocket, or one that we do not speak
        (h2c)."""
        if self._should_upgrade():
            self._phase = Phase.TUNNEL
            self.handle_websocket_upgrade()
        else:
            self._phase = Phase.NOTHING
            self._close_after_answers()

    # -- the fast lane -----------------------------------------------------------------------------------------------

    def _may_use_lane(self, request: Request) -> bool:
        """Whether the lane may answer: no earlier answer is under way or unsent, and the lane did not answer too many
        requests of this read in a row (other connections wait)."""
        return (
            request.body is None
            and not self._is_answering
            and not self.transport.get_write_buffer_size()
            and self._answered < MAX_AHEAD
            and not self.parser.should_upgrade()
        )

    def _try_answer(self, request: Request, version: str) -> bool:
        if self.transport.is_closing():
            raise RequestError("this was the last answer on this connection")
        response = self._at_once(request)
        if response is None:
            return False
        is_kept = version == "1.1" and self.parser.should_keep_alive() and not self._is_draining
        if not self._try_write(response, request, is_kept=is_kept):
            self.scope[ANSWER] = response  # type: ignore[literal-required]
            return False
        self._answered += 1
        if not is_kept:
            self.transport.close()
        return True

    def _try_write(self, response: Response, request: Request, *, is_kept: bool) -> bool:
        data = in_one_write(response, is_kept=is_kept)
        if data is None:
            return False
        self._write_now(data)
        self._turns.answered(request, response.status, data[:HEAD_BYTES])
        return True

    def _answer_question(self, question: Question, own: OwnFields, known: Response | None) -> None:
        """Answers a request that was read by its header set, with `known` if that is not None."""
        if known is None and (passage := self._start_quick(question, own, self)) is not None:
            self._owe(passage, (question, own, self.address))
        else:
            self._answer_or_forward(question.request(own, self.address), known)

    def _answer_or_forward(self, request: Request, known: Response | None) -> None:
        response = known or self._at_once(request)
        if response is None:
            self._forward(request)
        elif not self._try_write(response, request, is_kept=True):
            self._phase = Phase.IDLE
            self._start_cycle(request, ANSWER, response)

    def _forward(self, request: Request) -> None:
        """Starts the request to the origin without a task if possible; else has the application answer it."""
        self._phase = Phase.IDLE
        self.may_hint(request)
        turn = Turn()
        if self._begins(request, partial(self.on_outcome, turn)):
            self._owe(turn, request)
        else:
            self._start_cycle(request)

    def _owe(self, turn: OwedAnswer, asked: LoggedRequest) -> None:
        self._phase = Phase.IDLE
        self._turns.asked(turn, asked)
        self.cycle: Any = turn
        self._owed.append(turn)
