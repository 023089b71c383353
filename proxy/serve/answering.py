"""Writing answers to one client, in the order of their requests.

Most are written by uvicorn's `RequestResponseCycle`, which runs the ASGI application. An answer that is passed through
has a `Turn` instead: only the few attributes that uvicorn and we read of an answer under way. (To make a cycle with its
event and its scope cost a fifth of passing an answer through.) Laws: nothing is written before the earlier answer is
complete; whoever works on an answer is told when its client has gone.
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
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.serve.accesslog import AccessLog
from proxy.serve.app import PENDING, RELAY, REQUEST, SAID
from proxy.serve.backlog import Backlog
from proxy.serve.turn_log import TurnLog
from proxy.settings import Settings
from proxy.upstream.connection import Pieces
from proxy.upstream.dates import dated
from proxy.upstream.exchange import Exchange
from proxy.upstream.relay import CLIENT_LEFT, OwedAnswer, Ready, Relay, Source, is_sized, reset, split, written_at_once

log = logging.getLogger("tailorbird.answering")

OnEnd = Callable[[Relay, BaseException | None], None]


class Answering(HttpToolsProtocol):
    """Writes the answers. `_owed` are those not complete yet, in order; `_relaying` sends the first of them, if it is
    sent without ASGI. The attributes used with each request are slots, two of uvicorn's among them: as there are many
    attributes, they would else be looked up in a dict."""

    __slots__ = (
        "_backlog", "_descriptor", "_is_idle_now", "_metrics", "_owed", "_relaying", "_settings", "_turns", "loop",
        "transport",
    )  # fmt: skip

    def __init__(
        self, settings: Settings, metrics: Metrics, accesslog: AccessLog | None = None, **uvicorn: Any
    ) -> None:
        super().__init__(**uvicorn)
        self._metrics = metrics
        self._turns = TurnLog(metrics, accesslog)
        self._settings = settings
        self._owed: deque[OwedAnswer] = deque()
        self._backlog = Backlog(settings)
        self._relaying: Relay | None = None
        self._is_idle_now = (
            False  # no answer is owed or unsent, and the connection stays; set to False by whatever changes that
        )
        self._descriptor = -1  # of the socket, if it can be written to directly (no TLS)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        socket = transport.get_extra_info("socket")
        if socket is not None and transport.get_extra_info("sslcontext") is None:
            self._descriptor = socket.fileno()

    def _write_now(self, data: bytes) -> None:
        """Writes to the socket at once; uvloop would do it at the end of its iteration (1.6 us more when little is
        going on, 0.6 when much is). Only while nothing else waits to be written. What the socket does not take, uvloop
        writes, or reports."""
        sent = 0
        if self._descriptor >= 0:
            try:
                sent = write(self._descriptor, data)
            except OSError:
                sent = 0
        if sent < len(data):
            self._is_idle_now = False
            self.transport.write(data[sent:])

    def _write_all_now(self, pieces: Pieces, size: int) -> None:
        """The same with several pieces; if something else waits to be written, they wait behind it."""
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

    def _end_turn(self, turn: OwedAnswer) -> None:
        """Logs the end of a turn, and breaks its reference cycles, which else only the garbage collector would find."""
        if isinstance(turn, RequestResponseCycle):
            scope: dict[str, Any] = turn.scope  # type: ignore[assignment]  # of ours there is more in it
            scope.pop(RELAY, None)
            request: Request | None = scope.get(REQUEST)
            if request is not None:
                request.on_hints = None
            if SAID in scope:
                self._turns.answer_began(turn, *scope[SAID])
        self._turns.turn_ended(turn, is_whole=turn.response_complete)

    async def _relay(self, cycle: RequestResponseCycle, response: Response, source: Source) -> BaseException | None:
        """Sends the answer as it comes from its source; returns the error, or None."""
        done: asyncio.Future[BaseException | None] = self.loop.create_future()

        def ended(_: Relay, error: BaseException | None) -> None:
            if not done.done():  # the task that waited may be cancelled
                done.set_result(error)

        cycle.waiting_for_100_continue = False  # else uvicorn would write a 100 (Continue) within the answer
        is_head, is_framed = cycle.scope["method"] == "HEAD", cycle.scope["http_version"] == "1.1" or is_sized(response)
        cycle.keep_alive = cycle.keep_alive and (is_framed or is_head)
        self._relay_body(cycle, response, source, ended, is_head, is_framed=is_framed)
        try:
            error = await done
        except asyncio.CancelledError:  # the server stops, and has waited long enough: there is nothing to be told
            cycle.disconnected = True
            error = OriginError("the server stopped", reason=CLIENT_LEFT)
        finally:
            self._relaying = None
        if error and not is_framed and not self.transport.is_closing():  # its usual end would be that of the answer
            reset(self.transport)
        elif error and cycle.disconnected:
            self.transport.close()
        self._complete(cycle, error)
        return error

    def _relay_body(
        self,
        turn: OwedAnswer,
        response: Response,
        source: Source,
        on_end: OnEnd,
        is_head: bool,
        *,
        is_framed: bool = True,
    ) -> None:
        """Starts to relay; `on_end` is called when the last piece is written, or no more will come."""
        most, written = self._settings.client_buffer_bytes, self._backlog.replaced
        how = {"is_head": is_head, "is_framed": is_framed}
        self._relaying = Relay(turn, self.transport, response, source, written, on_end, **how, most_bytes=most)
        self._relaying.begin()

    def _relay_ended(self, relay: Relay, error: BaseException | None) -> None:
        """The relay has ended, with no task waiting for it."""
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
        """Completes the turn, unless there was an error or the client has gone."""
        if error is None and not turn.disconnected:
            turn.response_complete = True
            turn.message_event.set()
            if not turn.keep_alive:
                self.transport.close()
            self.on_response_complete()

    def may_hint(self, request: Request) -> None:
        """Passes early hints on to the client of the next request to be answered, if the operator lets us, and it is a
        browser, as Sec-Fetch-Mode shows: some programs take a 103 for the final answer."""
        told = request.question.firsts if request.question is not None and self._settings.early_hints else ()
        if b"sec-fetch-mode" in told:
            request.on_hints = partial(self._hint, None, set())

    def _hint(self, turn: OwedAnswer | None, told: set[bytes], fields: Headers) -> None:
        """Writes the Link fields of early hints (RFC 8297), if it is this request's turn; None stands for the one whose
        turn it is. What is `told` already is not told again, as when the origin is asked twice."""
        links = tuple(field for field in fields if field[0] == b"link" and field[1] not in told)
        first = self._owed[0] if self._owed else None
        is_its_turn = first is not None and first is (turn or first) and not first.response_started
        if links and is_its_turn and not self.transport.is_closing():
            with contextlib.suppress(OriginError):
                told.update(value for _, value in links)
                self.transport.write(b"HTTP/1.1 103 Early Hints\r\n" + as_lines(links) + b"\r\n")

    def on_outcome(
        self, turn: OwedAnswer, request: Request, answer: Response | Awaitable[Response] | Fault | None
    ) -> None:
        """The outcome of a request that was sent without a task: an answer for the client, or more to do. It is the
        first of those owed, unless the client has gone."""
        is_gone = not self._owed or self._owed[0] is not turn
        if isinstance(answer, Fault):
            self.failed(turn)
        elif not isinstance(answer, Response):
            self._start_cycle(request, PENDING, answer, is_gone=is_gone)
        elif not is_gone:
            self._write_answer(turn, answer, is_head=request.method == b"HEAD")
        elif isinstance(answer.stream, Exchange):
            answer.stream.abandon()

    def failed(self, turn: OwedAnswer) -> None:
        """Ends the turn, if it is not over, after a fault of ours."""
        raise NotImplementedError

    def write_whole(self, turn: OwedAnswer, status: int, lead: bytes, *body: bytes | memoryview) -> None:
        """Writes a whole answer; `turn` is the first of those owed."""
        if not self._owed:
            return  # the client has gone
        self._turns.answer_began(turn, status, lead)
        size = len(lead) + (len(body[0]) if len(body) == 1 else sum(map(len, body)))
        turn.response_started = True
        if not turn.keep_alive or size > self._settings.client_buffer_bytes or self.transport.is_closing():
            answer = Response(status, None, stream=Ready(b"".join(body)), lead=lead)
            self._write_answer(turn, answer)
            return
        head = STATUS_LINE[status] + dated(lead) + b"\r\n"
        self._write_all_now([head, *body], size + len(head) - len(lead))
        self._backlog.replaced(size)
        turn.response_complete = True
        self.on_response_complete()

    def _write_answer(self, turn: OwedAnswer, answer: Response, *, is_head: bool = False) -> None:
        """Writes an answer: at once if all of it is there and the client has room for it, else by a relay."""
        self._turns.answer_began(turn, answer.status, answer.lead or answer.headers)
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

    def _start_cycle(self, request: Request, name: str = "", what: object = None, *, is_gone: bool = False) -> None:
        """Has the ASGI application answer, in place of the turn that is owed or in a new one. The scope has only what
        our application reads."""
        scope: Any = {"type": "http", "http_version": "1.1", "method": request.method.decode(), name: what}
        cycle = cycle_of(self, scope)
        self._fill_scope(cycle, request)
        if not is_gone:
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

    def _fill_scope(self, cycle: RequestResponseCycle, request: Request) -> None:
        """Adds to the scope what our application reads beside uvicorn's keys."""
        cycle.scope[REQUEST] = request  # type: ignore[literal-required]
        cycle.scope[RELAY] = partial(self._relay, cycle)  # type: ignore[literal-required]
        may_hint = self._settings.early_hints and cycle.scope["http_version"] == "1.1"
        if may_hint and request.get(b"sec-fetch-mode") is not None:
            request.on_hints = partial(self._hint, cycle, set())


def cycle_of(connection: HttpToolsProtocol, scope: Any) -> RequestResponseCycle:
    """Uvicorn's own cycle, as its parser makes it for a request without a body on a connection that stays open."""
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
