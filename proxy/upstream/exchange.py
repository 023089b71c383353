"""One exchange with an origin: a request out, its answer in.

Nothing is buffered beyond a limit: a slow client stops our reading, a slow origin stops our reading of the upload. The
time limits run only while it is the origin's turn. An exchange ends exactly once; unless request and answer both went
through whole, its connection is closed, so that answers can never be mixed up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from time import monotonic

from proxy.errors import Fault, OriginError
from proxy.ports import UpstreamRequest, UpstreamResponse
from proxy.upstream import plain
from proxy.upstream.answer import Answer
from proxy.upstream.awaited import AT_ITS_HEAD, Awaited, Tell
from proxy.upstream.connection import Connection
from proxy.upstream.plain import Plain
from proxy.upstream.sending import head_of, send
from proxy.upstream.timeouts import Timeouts
from proxy.upstream.tls import broken
from proxy.upstream.uploads import Place

HIGH_WATER_BYTES = 256 * 1024
SAFE_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_READ = frozenset({b"POST", b"PUT", b"PATCH"})
"""Methods whose body an origin surely reads. What is left unread of others' would be somebody's next request."""
SLOW_SECONDS = 1.0
"""A client that keeps an answer waiting that long after it first did is a slow one."""
READ_FIRST_SECONDS = 0.001
"""If this process stood still, the rest of a body may be there, and only has not been read: it is, in that time."""
UNANSWERED = "unanswered"
"""The `reason` of an answer that did not come within the request's own `wait_seconds`: there may just be no news."""


class Exchange(Awaited):
    """One request and its answer. After `head`, iterating yields the answer's body, and `aclose` ends the exchange. It
    `is_over` once it has given the connection back.

    `on_end` is called once, with whether the connection may carry another exchange. `read` is as `Answer` takes it.
    `place` is that of its upload. `on_slow` is called when the answer waits for a slow client, again and again.
    """

    deadline = 0.0
    _slow_at = inf
    _upload: asyncio.Task[None] | None = None
    is_over = False
    _is_sent = False
    _is_paused = False
    _is_unhurried = False
    _has_read_first = False

    def __init__(
        self,
        connection: Connection,
        request: UpstreamRequest,
        timeouts: Timeouts,
        on_end: Callable[[Connection, bool], None],
        on_slow: Callable[[Connection], None],
        read: Callable[[bytes], Plain | None] = plain.read,
        place: Place | None = None,
    ) -> None:
        self._connection = connection
        self._request = request
        self._timeouts = timeouts
        self._on_end = on_end
        self._place = place
        self._on_slow = on_slow
        connection.listener = self
        self._loop = asyncio.get_running_loop()
        self._answer = Answer(is_head=request.method == b"HEAD", read=read)

    @property
    def path(self) -> str:
        """What is asked for, without its query, which may say something of a person."""
        return self._request.target.partition(b"?")[0].decode("latin-1")

    @property
    def may_be_repeated(self) -> bool:
        """True when the request cannot have had an effect: safe, and on a connection that had died while idle."""
        is_unheard = self._connection.is_reused and not self._answer.has_begun
        return is_unheard and self._request.body is None and self._request.method in SAFE_METHODS

    async def head(self) -> UpstreamResponse:
        """Sends the request and waits for the head of the final answer. Raises `OriginError`, or whatever the
        request's body raised; then, and when cancelled, the exchange is over."""
        try:
            if not self._connection.is_open:
                raise OriginError("the origin closed the connection at once", reason="reset")
            self._send()
            while not self._answer.has_head:
                await self._wait()
        except BaseException:
            self._end(may_reuse=False)
            raise
        return self.answer

    @property
    def answer(self) -> UpstreamResponse:
        """The answer, once its head is there."""
        return self._answer.response(self)

    def start(self, on_head: Tell, *, is_sent: bool = False) -> None:
        """Sends the request, unless it `is_sent`, and returns; `on_head` is called when the head is there, or with the
        error. Raises `RequestError`; then the exchange is over."""
        self._awaits = AT_ITS_HEAD, on_head
        try:
            self._sent() if is_sent else self._send()
        except BaseException:
            self._end(may_reuse=False)
            raise

    def when_whole(
        self, most_bytes: int, seconds: float, tell: Tell, otherwise: Callable[[], None] | None = None
    ) -> None:
        """Calls `tell` when the whole body is there, or more than `most_bytes` of it, with none taken yet; or with the
        error. After `seconds` it calls `otherwise` instead, or, without one, that is an error."""
        self._awaits, self._otherwise, self._has_read_first = (most_bytes, tell), otherwise, False
        self._latest = monotonic() + seconds
        if self._is_paused:
            self._resume()
        self._arm(self._timeouts.between_bytes)
        self._wake()

    def take_its_time(self) -> None:
        """Lifts the time limit: it is a stream of events, which may be silent for hours."""
        self._is_unhurried = True
        self._connection.keep_alive()
        self._touch()

    def pause(self) -> None:
        """Stops reading, so that the origin is slowed down."""
        if not self.is_over and not self._is_paused:
            self._is_paused = True
            self._connection.pause_reading()
            if self._is_sent and not self._connection.is_write_blocked:
                self._slow_at = min(self._slow_at, monotonic() + SLOW_SECONDS)
                if (left := self._slow_at - monotonic()) > 0:
                    self._arm(left)
                else:
                    self._on_slow(self._connection)

    def resume(self) -> None:
        """Reads on."""
        if not self.is_over and self._is_paused:
            self._resume()

    async def aclose(self) -> None:
        """Ends the exchange. If the answer was not read to its end, the connection is closed."""
        self.abandon()

    def abandon(self) -> None:
        """The same, at once."""
        if not self.is_over:
            self._fail(OriginError("the answer was let go before its end", reason="abandoned"))

    # -- the request -------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        head = head_of(self._request)
        if self._request.body is None or self._request.content_length == 0:
            self._connection.write(head)
            self._sent()
            return
        self._arm(self._timeouts.between_bytes)
        self._upload = self._loop.create_task(send(head, self._request, self._connection, self._touch, self._sent))
        self._upload.add_done_callback(self._uploaded)

    def _uploaded(self, upload: asyncio.Task[None]) -> None:
        if self._place is not None:
            self._place.end()
        if not upload.cancelled() and (error := upload.exception()) is not None:
            self._fail(error)

    def _sent(self) -> None:
        self._is_sent = True
        self._arm(self._silence if self._answer.has_head else self._head_seconds())

    def _head_seconds(self) -> float:
        """How long the origin may take until the head of its answer is there."""
        wait, is_safe = self._request.wait_seconds, self._request.method in SAFE_METHODS
        return (wait or self._timeouts.first_byte) if is_safe else max(wait, self._timeouts.change)

    # -- the answer --------------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """As `Listener`."""
        answer = self._answer
        try:
            answer.feed(data)
        except OriginError as error:
            self._fail(error)
            return
        if answer.hints:
            self._tell_hints()
        if answer.is_complete:
            is_read = self._upload is None or self._request.method in _READ
            self._end(may_reuse=self._is_sent and answer.may_reuse and is_read)
        elif answer.has_head:
            self._go_on()
        self._wake()

    def _tell_hints(self) -> None:
        hints, self._answer.hints = self._answer.hints, ()
        if self._request.on_hints is not None:
            for fields in hints:
                self._request.on_hints(fields)

    def ended(self, error: Exception | None) -> None:
        """As `Listener`."""
        try:
            if error is not None:
                raise broken(error) from error
            self._answer.end()
        except OriginError as failure:
            self._fail(failure)
        else:
            self._end(may_reuse=False)
            self._wake()

    def _go_on(self) -> None:
        self._touch()
        if self._answer.size > HIGH_WATER_BYTES and self._sink is None and self._awaits is None:
            self.pause()

    def _resume(self) -> None:
        self._is_paused = False
        self._touch()
        self._connection.resume_reading()

    # -- the end -----------------------------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        if not self.is_over:
            self._failure = error
            self._end(may_reuse=False)
            self._wake()

    def on_fault(self, fault: Fault) -> None:
        """As `Listener`."""
        self._failure = fault
        self._end(may_reuse=False)
        self._connection.abort()
        self._tell_of(fault)

    def _end(self, *, may_reuse: bool) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._timeouts.leave(self)
        if self._upload is not None:
            self._upload.cancel()
        if self._is_paused:
            self._resume()
        self._connection.listener = None
        if not may_reuse:
            self._connection.abort()
        self._on_end(self._connection, may_reuse)

    # -- time --------------------------------------------------------------------------------------------------------

    def _arm(self, seconds: float) -> None:
        self.deadline = min(monotonic() + seconds, self._latest)
        self._timeouts.watch(self)

    def _touch(self) -> None:
        """Extends the deadline after progress. Before the head is complete only the upload counts as progress, so that
        a head sent byte by byte cannot go on for ever."""
        self.deadline = min(monotonic() + self._silence, self._latest)

    @property
    def _silence(self) -> float:
        return inf if self._is_unhurried else self._request.wait_seconds or self._timeouts.between_bytes

    def look(self, now: float) -> None:
        """As `Waiting`."""
        if self._otherwise is not None and self._awaits is not None and self._latest <= now:
            if not self._has_read_first:
                self._has_read_first, self.deadline = True, now + READ_FIRST_SECONDS
                return
            self.deadline, self._latest = now + self._silence, inf
            self._take_it_otherwise(self._otherwise, self._awaits[1])
        elif self._is_origins_turn():
            reason = UNANSWERED if self._request.wait_seconds and self._is_sent else "timeout"
            self._fail(OriginError(f"the origin {self._what_it_owes()} in time", reason=reason, status=504))
        else:
            self.deadline = now + self._silence
            if self._is_paused and self._is_sent:
                self._on_slow(self._connection)

    def _is_origins_turn(self) -> bool:
        return self._connection.is_write_blocked or (self._is_sent and not self._is_paused)

    def _what_it_owes(self) -> str:
        if not self._is_sent:
            return "did not take the request"
        return "did not go on with its answer" if self._answer.has_head else "did not answer"
