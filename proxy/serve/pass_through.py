"""Pass-through: a request that is known not to be for everybody is sent to the origin while it is read, and its answer
goes from the origin's connection to the client's, without a task.

Whatever has to be waited for is left to the gateway (`gateway.py`): a free place at the origin, a request to be
repeated, a page to be cut. Its law: the answer is the same either way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from proxy.errors import Fault, OriginError, RequestError
from proxy.http.forwarding import head_of_one
from proxy.http.message import OriginWait, OwnFields, Question, Request, Response, as_lines
from proxy.http.outgoing import passed_fields
from proxy.http.target import Sought, sought
from proxy.httpcache.policy import why_never_storable
from proxy.httpcache.response_cache import MarkedKeys, ResponseCache
from proxy.httpcache.stored import CacheOptions
from proxy.memo import make_room
from proxy.metrics import Metrics
from proxy.model import HeadShape
from proxy.ports import UpstreamResponse
from proxy.rulebook.policy import PagePolicy
from proxy.serve.begun_pages import BEGIN_SECONDS
from proxy.serve.known_pages import KnownPages, Pages, pages_of
from proxy.serve.own import CONDITIONS, NOT_WHOLE, Own
from proxy.serve.pages import Entry, is_json, is_page
from proxy.serve.personal import Personal
from proxy.serve.quick_turn import Client, OriginRoute, QuickTurn, bypassed
from proxy.settings import Settings
from proxy.upstream.exchange import Exchange
from proxy.upstream.head_shapes import MOST_SHAPES
from proxy.upstream.relay import Ready

MOST_ROUTES = 5_000
MOST_HANDLINGS = 8
"""Of one course: most have one or two."""

Give = Callable[[Request, Response | Awaitable[Response] | Fault | None], None]
"""Takes the outcome of a request: an answer whose stream is an exchange, or that is whole; an awaitable one; None, when
the request has to be answered by the application after all; or a fault of ours, maybe after another outcome."""


class _ShapeHandling(NamedTuple):
    """How answers of one head shape are handed on. `shape`: their fields as the client gets them, without Cache-Status;
    `is_streamed`: they never have slots; `is_json`: they may have some; `is_for_one`: they may never be shared;
    `pages`: what is known of them if they are whole pages."""

    shape: HeadShape
    is_streamed: bool
    is_json: bool
    is_for_one: bool
    pages: Pages | None


class PassThrough:
    """Passes requests to `own` without a task. `fill` starts a fetch into the cache for an answer that looks shareable;
    `policy_of` returns the operator's policy for a page."""

    def __init__(
        self,
        own: Own,
        known_pages: KnownPages,
        *,
        memory: ResponseCache[Entry],
        marks: MarkedKeys,
        personal: Personal,
        policy_of: Callable[[Request], PagePolicy | None],
        fill: Callable[[Sought, UpstreamResponse], None],
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self.own = own
        self._memory = memory
        self._marks = marks
        self._personal = personal
        self._customers = own.asking.customers
        self._policy_of = policy_of
        self._fill = fill
        self.most_bytes = settings.max_page_bytes
        self._seconds = settings.page_timeout_ms / 1_000
        self._is_off = settings.clients_may_refresh  # then the request says more that has to be looked at
        self._choices = CacheOptions.of(settings)
        self._handlings: dict[HeadShape, _ShapeHandling] = {}
        self.known_pages = known_pages
        self._routes: dict[Question, OriginRoute] = {}
        self.bypasses = metrics.tally("tailorbird_cache_requests_total", "status", "bypass")
        self._clock = clock

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when the request was sent: `give` is called with the outcome, later."""
        question = request.question
        if question is None or self._is_off or b"range" in question.firsts:
            return False
        if self._memory.get(question.key, request) is not None or self._policy_of(request) is not None:
            return False
        reason = self._marks.reason(question.key, now)
        if (not reason and not self._personal.is_personal(request)) or self.own.keeps_conditions(request):
            return False
        request.wait = OriginWait()
        try:
            has_begun = self.own.begins(request, partial(self.take, request, reason or "", give))
        except RequestError:  # raised again where the application answers it
            return False
        if has_begun and question not in self._routes:
            self._learn(question, request)
        return has_begun

    # -- known questions

    def _learn(self, question: Question, request: Request) -> None:
        found = self.own.in_common(request) if question.method == b"GET" else None
        if found is not None:
            ours = question.scheme.encode() + b"://" + question.host
            is_personal = self._personal.has_credentials(request)
            make_room(self._routes, MOST_ROUTES)
            may_have_slots = self.own.may_have_slots(question.path)
            may_be_cut = self.own.may_be_cut(question)
            self._routes[question] = OriginRoute(*found, ours, is_personal, may_have_slots, may_be_cut)

    def start_quick(self, question: Question, own: OwnFields, client: Client) -> QuickTurn | None:
        """Sends the request as `begins` would, if its question has a route; else None."""
        route = self._routes.get(question)
        if route is None or question.key in self._memory or (b"if-none-match" in own and self.own.is_tagged(own)):
            return None
        if route.may_be_cut and not CONDITIONS.isdisjoint(own):
            return None
        reason = self._marks.reason(question.key, self._clock())
        if not (reason or route.is_personal or self._personal.do_matter(own.get(b"cookie", b""))):
            return None
        turn = QuickTurn(self, route, question, own, client, reason or "")
        try:
            head, customer = (
                head_of_one(route.common, question, own, client.address),
                self._customers.of(client.address, own.items()),
            )
            has_begun = route.origin.dispatch(turn, head, customer)
        except RequestError:
            return None
        return turn if has_begun else None

    def handling_of(self, route: OriginRoute, shape: HeadShape | None) -> tuple[_ShapeHandling, HeadShape]:
        """How answers of this shape are handed on, and the shape as visitors get it; remembered with the route."""
        assert shape is not None
        mapped = self.own.asking.mapped(route.origin, route.ours, shape)
        make_room(route.handlings, MOST_HANDLINGS)
        found = route.handlings[shape] = self._handlings.get(mapped) or self._handling(mapped), mapped
        return found

    def forget(self) -> None:
        """Forgets all routes: the rules have changed."""
        self._routes.clear()

    # -- the outcome

    def take(self, request: Request, reason: str, give: Give, answer: UpstreamResponse | OriginError | None) -> None:
        """Gives the outcome; `reason` as in `QuickTurn`."""
        if answer is None or isinstance(answer, Fault):
            give(request, answer)
        elif isinstance(answer, OriginError):
            give(request, self.own.failed(request, answer))
        else:
            self.bypasses.count += 1
            handling = (
                None if answer.shape is None else self._handlings.get(answer.shape) or self._handling(answer.shape)
            )
            if not reason and (handling is None or not handling.is_for_one):
                self._fill(sought(request, None), answer)
            said, line = bypassed(reason or "cookies")
            if handling is not None and (
                handling.is_streamed or (handling.is_json and not self.own.may_have_slots(request.path))
            ):
                give(request, self.own.streamed_with(handling.shape.lines(answer.values) + line, request, answer))
                return
            answered, body = partial(self._on_body, request, answer, said, give), answer.body
            if isinstance(body, Exchange) and not body.is_over and self.own.is_read_whole(request, answer):
                late = partial(self._on_late_body, request, answer, said, give, body)
                body.when_whole(self.most_bytes, BEGIN_SECONDS, answered, late)
            else:
                answered(None)

    def _on_body(
        self, request: Request, answer: UpstreamResponse, said: str, give: Give, error: BaseException | None
    ) -> None:
        """A body to be read whole is there, or is too large; a streamed one has begun."""
        try:
            if error is not None:
                raise error
            response = self._made(request, answer, said)
        except Fault as fault:
            give(request, fault)
            return
        except OriginError as failure:
            response = self.own.failed(request, failure)
            if isinstance(answer.body, Exchange):
                answer.body.abandon()
        give(request, response if isinstance(response, Response) else self._waited_for(request, response))

    def _on_late_body(self, request: Request, answer: UpstreamResponse, said: str, give: Give, body: Exchange) -> None:
        """A page that is to be whole is slow: its beginning is passed on, if it may be."""
        response = self.own.begun(request, answer, self._clock(), said)
        if response is None:
            body.when_whole(self.most_bytes, self._seconds, partial(self._on_body, request, answer, said, give))
        else:
            give(request, _ready(response))

    def _handling(self, shape: HeadShape) -> _ShapeHandling:
        headers = shape.headers()
        make_room(self._handlings, MOST_SHAPES)
        passed = shape.transformed(passed_fields)
        handling = self._handlings[shape] = _ShapeHandling(
            passed,
            is_streamed=shape.status in NOT_WHOLE or not (is_page(headers) or is_json(headers)),
            is_json=is_json(headers),
            is_for_one=why_never_storable(shape.status, headers, self._choices) is not None,
            pages=pages_of(passed),
        )
        return handling

    def _made(self, request: Request, answer: UpstreamResponse, said: str) -> Response | Awaitable[Response]:
        if self.own.is_streamed(request, answer):
            response: Response | Awaitable[Response] | None = self.own.streamed(request, answer, said)
        else:
            pieces = answer.body.pieces if isinstance(answer.body, Exchange | Ready) else None
            body = None if pieces is None else b"".join(pieces)
            response = None if body is None else self.own.at_once(request, answer, body, self._clock(), said)
        if isinstance(response, Response) and not response.lead:
            response.lead = as_lines(response.headers)
        return self.own.answer(request, answer, self._clock(), said) if response is None else response

    async def _waited_for(self, request: Request, response: Awaitable[Response]) -> Response:
        try:
            return await response
        except OriginError as error:
            return self.own.failed(request, error)


async def _ready(response: Response) -> Response:
    return response
