"""What is known not to be for everybody goes straight through: its request is on its way to the origin before the
client's bytes have been left, and its answer is handed to the client's connection by the origin's, without a task.

Everything that has to be waited for is the gateway's, which answers in the ordinary way: a connection or a turn that is
not there, a request to be made again, a page to be cut. The law: what comes out is the same either way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import NamedTuple

from proxy.errors import Fault, OriginError, RequestError
from proxy.http.forwarding import head_of_one
from proxy.http.message import Own as Said
from proxy.http.message import Question, Request, Response, as_lines
from proxy.http.outgoing import cache_status, detail, passed_fields
from proxy.http.target import Sought, sought
from proxy.httpcache.memory import Marks, Memory
from proxy.httpcache.policy import why_never
from proxy.httpcache.stored import Choices
from proxy.memo import make_room
from proxy.metrics import Metrics
from proxy.model import HeadShape
from proxy.ports import UpstreamResponse
from proxy.rulebook.policy import PagePolicy
from proxy.serve.known_pages import KnownPages, Pages, pages_of
from proxy.serve.own import NOT_WHOLE, Own
from proxy.serve.pages import Entry, is_json, is_page
from proxy.serve.passage import Client, Course, Passage
from proxy.serve.personal import Personal
from proxy.settings import Settings
from proxy.upstream.exchange import Exchange
from proxy.upstream.head_shapes import MOST_SHAPES
from proxy.upstream.plain import Plain
from proxy.upstream.relay import Ready

MOST_COURSES = 5_000
MOST_WAYS = 8
"""Of one course: most have one or two."""

Give = Callable[[Request, Response | Awaitable[Response] | Fault | None], None]
"""Takes what came of the request: an answer whose stream is an exchange, or that is whole; one to be waited for; None,
when the request has to be made in the ordinary way after all; or that we failed, maybe after it took something else."""


class _Way(NamedTuple):
    """How the answers of a shape are handed on: their fields as the client gets them, but for Cache-Status; whether
    they are streamed whatever slots there are, or are JSON, which may have some; whether they are not for all in any
    case; and which pages they are that may be known."""

    shape: HeadShape
    is_streamed: bool
    is_json: bool
    is_for_one: bool
    pages: Pages | None


class Straight:
    """Passes requests to `own` without a task. `fill` has the cache filled when an answer looks as if it were for
    everybody; `policy_of` returns the operator's policy for a path."""

    def __init__(
        self,
        own: Own,
        known_pages: KnownPages,
        memory: Memory[Entry],
        marks: Marks,
        personal: Personal,
        policy_of: Callable[[bytes], PagePolicy | None],
        fill: Callable[[Sought, UpstreamResponse], None],
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._own = own
        self._memory = memory
        self._marks = marks
        self._personal = personal
        self._policy_of = policy_of
        self._fill = fill
        self._most_bytes = settings.max_page_bytes
        self._seconds = settings.page_timeout_ms / 1_000
        self._is_off = settings.clients_may_refresh  # then there is more to be read in a request
        self._choices = Choices.of(settings)
        self._ways: dict[HeadShape, _Way] = {}
        self._known_pages = known_pages
        self._courses: dict[Question, Course] = {}
        self._bypasses = metrics.tally("tailorbird_cache_requests_total", "status", "bypass")
        self._clock = clock

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when the request is on its way: `give` is called once, later."""
        question = request.question
        if question is None or self._is_off or b"range" in question.firsts:
            return False
        if self._memory.get(question.key, request) is not None or self._policy_of(request.path) is not None:
            return False
        reason = self._marks.reason(question.key, now)
        if not reason and not self._personal.is_personal(request):
            return False
        try:
            has_begun = self._own.begins(request, partial(self._take, request, reason or "", give))
        except RequestError:  # raised once more where it is answered
            return False
        if has_begun and question not in self._courses:
            self._learn(question, request)
        return has_begun

    # -- what was asked before

    def _learn(self, question: Question, request: Request) -> None:
        found = self._own.in_common(request) if question.method == b"GET" else None
        if found is not None:
            ours = question.scheme.encode() + b"://" + question.host
            is_personal = self._personal.has_credentials(request)
            make_room(self._courses, MOST_COURSES)
            self._courses[question] = Course(*found, ours, is_personal, self._own.may_have_slots(question.path))

    def passes(self, question: Question, own: Said, client: Client) -> Passage | None:
        """The request, which is on its way as `begins` would send it, where that is known from others."""
        course = self._courses.get(question)
        if course is None or question.key in self._memory or (b"if-none-match" in own and self._own.is_tagged(own)):
            return None
        reason = self._marks.reason(question.key, self._clock())
        if not (reason or course.is_personal or self._personal.do_matter(own.get(b"cookie", b""))):
            return None
        passage = Passage(self, course, question, own, client, reason or "")
        try:
            has_begun = course.origin.dispatch(passage, head_of_one(course.common, question, own, client.address))
        except RequestError:
            return None
        return passage if has_begun else None

    def waits_for(self, passage: Passage, head: Plain) -> float:
        """As `Brief`: a page is looked at whole."""
        way, _ = passage.course.ways.get(head.shape) or self._way_of(passage.course, head.shape)
        return self._seconds if way.pages is not None and head.length <= self._most_bytes else 0.0

    def _way_of(self, course: Course, shape: HeadShape | None) -> tuple[_Way, HeadShape]:
        assert shape is not None
        mapped = self._own.asking.mapped(course.origin, course.ours, shape)
        make_room(course.ways, MOST_WAYS)
        found = course.ways[shape] = self._ways.get(mapped) or self._way(mapped), mapped
        return found

    def came(self, passage: Passage, head: Plain, body: memoryview) -> None:
        """The whole answer: handed on as it is, or taken for what it may be."""
        way, shape = passage.course.ways.get(head.shape) or self._way_of(passage.course, head.shape)
        line = _said(passage.reason or "cookies")[1]
        if passage.reason or way.is_for_one:
            if way.is_streamed or (way.is_json and not passage.course.may_have_slots):
                self._bypasses.count += 1
                self._own.streams.count += 1
                passage.client.given(passage, head.status, way.shape.lines(head.values) + line + head.sized(body), body)
                return
            if way.pages is not None and self._known_pages.gives(passage, way.pages, head, line, body):
                self._bypasses.count += 1
                return
        answer = UpstreamResponse(head.status, None, Ready(body), shape=shape, values=head.values)
        self._take(passage.request(), passage.reason, _gives(passage), answer)

    def go_on(self, passage: Passage) -> Exchange:
        """An exchange for what is not answered briefly."""
        request = passage.request()
        take = partial(self._take, request, passage.reason, _gives(passage))
        return self._own.asking.go_on(passage.course.origin, passage, request, take)

    def forget(self) -> None:
        """Other rules hold from now on."""
        self._courses.clear()

    # -- what became of it

    def _take(self, request: Request, reason: str, give: Give, answer: UpstreamResponse | OriginError | None) -> None:
        if answer is None or isinstance(answer, Fault):
            give(request, answer)
        elif isinstance(answer, OriginError):
            give(request, self._own.failed(request, answer))
        else:
            self._bypasses.count += 1
            way = None if answer.shape is None else self._ways.get(answer.shape) or self._way(answer.shape)
            if not reason and (way is None or not way.is_for_one):
                self._fill(sought(request, None), answer)
            said, line = _said(reason or "cookies")
            if way is not None and (way.is_streamed or (way.is_json and not self._own.may_have_slots(request.path))):
                give(request, self._own.streamed_below(way.shape.lines(answer.values) + line, answer))
                return
            came, body = partial(self._came, request, answer, said, give), answer.body
            if isinstance(body, Exchange) and not body.is_over and self._own.is_read_whole(request, answer):
                body.when_whole(self._most_bytes, self._seconds, came)
            else:
                came(None)

    def _came(
        self, request: Request, answer: UpstreamResponse, said: str, give: Give, error: BaseException | None
    ) -> None:
        """What is to be read whole is there, or too large; what is streamed has begun."""
        try:
            if error is not None:
                raise error
            response = self._made(request, answer, said)
        except Fault as fault:
            give(request, fault)
            return
        except OriginError as failure:
            response = self._own.failed(request, failure)
            if isinstance(answer.body, Exchange):
                answer.body.let_go()
        give(request, response if isinstance(response, Response) else self._waited_for(request, response))

    def _way(self, shape: HeadShape) -> _Way:
        headers = shape.headers()
        make_room(self._ways, MOST_SHAPES)
        passed = shape.through(passed_fields)
        way = self._ways[shape] = _Way(
            passed,
            is_streamed=shape.status in NOT_WHOLE or not (is_page(headers) or is_json(headers)),
            is_json=is_json(headers),
            is_for_one=why_never(shape.status, headers, self._choices) is not None,
            pages=pages_of(passed),
        )
        return way

    def _made(self, request: Request, answer: UpstreamResponse, said: str) -> Response | Awaitable[Response]:
        if self._own.is_streamed(request, answer):
            response: Response | Awaitable[Response] | None = self._own.streamed(answer, said)
        else:
            pieces = answer.body.pieces if isinstance(answer.body, Exchange | Ready) else None
            body = None if pieces is None else b"".join(pieces)
            response = None if body is None else self._own.at_once(request, answer, body, self._clock(), said)
        if isinstance(response, Response) and not response.lead:
            response.lead = as_lines(response.headers)
        return self._own.answer(request, answer, self._clock(), said) if response is None else response

    async def _waited_for(self, request: Request, response: Awaitable[Response]) -> Response:
        try:
            return await response
        except OriginError as error:
            return self._own.failed(request, error)


def _gives(passage: Passage) -> Give:
    return partial(passage.client.went_straight, passage)


@lru_cache(maxsize=256)
def _said(reason: str) -> tuple[str, bytes]:
    """What Cache-Status says, and its line."""
    said = f"fwd=bypass; {detail(reason)}"
    return said, as_lines((cache_status(said),))
