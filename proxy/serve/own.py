"""The visitor's own request, passed on: for pages that are not shared, and for methods that may change something.

Everything is streamed both ways, except HTML: that is read whole (up to the size limit of pages), and filled if it has
slots; of one that is slow, the beginning is passed on meanwhile (`begun_pages.py`). Compression is added to such a page
only when the origin had compressed it itself: we must not compress a page that holds secrets and echoes input (BREACH).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import structs

from proxy.errors import OriginError
from proxy.http.body import Rest, read_whole
from proxy.http.forwarding import Common
from proxy.http.message import Question, Request, Response, as_lines
from proxy.http.outgoing import (
    assembled_answer,
    error_page,
    forbids_storing,
    not_modified,
    passed_head,
    personal_head,
    whole,
)
from proxy.httpcache.coding import accepts_gzip
from proxy.httpcache.ranges import is_unchanged
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.encode import gzipped
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.ports import UpstreamResponse
from proxy.rulebook.policy import PagePolicy
from proxy.serve.begun_pages import NO_SLOTS, BegunPages
from proxy.serve.hole_filling import NO_FILLS, HoleFilling
from proxy.serve.pages import Page, has_json_slots, is_cut, is_page
from proxy.serve.reading import PageReader
from proxy.serve.shared_fetch import tell_failure
from proxy.serve.showing_as import Shows
from proxy.settings import Settings
from proxy.upstream.asking import Asking, wishes, wishes_of
from proxy.upstream.exchange import Exchange
from proxy.upstream.limiter import SHARE
from proxy.upstream.origin import OnAnswer, OriginTransport
from proxy.upstream.relay import Ready, says_length

NOT_WHOLE = frozenset({204, 206, 304})
"""Statuses of answers that are not a whole page."""
_NOTHING, _TAGS = frozenset[bytes](), frozenset({b"if-none-match"})
CONDITIONS = _TAGS | {b"if-modified-since"}
_PARTS = frozenset({b"range", b"if-range"})
_OUR_ETAG = re.compile(rb'W/"[0-9a-f]{32}"')  # as `page/encode.py` makes them


class Own:
    """Passes requests on and their answers back. `declared` returns the slots declared at present, `policy_of` the
    operator's policy for a page; `hole_filling` fetches what a page includes."""

    def __init__(
        self,
        asking: Asking,
        showing: Shows,
        declared: Callable[[], Sequence[DeclaredSlot]],
        policy_of: Callable[[Request], PagePolicy | None],
        reader: PageReader,
        hole_filling: HoleFilling,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self.asking = asking
        self._showing = showing
        self._declared = declared
        self._policy_of = policy_of
        self._hole_filling = hole_filling
        self._metrics = metrics
        self.streams = metrics.tally("tailorbird_requests_total", "result", "bypass")
        self._max_page_bytes = settings.max_page_bytes
        self._page_timeout_ms = settings.page_timeout_ms
        self._reader = reader
        self._begun_pages = BegunPages(showing, declared, policy_of, reader, metrics, settings)

    async def ask(self, request: Request) -> UpstreamResponse:
        """Passes the request on. Pages are asked for whole, in a coding we can undo, and never by an ETag of ours.
        Raises `OriginError`, `RequestError`."""
        coding, withheld = self._how(request)
        wait = self._wait_seconds(request)
        return await self.asking.as_visitor(request, accept_encoding=coding, without=withheld, wait_seconds=wait)

    def is_long_poll(self, request: Request) -> bool:
        """Whether the operator says that the origin answers it only when there is news."""
        return self._wait_seconds(request) > 0

    def _wait_seconds(self, request: Request) -> int:
        policy = self._policy_of(request)
        return 0 if policy is None else policy.wait_seconds

    def begins(self, request: Request, on_answer: OnAnswer) -> bool:
        """The same without waiting, as `OriginTransport.begins`."""
        coding, withheld = self._how(request)
        return self.asking.begins_as_visitor(request, on_answer, accept_encoding=coding, without=withheld)

    def in_common(self, request: Request) -> tuple[OriginTransport, Common] | None:
        """As `Asking.in_common`; None where the request differs from others of its question."""
        coding, withheld = self._how(request)
        is_like_others = withheld.isdisjoint(CONDITIONS)
        return self.asking.in_common(request, accept_encoding=coding, without=withheld) if is_like_others else None

    def _how(self, request: Request) -> tuple[bytes | None, frozenset[bytes]]:
        """The coding to ask for, None for the client's own, and the fields to leave out."""
        question, withheld = request.question, _NOTHING
        is_for_page, coding = wishes(request) if question is None else wishes_of(question)
        may_be_cut = is_for_page or self.may_have_slots(request.path)
        if question is None or not CONDITIONS.isdisjoint(request.own):  # they are never part of a header set
            if may_be_cut and request.method in (b"GET", b"HEAD"):
                withheld = CONDITIONS
            elif _OUR_ETAG.search(request.get_list(b"if-none-match")):
                withheld = _TAGS
        return (coding, withheld | _PARTS) if may_be_cut else (None, withheld)

    def _has_it(self, request: Request, status: int, headers: Headers) -> bool:
        """Whether the visitor has what the origin, who was not told so, answered with these fields."""
        is_asked, said = status == 200 and self.keeps_conditions(request), dict(headers)
        return is_asked and is_unchanged(request.headers, said.get(b"etag"), said.get(b"last-modified"))

    def keeps_conditions(self, request: Request) -> bool:
        """Whether the visitor has a copy, and the origin is not told."""
        return self._how(request)[1] >= CONDITIONS

    def may_be_cut(self, question: Question) -> bool:
        """Whether its answer may be one to fill. Then it is asked for without conditions: the origin would confirm a
        copy of its own, from before Tailorbird stood in front of it or a slot was found there, whose slots would stay
        as they are."""
        return wishes_of(question)[0] or self.may_have_slots(question.path)

    @staticmethod
    def is_tagged(own: Mapping[bytes, bytes]) -> bool:
        """Whether a request's own fields have an ETag of ours."""
        return b"if-none-match" in own and _OUR_ETAG.search(own[b"if-none-match"]) is not None

    def may_have_slots(self, path: bytes) -> bool:
        """Whether a JSON answer at the path may have slots."""
        return has_json_slots(path, self._declared())

    def is_streamed(self, request: Request, answer: UpstreamResponse) -> bool:
        """Whether the answer is passed on as it comes."""
        policy = self._policy_of(request)
        is_left = policy is not None and policy.is_passed_on
        return is_left or not is_cut(answer.headers, request.path, self._declared()) or answer.status in NOT_WHOLE

    def is_read_whole(self, request: Request, answer: UpstreamResponse) -> bool:
        """Whether all of its body is looked at before any of it is passed on."""
        return request.method == b"GET" and not self.is_streamed(request, answer)

    async def answer(self, request: Request, answer: UpstreamResponse, now: float, said: str) -> Response:
        """The visitor's answer. Closes the origin's unless it is streamed."""
        headers = passed_head(answer.headers, said)
        if self.is_streamed(request, answer):
            if answer.status == 200 and request.method == b"GET" and is_page(headers):
                self._showing.passed(NO_SLOTS, request, now)
            if self._has_it(request, answer.status, headers):
                await answer.aclose()
                return not_modified(headers)
            return self._streamed(request, answer, headers)
        if request.method == b"HEAD":
            await answer.aclose()
            return Response(answer.status, personal_head(headers))  # for it may have slots
        if (begun := self._begun_pages.of(request, answer, now)) is not None and await begun.is_late():
            return begun.response(headers)
        body = await self._read(answer)
        if isinstance(body, list):
            self._metrics.count("tailorbird_page_passthrough_total", "reason", "too-big")
            return self._streamed(request, answer, headers, body)
        return await self._page(request, answer, body, headers, now)

    def failed(self, request: Request, error: OriginError, *, is_told: bool = False, said: str = "") -> Response:
        """The answer where the origin gave none, counted; `is_told`: the log has it. `said`: why it was asked, for
        Cache-Status."""
        if not is_told:
            tell_failure(self._metrics, request.path, error)
        if error.reason in ("overload", SHARE):
            self._metrics.count("tailorbird_shed_total", "what", "request")
        self._metrics.count("tailorbird_cache_requests_total", "status", "error")
        self._metrics.count("tailorbird_requests_total", "result", "error")
        said = said or ("fwd=miss" if request.method in (b"GET", b"HEAD") else "fwd=method")
        return error_page(request, error, f"{said}; detail={error.reason}")

    def streamed(self, request: Request, answer: UpstreamResponse, said: str) -> Response:
        """The answer as it comes."""
        return self._streamed(request, answer, passed_head(answer.headers, said))

    def streamed_with(self, lead: bytes, request: Request, answer: UpstreamResponse) -> Response:
        """The same with its header lines ready."""
        self.streams.count += 1
        if not says_length(lead):
            lead += as_lines(_length(request, answer))
        return Response(answer.status, None, stream=answer.body, lead=lead)

    def _streamed(
        self, request: Request, answer: UpstreamResponse, headers: Headers, begun: list[bytes] | None = None
    ) -> Response:
        self.streams.count += not request.depth  # a part of a page is not a request of a client
        if begun is not None:
            return Response(answer.status, headers, stream=Rest(answer, begun))
        if not any(name == b"content-length" for name, _ in headers):
            headers = (*headers, *_length(request, answer))
        return Response(answer.status, headers, stream=answer.body)

    async def _read(self, answer: UpstreamResponse) -> bytes | list[bytes]:
        """The whole body; or what was read of it when it is larger than a page may be."""
        try:
            body = await read_whole(answer, most_bytes=self._max_page_bytes, most_ms=self._page_timeout_ms)
        except BaseException:
            await answer.aclose()
            raise
        if isinstance(body, bytes):
            await answer.aclose()
        return body

    async def _page(
        self, request: Request, answer: UpstreamResponse, body: bytes, headers: Headers, now: float
    ) -> Response:
        policy = self._policy_of(request)
        page = await self._reader.read(body, answer.headers, request.path, self._declared(), policy)
        if page.template is None or page.is_left:
            return self._untouched(request, answer, page, body, headers, now)
        return await self._filled(request, answer, page.template, now, headers)

    def begun(self, request: Request, answer: UpstreamResponse, now: float, said: str) -> Response | None:
        """The answer with as much of a page as may be passed on before it is whole; None where none of it may."""
        begun = self._begun_pages.of(request, answer, now)
        return None if begun is None else begun.response(passed_head(answer.headers, said))

    def at_once(
        self, request: Request, answer: UpstreamResponse, body: bytes, now: float, said: str
    ) -> Response | Awaitable[Response] | None:
        """The visitor's page, where no policy applies, or an awaitable one, as where it has to be compressed; None when
        it was not parsed, since that may take long. Raises `OriginError`."""
        if request.method != b"GET" or len(body) > self._max_page_bytes:
            return None
        page = self._reader.read_at_once(body, answer.headers, request.path, self._declared())
        if page is None or page.template is None:
            return None
        headers = passed_head(answer.headers, said)
        if page.is_left:
            return self._untouched(request, answer, page, body, headers, now)
        who = self._showing.recognise(page.template, request, now)
        if who is None or _is_coded(answer):
            return self._filled(request, answer, page.template, now, headers)
        shown = self._showing.show(page.template, request, who, now, "identity").page
        lead, is_tagged = as_lines(personal_head(headers)), not forbids_storing(headers)
        return assembled_answer(answer.status, lead, shown, request, who.set_cookie, is_tagged=is_tagged)

    def _untouched(
        self, request: Request, answer: UpstreamResponse, page: Page, body: bytes, headers: Headers, now: float
    ) -> Response:
        self.streams.count += not request.depth
        if page.template is not None and answer.status == 200:
            self._showing.passed(page.template, request, now)
        if self._has_it(request, answer.status, headers):
            return not_modified(headers)
        if any(name == b"content-length" for name, _ in headers):
            return Response(answer.status, headers, (body,))
        return whole(request, answer.status, headers, (body,), len(body))

    async def _filled(
        self, request: Request, answer: UpstreamResponse, template: Template, now: float, headers: Headers
    ) -> Response:
        hole_fills = NO_FILLS
        if template.holes:
            set_cookies = [value for name, value in headers if name == b"set-cookie"]
            hole_fills = await self._hole_filling.fill(template, request, set_cookies=set_cookies) or NO_FILLS
        who = await self._showing.recognise_waiting(template, request, now)
        page = self._showing.show(template, request, who, now, "identity", hole_fills=hole_fills.fragments).page
        if _is_coded(answer) and accepts_gzip(request.get_list(b"accept-encoding")):
            data = await asyncio.to_thread(gzipped, page.chunks)
            page = structs.replace(page, chunks=[data], length=len(data), coding="gzip")
        lead, is_tagged = hole_fills.lead(as_lines(personal_head(headers))), not forbids_storing(headers)
        return assembled_answer(answer.status, lead, page, request, who.set_cookie, is_tagged=is_tagged)


def _length(request: Request, answer: UpstreamResponse) -> Headers:
    """The length of a body that came in chunks and is all there; nothing where it is not known."""
    pieces = answer.body.pieces if isinstance(answer.body, Exchange | Ready) and answer.is_bounded else None
    if pieces is None or request.method == b"HEAD" or answer.status in (204, 304):
        return ()
    return ((b"content-length", b"%d" % sum(map(len, pieces))),)


def _is_coded(answer: UpstreamResponse) -> bool:
    return any(name == b"content-encoding" for name, _ in answer.headers)
