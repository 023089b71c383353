"""The two kinds of requests to the origin: a shared one, made by us, or the visitor's own.

In the answers, redirects, links and cookies of the origin's host are mapped to our host, so that what is stored and
what is passed on are the same bytes.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Set
from dataclasses import replace
from functools import lru_cache, partial
from time import monotonic

from proxy.errors import OriginError
from proxy.http.client import Customers, is_trusted, networks
from proxy.http.forwarding import Common, in_common, request_head, request_headers, shared_headers
from proxy.http.message import OriginWait, Question, Request
from proxy.http.returning import response_headers
from proxy.httpcache.coding import accepted_codings, accepts_gzip
from proxy.memo import make_room
from proxy.model import Headers, HeadShape
from proxy.ports import OnHints, UpstreamRequest, UpstreamResponse
from proxy.settings import Settings
from proxy.upstream.exchange import Exchange
from proxy.upstream.head_shapes import MOST_SHAPES
from proxy.upstream.origin import OnAnswer, OriginTransport
from proxy.upstream.origins import Origins
from proxy.upstream.quick_exchange import QuickExchange

log = logging.getLogger("tailorbird.origin")

LOOP = 'where they are: see docs/origins.md, "A shop that knows its address"'
ACCEPT = (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8")
"""Sent whoever asks, so that nobody's Accept chooses what others are shown. An origin that has more than one answer
names Accept in Vary, and is then asked again with the visitor's own."""


EVERY_FIELD = b"*"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NEVER_FOR_ALL = frozenset({b"cookie", b"authorization"})
_CONFIRMABLE = frozenset({b"if-none-match", b"if-modified-since"})
_CONDITIONS = frozenset(b"if-match if-none-match if-modified-since if-unmodified-since if-range range".split())


def is_document(request: Request) -> bool:
    """True when a browser asks for a page: only then does its Accept have text/html."""
    return b"text/html" in request.get_list(b"accept").lower()


def wishes(request: Request) -> tuple[bool, bytes]:
    """Whether a page is asked for, and in which coding."""
    return is_document(request), b"gzip" if accepts_gzip(request.get_list(b"accept-encoding")) else b"identity"


@lru_cache(maxsize=2_048)
def wishes_of(question: Question) -> tuple[bool, bytes]:
    """The same of all who ask it."""
    return wishes(Request(question.method, question.path, question.query, question.host, question.fields))


def shared_accept_encoding(request: Request) -> bytes:
    """The Accept-Encoding of a shared fetch: pages uncoded, since they are cut; others in the codings that the client
    accepts, in normalised form."""
    if is_document(request):
        return b"identity"
    return b", ".join(accepted_codings(request.get_list(b"accept-encoding"))) or b"identity"


class Asking:
    """Asks the origin that is responsible for the path. Every method raises `OriginError`."""

    def __init__(self, origins: Origins, settings: Settings) -> None:
        self._origins = origins
        self._keep_host = settings.keep_host
        self._trusted = networks(settings.trusted_proxies)
        self.customers = Customers(self._trusted)
        self._forwarded = frozenset(name.lower().encode() for name in settings.forwarded_fields)
        self._mapped: dict[tuple[HeadShape, bytes], HeadShape] = {}
        self._has_told = False
        self.tells_all = EVERY_FIELD in self._forwarded
        self.tells_credentials = self.tells_all or b"authorization" in self._forwarded

    def origin_of(self, request: Request) -> OriginTransport:
        """The origin that is asked for it."""
        return self._origins.of(request.path)

    def asked_at(self, request: Request) -> bytes:
        """Scheme and host that the origin is asked at, as it sees them."""
        origin = self.origin_of(request)
        return b"%b://%b" % (origin.address.scheme.encode(), self._host(origin, request))

    def credentials(self, request: Request) -> Headers:
        """The credentials of a shared fetch: none, unless the operator forwards them. RFC 9111 3.5 decides on such
        answers."""
        return tuple(field for field in request.headers if self.tells_credentials and field[0] == b"authorization")

    def untold(self, request: Request, names: Set[bytes]) -> Set[bytes]:
        """The fields among `names` that the request has, and that a shared fetch may send but would not."""
        if self.tells_all:
            return frozenset()
        candidates = names - self._forwarded - _NEVER_FOR_ALL - {b"accept-encoding"}
        return {name for name in candidates if request.get(name) is not None}

    async def for_everybody(
        self, request: Request, fields: Collection[bytes], conditions: Headers = (), on_hints: OnHints | None = None
    ) -> UpstreamResponse:
        """Makes an anonymous request for what `request` asks for: of its fields only `fields` are sent, and those that
        the operator forwards. `on_hints` is told of early hints."""
        origin = self._origins.of(request.path)
        told = self._told(request, self._host(origin, request), self._forwarded.union(fields))
        headers = (*told, *self.credentials(request), *conditions)
        hints, customer = _mapped_hints(on_hints, origin, request), self._customer_of(request)
        asked = UpstreamRequest(b"GET", request.target, headers, on_hints=hints, customer=customer)
        return await self._asked(origin, request, asked, conditions)

    def _told(self, request: Request, host: bytes, fields: Set[bytes]) -> Headers:
        coding = shared_accept_encoding(request)
        if self.tells_all:
            withheld = _NEVER_FOR_ALL | _CONDITIONS
            return request_headers(request, host=host, trusted=self._trusted, accept_encoding=coding, without=withheld)
        headers = shared_headers(
            request, fields - _CONDITIONS, host=host, trusted=self._trusted, accept_encoding=coding
        )
        return headers if b"accept" in fields else (*headers, ACCEPT)

    async def as_visitor(
        self,
        request: Request,
        *,
        accept_encoding: bytes | None = None,
        without: Collection[bytes] = (),
        wait_seconds: int = 0,
    ) -> UpstreamResponse:
        """Passes the visitor's own request on. `accept_encoding` replaces theirs, None keeps it; the fields `without`
        are left out; `wait_seconds` as in `UpstreamRequest`. Raises `RequestError` for a request that may not be passed
        on."""
        origin, asked = self._of_visitor(request, accept_encoding, without)
        asked = replace(asked, wait_seconds=wait_seconds) if wait_seconds else asked
        return await self._asked(origin, request, asked, request.headers, without)

    def begins_as_visitor(
        self, request: Request, on_answer: OnAnswer, *, accept_encoding: bytes | None, without: Collection[bytes]
    ) -> bool:
        """The same without waiting, as `OriginTransport.begins`."""
        origin, asked = self._of_visitor(request, accept_encoding, without)
        told = partial(self._told_of, origin, request, without, on_answer)
        if request.wait is not None:
            told = partial(_after, request.wait, monotonic(), told)
        return origin.begins(asked, told)

    def in_common(
        self, request: Request, *, accept_encoding: bytes | None, without: Collection[bytes]
    ) -> tuple[OriginTransport, Common] | None:
        """The origin of all requests of this question, and the common part of their heads; None if there is none."""
        if request.question is None:
            return None
        origin, believed = self._origins.of(request.path), is_trusted(request.client, self._trusted)
        host = self._host(origin, request)
        common = in_common(request.question, host, accept_encoding, frozenset(without), believed)
        return None if common is None else (origin, common)

    def to_exchange(
        self, origin: OriginTransport, quick: QuickExchange, request: Request, on_answer: OnAnswer
    ) -> Exchange:
        """As `OriginTransport.to_exchange`."""
        asked = UpstreamRequest(
            request.method, request.target, (), on_hints=_mapped_hints(request.on_hints, origin, request)
        )
        return origin.to_exchange(quick, asked, partial(self._told_of, origin, request, (), on_answer))

    def _told_of(
        self,
        origin: OriginTransport,
        request: Request,
        without: Collection[bytes],
        on_answer: OnAnswer,
        answer: UpstreamResponse | OriginError | None,
    ) -> None:
        if isinstance(answer, UpstreamResponse):
            try:
                _must_be_asked_for(answer, request.headers, without)
                self._map(origin, request, answer)
            except OriginError as error:
                if isinstance(answer.body, Exchange):
                    answer.body.abandon()
                answer = error
        on_answer(answer)

    def _of_visitor(
        self, request: Request, accept_encoding: bytes | None, without: Collection[bytes]
    ) -> tuple[OriginTransport, UpstreamRequest]:
        origin = self._origins.of(request.path)
        host, trusted = self._host(origin, request), self._trusted
        head = request_head(request, host=host, trusted=trusted, accept_encoding=accept_encoding, without=without)
        hints, customer = _mapped_hints(request.on_hints, origin, request), self._customer_of(request)
        if head is not None:
            return origin, UpstreamRequest(
                request.method, request.target, (), head=head, on_hints=hints, customer=customer
            )
        headers = request_headers(request, host=host, trusted=trusted, accept_encoding=accept_encoding, without=without)
        body, length = request.body, request.content_length
        return origin, UpstreamRequest(
            request.method, request.target, headers, body, length, on_hints=hints, customer=customer
        )

    def _customer_of(self, request: Request) -> str:
        return self.customers.of(request.client, request.headers)

    def _host(self, origin: OriginTransport, request: Request) -> bytes:
        return request.host if self._keep_host else origin.authority

    async def _asked(
        self,
        origin: OriginTransport,
        request: Request,
        asked: UpstreamRequest,
        sent: Headers,
        without: Collection[bytes] = (),
    ) -> UpstreamResponse:
        begun = monotonic()
        try:
            answer = await origin.fetch(asked)
        finally:
            if request.wait is not None:
                request.wait.seconds += monotonic() - begun
        try:
            _must_be_asked_for(answer, sent, without)
            self._map(origin, request, answer)
        except OriginError:
            await answer.aclose()
            raise
        return answer

    def _map(self, origin: OriginTransport, request: Request, answer: UpstreamResponse) -> None:
        """Maps the answer's fields to those that the visitor gets; for a shape, once."""
        ours = _ours(request)
        if answer.shape is None:
            answer.headers = response_headers(answer.headers, address=origin.address, ours=ours)
        else:
            answer.shape = self.mapped(origin, ours, answer.shape)
        if answer.status in _REDIRECTS:
            self._tell_loop(request, answer)

    def _tell_loop(self, request: Request, answer: UpstreamResponse) -> None:
        """Logs, once, that a page leads to itself. Many shops redirect who asks them at another address than their own
        to that one, which is ours: for ever. One that sets a cookie, or answers a form, means it otherwise."""
        ours, asked_at, fields = _ours(request), self.asked_at(request), dict(answer.headers)
        is_read = request.method in (b"GET", b"HEAD") and b"set-cookie" not in fields
        if is_read and asked_at != ours and fields.get(b"location") == ours + request.target and not self._has_told:
            self._has_told = True
            told = [text.decode("latin-1") for text in (request.path, asked_at, ours)]
            log.warning("`%s` leads to itself: the origin, asked at `%s`, sends visitors to `%s`, %s", *told, LOOP)

    def mapped(self, origin: OriginTransport, ours: bytes, shape: HeadShape) -> HeadShape:
        """The shape with its fields as visitors get them."""
        mapped = self._mapped.get((shape, ours))
        if mapped is None:
            make_room(self._mapped, MOST_SHAPES)
            mapped = shape.transformed(partial(response_headers, address=origin.address, ours=ours))
            self._mapped[shape, ours] = mapped
        return mapped


def _after(wait: OriginWait, begun: float, on_answer: OnAnswer, answer: UpstreamResponse | OriginError | None) -> None:
    wait.seconds += monotonic() - begun
    on_answer(answer)


def _must_be_asked_for(answer: UpstreamResponse, sent: Headers, without: Collection[bytes]) -> None:
    """Raises `OriginError` for a 304 to a request without a condition (RFC 9110 15.4.5): who sent none has nothing that
    could be unchanged."""
    if answer.status == 304 and not any(name in _CONFIRMABLE and name not in without for name, _ in sent):
        raise OriginError("the origin answered 304 to a request without a condition", reason="malformed")


def _ours(request: Request) -> bytes:
    return request.scheme.encode() + b"://" + request.host


def _mapped_hints(tell: OnHints | None, origin: OriginTransport, request: Request) -> OnHints | None:
    """A function that passes early hints on to the client, with the origin's address replaced by ours."""
    return partial(_tell_mapped, tell, origin, _ours(request)) if tell else None


def _tell_mapped(tell: OnHints, origin: OriginTransport, ours: bytes, hints: Headers) -> None:
    with contextlib.suppress(OriginError):  # hints that break a head are none
        tell(response_headers(hints, address=origin.address, ours=ours))
