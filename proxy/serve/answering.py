"""The answers that are owed to one client, in the order in which they were asked for: how one gets from where it comes
from to the client's connection.

Most are given by uvicorn's own `RequestResponseCycle`, which asks the application. What goes straight has a `Turn`
instead, which says what uvicorn and we want to know of an answer under way, and nothing else: to make the other for
each request, with its event, its scope and what they all refer to each other by, was a fifth of what it costs to pass
an answer on. Laws: nothing is written while an earlier answer is not complete; who works on an answer hears when its
client is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from os import write, writev
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from proxy.errors import Fault, OriginError
from proxy.http.message import Request, Response, as_lines
from proxy.model import Headers
from proxy.serve.accesslog import AccessLog, Turns
from proxy.serve.app import PENDING, RELAY, REQUEST, SAID
from proxy.serve.backlog import Backlog
from proxy.serve.quick_turn import NOBODY
from proxy.settings import Settings
from proxy.upstream.connection import Pieces
from proxy.upstream.exchange import Exchange
from proxy.upstream.relay import CLIENT_LEFT, OwedAnswer, Ready, Relay, Source, split, written_at_once

log = logging.getLogger("tailorbird.answering")

OnEnd = Callable[[Relay, BaseException | None], None]


class Answering(HttpToolsProtocol):
    """Gives the answers. `_owed` are those not complete yet, the one being given first; `_relaying` what sends it
    without ASGI, if it is sent so. A connection has so many attributes that they would be looked up in a dict of its
    own: those that are asked for with each request, and two of uvicorn's, have a place."""

    __slots__ = (
        "_backlog", "_descriptor", "_is_quiet", "_owed", "_relaying", "_settings", "_turns", "loop", "transport",
    )  # fmt: skip

    def __init__(self, settings: Settings, accesslog: AccessLog | None = None, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._turns = None if accesslog is None else Turns(accesslog)
        self._settings = settings
        self._owed: deque[OwedAnswer] = deque()
        self._backlog = Backlog(settings)
        self._relaying: Relay | None = None
        self._is_quiet = False  # nothing is owed, waits to be taken or ends; what changes that says so
        self._descriptor = -1  # the socket's, where what is written to it needs no more than the system

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        socket = transport.get_extra_info("socket")
        if socket is not None and transport.get_extra_info("sslcontext") is None:
            self._descriptor = socket.fileno()

    def _put(self, data: bytes) -> None:
        """Hands bytes to the system at once, where uvloop would do it at the end of its turn (1.6 us more when little
        is going on, 0.6 when much is). Only while nothing else waits to be taken; what the system does not take is
        uvloop's to write, or to say why not."""
        sent = 0
        if self._descriptor >= 0:
            try:
                sent = write(self._descriptor, data)
            except OSError:
                sent = 0
        if sent < len(data):
            self._is_quiet = False
            self.transport.write(data[sent:])

    def _put_all(self, pieces: Pieces, size: int) -> None:
        """The same with several pieces, if nothing else waits to be taken."""
        sent = 0
        if self._descriptor >= 0 and not self.transport.get_write_buffer_size():
            try:
                sent = writev(self._descriptor, pieces)
            except OSError:
                sent = 0
        if sent < size:
            self.transport.writelines(split(pieces, sent)[1])

    @property
    def _is_answering(self) -> bool:
        return bool(self._owed)

    def _let_go(self, turn: OwedAnswer) -> None:
        """The turn is over: nobody answers in it any more. What it has and what has it let go of each other, which
        only the search for garbage would find."""
        if isinstance(turn, RequestResponseCycle):
            scope: dict[str, Any] = turn.scope  # type: ignore[assignment]  # of ours there is more in it
            scope.pop(RELAY, None)
            request: Request | None = scope.get(REQUEST)
            if request is not None:
                request.on_hints = None
            if self._turns is not None and SAID in scope:
                self._turns.said(turn, *scope[SAID])
        if self._turns is not None:
            self._turns.over(turn, is_whole=turn.response_complete)

    async def _relay(self, cycle: RequestResponseCycle, response: Response, source: Source) -> BaseException | None:
        """Sends the answer as it comes from its source; what went wrong, if anything did."""
        done: asyncio.Future[BaseException | None] = self.loop.create_future()

        def ended(_: Relay, error: BaseException | None) -> None:
            if not done.done():  # who waited may have been told to stop
                done.set_result(error)

        cycle.waiting_for_100_continue = False  # else it would be told to go on in the midst of the answer
        self._relay_body(cycle, response, source, ended, cycle.scope["method"] == "HEAD")
        try:
            error = await done
        finally:
            self._relaying = None
        self._complete(cycle, error)
        return error

    def _relay_body(
        self,
        turn: OwedAnswer,
        response: Response,
        source: Source,
        on_end: OnEnd,
        is_head: bool,
    ) -> None:
        """Begins to; `on_end` is called when the last piece is with the client's connection, or none more will be."""
        most, written = self._settings.client_buffer_bytes, self._backlog.replaced
        relay = Relay(turn, self.transport, response, source, written, on_end, is_head=is_head, most_bytes=most)
        self._relaying = relay
        relay.begin()

    def _relay_ended(self, relay: Relay, error: BaseException | None) -> None:
        """What is done where nobody waits for the end."""
        if self._relaying is relay:
            self._relaying = None
        self._complete(relay.turn, error)
        if error is None:
            return
        if isinstance(relay.source, Exchange):
            relay.source.abandon()
        if not (isinstance(error, OriginError) and error.reason == CLIENT_LEFT):
            log.warning("an answer broke off: %s", error)
        if not relay.turn.disconnected:
            self.transport.close()

    def _complete(self, turn: OwedAnswer, error: BaseException | None) -> None:
        """An answer has been sent, unless something went wrong or the client has gone."""
        if error is None and not turn.disconnected:
            turn.response_complete = True
            turn.message_event.set()
            if not turn.keep_alive:
                self.transport.close()
            self.on_response_complete()

    def may_hint(self, request: Request) -> None:
        """Has the client of a request that is the first to be answered told of early hints, if it may expect any:
        programs there are that take a 103 for the answer; what says how it fetches knows better."""
        if request.question is not None and b"sec-fetch-mode" in request.question.firsts:
            request.on_hints = partial(self._hint, None)

    def _hint(self, turn: OwedAnswer | None, fields: Headers) -> None:
        """Tells the client what the page will need (RFC 8297), if it is its turn; None is whose turn it is. Of the
        fields only links are told."""
        links = tuple(field for field in fields if field[0] == b"link")
        first = self._owed[0] if self._owed else None
        is_its_turn = first is not None and first is (turn or first) and not first.response_started
        if links and is_its_turn and not self.transport.is_closing():
            with contextlib.suppress(OriginError):
                self.transport.write(b"HTTP/1.1 103 Early Hints\r\n" + as_lines(links) + b"\r\n")

    def went_straight(
        self, turn: OwedAnswer, request: Request, answer: Response | Awaitable[Response] | Fault | None
    ) -> None:
        """What came of a request that was asked without a task: bytes for the client, or more to do. It was the first
        to be answered, and is still, unless the client has gone."""
        is_gone = not self._owed or self._owed[0] is not turn
        if isinstance(answer, Fault):
            self.failed(turn)
        elif not isinstance(answer, Response):
            self._start(request, PENDING, answer, is_gone=is_gone)
        elif not is_gone:
            self._give(turn, answer, is_head=request.method == b"HEAD")
        elif isinstance(answer.stream, Exchange):
            answer.stream.abandon()

    def failed(self, turn: OwedAnswer) -> None:
        """We failed over what was to be said in this turn, if it is not over yet."""
        raise NotImplementedError

    def given(self, turn: OwedAnswer, status: int, lead: bytes, *body: bytes | memoryview) -> None:
        """What a question is answered with, whole, by way of `turn`; it is still the first."""
        if not self._owed:
            return  # the client has gone
        if self._turns is not None:
            self._turns.said(turn, status, lead)
        size = len(lead) + (len(body[0]) if len(body) == 1 else sum(map(len, body)))
        turn.response_started = True
        if not turn.keep_alive or size > self._settings.client_buffer_bytes or self.transport.is_closing():
            answer = Response(status, None, stream=Ready(b"".join(body)), lead=lead)
            self._give(turn, answer)
            return
        head = STATUS_LINE[status] + lead + b"\r\n"
        self._put_all([head, *body], size + len(head) - len(lead))
        self._backlog.replaced(size)
        turn.response_complete = True
        self.on_response_complete()

    def _give(self, turn: OwedAnswer, answer: Response, *, is_head: bool = False) -> None:
        """In one write, if all of it is there and the client has room for it."""
        if self._turns is not None:
            self._turns.said(turn, answer.status, answer.lead or answer.headers)
        stream = answer.stream if isinstance(answer.stream, Exchange | Ready) else None
        pieces = answer.chunks if stream is None else stream.pieces
        turn.response_started = True
        if pieces is not None and not is_head:
            room = self._settings.client_buffer_bytes - self.transport.get_write_buffer_size()
            size = written_at_once(self.transport, answer, pieces, room, is_kept=turn.keep_alive)
            if size:
                self._backlog.replaced(size)
                self._complete(turn, None)
                return
        source = Ready(b"".join(answer.chunks)) if stream is None else stream
        self._relay_body(turn, answer, source, self._relay_ended, is_head)

    def _start(self, request: Request, name: str = "", what: object = None, *, is_gone: bool = False) -> None:
        """Asks the application, in the turn that is owed or in a new one. Of the scope it reads what we put there, so
        it has no more."""
        scope: Any = {"type": "http", "http_version": "1.1", "method": request.method.decode(), name: what}
        cycle = cycle_of(self, scope)
        self._inform(cycle, request)
        if self._turns is not None and not is_gone:
            self._turns.asked(cycle, request, instead_of=self._owed[0] if self._owed else None)
        if is_gone:
            cycle.disconnected = True
        elif self._owed:
            cycle.keep_alive = self._owed[0].keep_alive
            self.cycle = cycle if self.cycle is self._owed[0] else self.cycle
            self._owed[0] = cycle
        else:
            self.cycle = cycle
            self._owed.append(cycle)
        self._start_asgi_task(cycle, self.app)

    def _inform(self, cycle: RequestResponseCycle, request: Request) -> None:
        """The application finds in the scope what it needs to know beside what uvicorn puts there."""
        cycle.scope[REQUEST] = request  # type: ignore[literal-required]
        cycle.scope[RELAY] = partial(self._relay, cycle)  # type: ignore[literal-required]
        if cycle.scope["http_version"] == "1.1" and request.get(b"sec-fetch-mode") is not None:
            request.on_hints = partial(self._hint, cycle)


class Turn:
    """`keep_alive` is False when the connection ends with it; `disconnected` when the client has gone."""

    __slots__ = ("disconnected", "keep_alive", "response_complete", "response_started")

    message_event: Any = NOBODY

    def __init__(self) -> None:
        self.keep_alive = True
        self.disconnected = self.response_started = self.response_complete = False


def cycle_of(connection: HttpToolsProtocol, scope: Any) -> RequestResponseCycle:
    """Uvicorn's own, as its parser makes it of a whole request without a body that allows for another one."""
    cycle = RequestResponseCycle(
        scope=scope,
        transport=connection.transport,
        flow=connection.flow,
        logger=connection.logger,
        access_logger=connection.access_logger,
        access_log=False,
        default_headers=connection.server_state.default_headers,
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=True,
        on_response=connection.on_response_complete,
    )
    cycle.more_body = False
    cycle.message_event.set()
    return cycle
