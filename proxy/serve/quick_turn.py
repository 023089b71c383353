"""A request that goes to the origin as earlier ones of its question did. One object is both the answer's turn on the
client's connection and the listener of the origin's connection: for most answers that is all that is needed.

Its law: the request and its answer are what `PassThrough.begins` would make of them. As soon as the origin does
anything but answer whole with a known head, `PassThrough` takes over.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from proxy.errors import Fault, OriginError
from proxy.http.forwarding import Common
from proxy.http.message import OriginWait, OwnFields, Question, Request, Response, as_lines
from proxy.http.outgoing import cache_status, detail
from proxy.model import HeadShape
from proxy.ports import UpstreamResponse
from proxy.serve.begun_pages import BEGIN_SECONDS
from proxy.serve.turn import NOBODY
from proxy.upstream.exchange import Exchange
from proxy.upstream.origin import OriginTransport
from proxy.upstream.plain import Plain
from proxy.upstream.quick_exchange import QuickExchange
from proxy.upstream.relay import OwedAnswer, Ready

if TYPE_CHECKING:
    from proxy.serve.pass_through import PassThrough


class Client(Protocol):
    """The connection that a request came on."""

    @property
    def address(self) -> str: ...

    def write_whole(self, turn: OwedAnswer, status: int, lead: bytes, *body: bytes | memoryview) -> None:
        """Takes a whole answer; its length stands in `lead`."""

    def on_outcome(
        self, turn: OwedAnswer, request: Request, answer: Response | Awaitable[Response] | Fault | None
    ) -> None:
        """Takes any other outcome, as `Give`."""

    def failed(self, turn: OwedAnswer) -> None:
        """There will be no answer, by a fault of ours."""

    def may_hint(self, request: Request) -> None:
        """Passes early hints on to the client, if it may expect any."""


@dataclass(frozen=True, slots=True, eq=False)
class OriginRoute:
    """How requests of one question go to the origin: the `origin`, the `common` part of their head, `ours` (our
    address, which replaces the origin's in its answers), whether they carry credentials (`is_personal`), whether JSON
    at the path may have slots, and whether their answers may be ones to fill (`may_be_cut`). `handlings` remembers how
    answers of a head shape are handed on."""

    origin: OriginTransport
    common: Common
    ours: bytes
    is_personal: bool
    may_have_slots: bool
    may_be_cut: bool
    handlings: dict[HeadShape | None, tuple[Any, HeadShape]] = field(default_factory=dict)


class QuickTurn(QuickExchange):
    """`reason` is why nothing but the visitor's own request will do, "" where it is for the answer to say. What a turn
    has is as `Turn` has it."""

    __slots__ = (
        "client", "disconnected", "keep_alive", "own", "question", "reason", "response_complete", "response_started",
        "route", "straight", "wait",
    )  # fmt: skip

    message_event: Any = NOBODY

    def __init__(
        self, straight: PassThrough, route: OriginRoute, question: Question, own: OwnFields, client: Client, reason: str
    ) -> None:
        self.straight = straight
        self.route = route
        self.question = question
        self.own = own
        self.client = client
        self.reason = reason
        self.part = None
        self.wait: OriginWait | None = None
        self.keep_alive = True
        self.disconnected = self.response_started = self.response_complete = False

    def buffer_seconds(self, head: Plain) -> float:
        """A page that comes whole is buffered, since it may be known."""
        handling, _ = self.route.handlings.get(head.shape) or self.straight.handling_of(self.route, head.shape)
        return BEGIN_SECONDS if handling.pages is not None and head.length <= self.straight.most_bytes else 0.0

    def answered(self, head: Plain, body: memoryview) -> None:
        """Hands the answer on at once if its handling is known."""
        straight, route = self.straight, self.route
        handling, shape = route.handlings.get(head.shape) or straight.handling_of(route, head.shape)
        if self.reason or handling.is_for_one:
            line = bypassed(self.reason or "cookies")[1]
            if handling.is_streamed or (handling.is_json and not route.may_have_slots):
                straight.bypasses.count += 1
                straight.own.streams.count += 1
                lead = handling.shape.lines(head.values) + line + head.sized(body)
                self.client.write_whole(self, head.status, lead, body)
                return
            if handling.pages is not None and straight.known_pages.try_answer(self, handling.pages, head, line, body):
                straight.bypasses.count += 1
                return
        self._take(self.request(), UpstreamResponse(head.status, None, Ready(body), shape=shape, values=head.values))

    def exchange(self) -> Exchange:
        request = self.request()
        return self.straight.own.asking.to_exchange(self.route.origin, self, request, partial(self._take, request))

    def refused(self, error: OriginError) -> None:
        self._take(self.request(), error)

    def failed(self) -> None:
        self.client.failed(self)

    def _take(self, request: Request, answer: UpstreamResponse | OriginError | None) -> None:
        self.straight.take(request, self.reason, partial(self.client.on_outcome, self), answer)

    def request(self) -> Request:
        """The request in full, for the longer paths."""
        request = self.question.request(self.own, self.client.address)
        request.wait = self.wait = OriginWait(self.waited())
        self.client.may_hint(request)
        return request

    def waited(self) -> float:
        """Seconds from asking to the first byte of the answer, or until now."""
        if self.wait is not None:
            return self.wait.seconds
        return (monotonic() if self.part is None else self.part.began) - self.asked_at


@lru_cache(maxsize=256)
def bypassed(reason: str) -> tuple[str, bytes]:
    """The parameters of Cache-Status, and its header line."""
    said = f"fwd=bypass; {detail(reason)}"
    return said, as_lines((cache_status(said),))
