"""The transport: how a request reaches one origin. A pool of connections, each used by one exchange at a time.

Its laws: a slot taken is a slot given back, whatever happens in between (`_release` runs exactly once per exchange);
a request is sent twice only when it is safe and its reused connection had died unheard; and nothing is remembered
between requests but open sockets: no cookie jar, no credentials, no proxy from the environment.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from math import inf

from proxy.breaker import Breaker
from proxy.errors import Fault, OriginError
from proxy.http.authority import address_of
from proxy.httpcache.stored import is_event_stream
from proxy.metrics import Tally
from proxy.ports import UpstreamRequest, UpstreamResponse
from proxy.settings import Settings
from proxy.upstream.answer import kept_seconds
from proxy.upstream.connection import Connection
from proxy.upstream.dialing import Dialing
from proxy.upstream.exchange import Exchange
from proxy.upstream.head_shapes import HeadShapes
from proxy.upstream.idle import Idle
from proxy.upstream.limiter import Limiter, RetryBudget
from proxy.upstream.quick_exchange import QuickExchange
from proxy.upstream.switch import Switch
from proxy.upstream.timeouts import Timeouts
from proxy.upstream.uploads import Place, Uploads

log = logging.getLogger("tailorbird.origin")

OnAnswer = Callable[[UpstreamResponse | OriginError | None], None]
Begin = Callable[[Connection, float], object]


class OriginTransport:
    """Implements `ports.Transport` for the origin at `url`. Times and limits are those of the settings' `origin` rows.

    How many exchanges may run at once (at most `max_connections`) is decided by its `limiter`. An origin that keeps
    failing is not asked for a while. A stream of events takes no slot, nor does a request with `wait_seconds`; neither
    how long that takes nor that it fails says anything of the origin. `server_errors` counts answers of 5xx.
    """

    def __init__(self, url: str, settings: Settings, server_errors: Tally | None = None) -> None:
        self.address = address_of(url)
        self.authority = self.address.authority
        self._timeouts = Timeouts(settings)
        self.dialing = Dialing(self.address, settings, self._timeouts)
        self.limiter = Limiter(settings, time.monotonic)
        self._uploads = Uploads(self.limiter)
        self.breaker = Breaker(time.monotonic, settings, self._tell)
        self._server_errors = server_errors or Tally()
        self._retry_budget = RetryBudget(settings.retry_fraction)
        self._idle = Idle(settings)
        self._shapes = HeadShapes()
        self.known = self._shapes.known
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        limiter, ended = self.limiter, ", closed" if self._is_closed else ""
        counts = f"{limiter.under_way} active, {len(self._idle)} idle, {limiter.waiting} waiting"
        return f"<OriginTransport {self.address}: {counts}, at most {limiter.limit}{ended}>"

    async def fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        """As `ports.Transport`; `OriginError.reason` is one of refused, certificate, tls, timeout, reset,
        truncated, malformed, overload, left-alone, closed, unanswered."""
        waits = request.wait_seconds > 0  # then it is no trial of whether the origin answers again
        if self.breaker.is_open if waits else not self.breaker.allows():
            raise OriginError(f"origin `{self.address}` keeps failing", reason="left-alone", status=503)
        begun = time.monotonic()
        try:
            answer = await self._fetch(request)
        except OriginError as error:
            if not waits:
                self._note_failure(error, begun, request.customer)
            raise
        self.breaker.note(True)
        return answer

    def begins(self, request: UpstreamRequest, on_answer: OnAnswer) -> bool:
        """Sends a request without a body, if a slot is free, and returns True. `on_answer` is called once: with the
        answer, the error, or None when the request may be repeated. False: nothing was done. Raises `RequestError`."""
        now = time.monotonic()
        connection = self._take_idle_connection(now, request.customer)
        if connection is None:
            begin = partial(self._start_exchange, request, on_answer)
            return bool(request.head) and self._dials(begin, on_answer, request.customer)
        self._start_exchange(request, on_answer, connection, now)
        return True

    def dispatch(self, quick: QuickExchange, head: bytes, customer: str = "") -> bool:
        """As `begins`, with a ready head; `quick` gets the answer."""
        now = quick.asked_at = time.monotonic()
        connection = self._take_idle_connection(now, customer)
        if connection is None:
            return self._dials(partial(self._start_quick, quick, head), quick.refused, customer)
        self._start_quick(quick, head, connection, now)
        return True

    def _start_quick(self, quick: QuickExchange, head: bytes, connection: Connection, now: float) -> None:
        quick.origin, quick.connection, quick.part = self, connection, None
        quick.begun, quick.deadline = now, now + self._timeouts.first_byte
        connection.listener = quick
        self._timeouts.watch(quick)
        connection.put(head)

    def complete(self, quick: QuickExchange, began: float, *, is_last: bool) -> None:
        """Its answer, which began at `began`, came whole: the connection is idle again, or ends."""
        self.breaker.note(True)
        self.limiter.note(quick.begun, began, quick.connection.customer)
        self._timeouts.leave(quick)
        quick.connection.listener = None
        self._release(quick.connection, not is_last)

    def give_up(self, quick: QuickExchange) -> None:
        """It failed: the connection is closed."""
        self._timeouts.leave(quick)
        quick.connection.listener = None
        self._release(quick.connection, False)

    def wait(self, quick: QuickExchange, latest: float) -> None:
        """Waits for more of its answer, until `latest` at most."""
        quick.deadline = min(time.monotonic() + self._timeouts.between_bytes, latest)
        self._timeouts.watch(quick)

    def to_exchange(self, quick: QuickExchange, request: UpstreamRequest, on_answer: OnAnswer) -> Exchange:
        """Turns a quick exchange into an ordinary one; `on_answer` as for `begins`."""
        self._timeouts.leave(quick)
        exchange = self._start_exchange(request, on_answer, quick.connection, quick.begun, is_sent=True)
        exchange.deadline = quick.deadline
        return exchange

    def _take_idle_connection(self, now: float, customer: str) -> Connection | None:
        """An idle connection, with a slot taken; None if either is missing."""
        if self._is_closed or not self._idle or not self.limiter.enters_at_once(customer):
            return None
        connection = self._idle.take(now)
        if connection is not None and (not self.breaker.is_open or self.breaker.allows()):
            self._retry_budget.earn()
            connection.customer = customer
            return connection
        self.limiter.leave(customer)
        if connection is not None:
            self._idle.put_back(connection)
        return None

    def _dials(self, begin: Begin, refused: Callable[[OriginError], None], customer: str) -> bool:
        """Opens a connection if none is idle and a slot is free, and returns True: one of the two is called, later."""
        if self._is_closed or self._idle or not self.limiter.enters_at_once(customer):
            return False
        if not self.breaker.allows():
            self.limiter.leave(customer)
            return False
        self._tasks.add(dialing := asyncio.get_running_loop().create_task(self._dial(begin, refused, customer)))
        dialing.add_done_callback(self._tasks.discard)
        return True

    async def _dial(self, begin: Begin, refused: Callable[[OriginError], None], customer: str) -> None:
        try:
            connection = await self.dialing.dial(self._idle.lost)
            if not connection.is_open:
                raise OriginError("the origin closed the connection at once", reason="reset")
        except OriginError as error:
            self.limiter.leave(customer)
            self._note_failure(error)
            what: Callable[[], object] = partial(refused, error)
        except BaseException:
            self.limiter.leave(customer)
            raise
        else:
            self._retry_budget.earn()
            connection.customer = customer
            what = partial(begin, connection, time.monotonic())
        try:
            what()
        except Exception:
            log.exception("a request could not be sent")
            refused(Fault())

    def _start_exchange(
        self, request: UpstreamRequest, on_answer: OnAnswer, connection: Connection, begun: float, is_sent: bool = False
    ) -> Exchange:
        exchange = self._exchange(connection, request)
        exchange.start(lambda error: on_answer(self._outcome(exchange, connection, error, begun)), is_sent=is_sent)
        return exchange

    def _outcome(
        self, exchange: Exchange, connection: Connection, error: BaseException | None, begun: float
    ) -> UpstreamResponse | OriginError | None:
        if error is None:
            self.breaker.note(True)
            self.limiter.note(begun, time.monotonic(), connection.customer)
            return self._noted(exchange, connection)
        assert isinstance(error, OriginError), error  # nothing else happens to a request without a body
        if error.reason == "reset" and exchange.may_be_repeated and self._retry_budget.spend():
            return None
        self._note_failure(error, begun, connection.customer)
        return error

    def _note_failure(self, error: OriginError, begun: float = 0.0, customer: str = "") -> None:
        """Counts what is the origin's fault. Without a connection nobody is answered; an answer that is late or breaks
        off may be that of one page, which one customer asks for."""
        match error.reason:
            case "refused" | "certificate" | "tls":
                self.breaker.note(False, str(error))
            case "timeout":
                self._idle.close_unused(begun)
                self.breaker.note(False, str(error), customer=customer)
            case "reset":
                self.breaker.note(False, str(error), cut_off_since=begun or inf, customer=customer)

    def _tell(self, is_left_alone: bool) -> None:
        failing = f"{self.breaker.failure}; it is asked only now and then"
        log.warning("%s", failing if is_left_alone else f"origin `{self.address}` answers again")

    async def _fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        with await self._uploads.place_of(request) as place:
            await self._take_slot(request)
            self._retry_budget.earn()
            connection = self._idle.take(time.monotonic(), request.method) or await self._new(request)
            exchange = self._exchange(connection, request, place)
            try:
                return await self._answered(exchange, connection, request)
            except OriginError as error:
                if error.reason != "reset" or not exchange.may_be_repeated or not self._retry_budget.spend():
                    raise
        await self._take_slot(request)
        connection = await self._new(request)
        return await self._answered(self._exchange(connection, request), connection, request)

    def _exchange(self, connection: Connection, request: UpstreamRequest, place: Place | None = None) -> Exchange:
        set_aside = self.limiter.set_aside
        return Exchange(connection, request, self._timeouts, self._release, set_aside, self._shapes.read, place)

    async def _answered(self, exchange: Exchange, connection: Connection, request: UpstreamRequest) -> UpstreamResponse:
        connection.has_slot, connection.customer = not request.wait_seconds, request.customer
        begun = time.monotonic()
        await exchange.head()
        if not request.wait_seconds:
            self.limiter.note(begun, time.monotonic(), request.customer)
        return self._noted(exchange, connection)

    def _noted(self, exchange: Exchange, connection: Connection) -> UpstreamResponse:
        """The answer, whose head tells how its connection is to be treated."""
        answer = exchange.answer
        if answer.status >= 500:
            self._server_errors.count += 1
            log.warning("origin `%s` answered `%s` with %s", self.address, exchange.path, answer.status)
        if answer.shape is not None:  # it has a length, and is no stream of events however it is called
            return answer
        self._idle.keep_for(kept_seconds(answer.headers))
        if not exchange.is_over and is_event_stream(answer.headers):
            self.limiter.give_back(connection)
            exchange.take_its_time()
        return answer

    async def switch(self, request: UpstreamRequest) -> Switch:
        """A request for another protocol, yet to be sent, on a connection of its own, which may last for hours: it has
        a slot until it is answered. Raises `OriginError`."""
        await self._take_slot(request)
        connection = await self._new(request)
        connection.customer = request.customer
        return Switch(connection, request, self._timeouts, self.limiter)

    async def aclose(self) -> None:
        """Closes idle connections and refuses new work; what is under way may finish."""
        self._is_closed = True
        self._idle.close()

    async def _take_slot(self, request: UpstreamRequest) -> None:
        """Returns when the request may begin, with a slot if it needs one."""
        if self._is_closed:
            raise OriginError(f"the transport to `{self.address}` is closed", reason="closed", status=503)
        if not request.wait_seconds:
            await self.limiter.enter(request.customer)

    async def _new(self, request: UpstreamRequest) -> Connection:
        """A connection. The slot that was taken for it is given back when there is none."""
        try:
            return await self.dialing.dial(self._idle.lost)
        except BaseException:
            if not request.wait_seconds:
                self.limiter.leave(request.customer)
            raise

    def _release(self, connection: Connection, may_reuse: bool) -> None:
        self.limiter.give_back(connection)
        if may_reuse and connection.is_open and not self._is_closed:
            connection.has_slot = True  # also after an exchange without one: the next has one
            self._idle.add(connection)
        else:
            connection.abort()
