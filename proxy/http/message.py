"""A request as the gateway sees it and a response as it hands it back, free of any server's or client's types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from proxy.errors import OriginError
from proxy.model import AttributeValue, Headers
from proxy.page.encode import Coding

PRIVACY_SIGNALS = (b"sec-gpc", b"dnt")
"""Fields that are `1` when a browser wants nobody profiled."""

_QUESTION_BYTES, _FIRST_BYTES = 700, 60
"""The memory of a question, and of a field, which the question shares with its header set. Measured."""

_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])


OwnFields = dict[bytes, bytes]
"""The fields of a request that differ each time, as cookies, by name in lower case."""


@dataclass(frozen=True, slots=True, eq=False)
class HeaderSet:
    """The header fields that one browser sends with each request to a site alike, parsed and checked once; with the
    site and the coding that the client accepts."""

    fields: Headers
    host: bytes
    scheme: str
    coding: Coding


class OriginWait:
    """How long a request waited for its origin: `seconds` until an answer's first byte, or the error in its place, of
    all fetches that were made for it one after the other. A turn with the origin and connecting count."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds


class Question:
    """What many requests have in common byte for byte: the page they ask for, the browser's header set, the referer.
    They differ in their own fields (cookies, say), of which there may be `room` many.

    * `key`: what the answer is stored under; `is_private`: the browser wants nobody profiled; `size`: bytes of memory,
      about.
    * `request_values`, `line`: caches, for what all these requests say to rules, and to the access log.
    """

    __slots__ = (
        "coding", "fields", "firsts", "host", "is_private", "key", "line", "method", "path", "query",
        "request_values", "room", "scheme", "size",
    )  # fmt: skip

    def __init__(self, header_set: HeaderSet, method: bytes, path: bytes, query: bytes, referer: bytes | None) -> None:
        self.method, self.path, self.query = method, path, query
        self.host, self.scheme, self.coding = header_set.host, header_set.scheme, header_set.coding
        self.fields = header_set.fields if referer is None else (*header_set.fields, (b"referer", referer))
        self.firsts = dict(reversed(self.fields))
        self.is_private = any(self.firsts.get(signal) == b"1" for signal in PRIVACY_SIGNALS)
        self.key = header_set.scheme.encode() + b"://" + header_set.host + path + (b"?" + query if query else b"")
        self.request_values: tuple[object, tuple[AttributeValue | None, ...]] = (None, ())
        self.line = b""
        self.room = 0
        self.size = (
            _QUESTION_BYTES + 3 * (len(path) + len(query)) + len(referer or b"") + _FIRST_BYTES * len(self.fields)
        )

    def request(self, own: OwnFields, client: str) -> Request:
        """The request with these own fields."""
        request = Request.__new__(Request)
        request.headers = self.fields + tuple(own.items())
        request.method, request.path, request.query = self.method, self.path, self.query
        request.host, request.scheme, request.client = self.host, self.scheme, client
        request.body = request.content_length = request._named = None
        request.depth = 0
        request.on_hints = request.wait = None
        request.question, request._firsts, request._cookies = self, own, own.get(b"cookie", b"")
        return request


@dataclass(slots=True)
class Request:
    """`path` and `query` are the raw bytes of the request target (never decoded, never rebuilt from a URL object);
    `host` is validated and lower-case; `headers` stay as they are; `client` is the address of whoever connected. `body`
    is None when none comes; `content_length` None with a body means it is streamed. `depth` counts the pages that this
    is a part of; `question` is None unless it was read by one. `on_hints` tells the client of early hints, None
    for one that may not expect any; `wait` is what is measured of its origin, if anybody wants to know."""

    method: bytes
    path: bytes
    query: bytes
    host: bytes
    headers: Headers
    scheme: str = "http"
    client: str = ""
    body: AsyncIterator[bytes] | None = None
    content_length: int | None = None
    depth: int = 0
    question: Question | None = field(default=None, init=False, compare=False)
    on_hints: Callable[[Headers], None] | None = field(default=None, init=False, repr=False, compare=False)
    wait: OriginWait | None = field(default=None, init=False, repr=False, compare=False)
    _firsts: dict[bytes, bytes] | None = field(default=None, init=False, repr=False, compare=False)
    _cookies: bytes | None = field(default=None, init=False, repr=False, compare=False)
    _named: tuple[bytes, tuple[bytes, ...]] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def target(self) -> bytes:
        """Path and query in wire form."""
        return self.path + b"?" + self.query if self.query else self.path

    def get(self, name: bytes) -> bytes | None:
        """The first value of the field `name` (lower case), or None."""
        if self._firsts is None:  # made once: a page's rules and its cache ask for a dozen
            self._firsts = dict(reversed(self.headers))
        value = self._firsts.get(name)
        return value if value is not None or self.question is None else self.question.firsts.get(name)

    @property
    def own(self) -> Mapping[bytes, bytes]:
        """The own fields of a request that was read by its question; else empty."""
        return self._firsts if self.question is not None and self._firsts is not None else {}

    def get_list(self, name: bytes, separator: bytes = b", ") -> bytes:
        """All values of the field, joined (RFC 9110 5.3; of Cookie by `; `, RFC 9113 8.2.3); empty when absent."""
        if self.get(name) is None:
            return b""
        return separator.join([value for key, value in self.headers if key == name])

    @property
    def is_private(self) -> bool:
        """True when the browser asks not to be profiled."""
        if self.question is not None:
            return self.question.is_private
        return any(self.get(signal) == b"1" for signal in PRIVACY_SIGNALS)

    @property
    def cookies(self) -> bytes:
        """All its cookies, `; ` between them; empty without any."""
        if self._cookies is None:
            self._cookies = self.get_list(b"cookie", b"; ")
        return self._cookies

    @property
    def withholds_cookies(self) -> bool:
        """True when browsers keep back even what cookies they have (`SameSite=Lax`): another site's page sends a form,
        as those do that take payments."""
        if self.method in (b"GET", b"HEAD"):
            return False
        site, origin = self.get(b"sec-fetch-site"), self.get(b"origin")  # older browsers say the latter alone
        return site == b"cross-site" if site or not origin else origin.partition(b"://")[2].lower() != self.host

    def cookies_named(self, beginning: bytes) -> tuple[bytes, ...]:
        """What follows `beginning` in the cookies that begin so; looked for once, since all our own begin alike."""
        if self._named is None or self._named[0] != beginning:
            self._named = beginning, tuple(cookies_named(beginning, self.cookies))
        return self._named[1]


class Response:
    """An answer: either `chunks`, complete and of known length, or a `stream`, whose iterator raises when the
    origin breaks off, so that the server aborts the connection instead of ending the answer as if whole.
    An async-generator stream is closed (`aclose`) by whoever sends it. `lead` is what `as_lines` makes of its fields,
    where somebody has that ready; the fields are then read off it if anybody asks."""

    __slots__ = ("_headers", "chunks", "lead", "status", "stream")

    def __init__(
        self,
        status: int,
        headers: Headers | None,
        chunks: Sequence[bytes] = (),
        stream: AsyncIterator[bytes] | None = None,
        lead: bytes = b"",
    ) -> None:
        self.status = status
        self._headers = headers
        self.chunks = chunks
        self.stream = stream
        self.lead = lead

    @property
    def headers(self) -> Headers:
        """Its fields in wire order."""
        if self._headers is None:
            self._headers = of_lines(self.lead)
        return self._headers

    def get(self, name: bytes) -> bytes | None:
        """The first value of the field `name` (lower case), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


NOT_STORED: Headers = ((b"cache-control", b"no-store"),)


def in_words(status: int, text: str, *fields: tuple[bytes, bytes]) -> Response:
    """An answer of our own for people and for programs that go by the status: a line of plain text."""
    body = text.encode() + b"\n"
    head = (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))
    return Response(status, (*head, *fields), (body,))


def in_json(status: int, what: object, *fields: tuple[bytes, bytes]) -> Response:
    """An answer of our own for programs, which nobody keeps."""
    body = msgspec.json.encode(what)
    head = (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))
    return Response(status, (*head, *NOT_STORED, (b"x-content-type-options", b"nosniff"), *fields), (body,))


Handler = Callable[[Request], Awaitable[Response]]
"""Answers at a path of our own."""


def as_lines(headers: Headers) -> bytes:
    """The fields as they stand in a head. Raises `OriginError` for one that would end its line early, or could be taken
    to: only an origin's can."""
    lines = b"\r\n".join([*map(b": ".join, headers), b""])
    if len(lines.translate(None, _CONTROLS)) != len(lines) - 2 * len(headers):
        raise OriginError("a field of the origin's answer holds a control character", reason="malformed")
    return lines


def of_lines(lines: bytes) -> Headers:
    """The fields that `as_lines` was given."""
    return tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines.split(b"\r\n")) if name)


def cookies_named(beginning: bytes, cookie_header: bytes) -> list[bytes]:
    """What follows `beginning` in the cookies that begin so, without blanks around it. Looking for it is some ten times
    faster than telling all cookies apart, of which a shop's visitor has a kilobyte or two."""
    found = []
    before, hit, rest = cookie_header.partition(beginning)
    while hit:
        if before[-2:] in _EDGES or not before.rpartition(b";")[2].strip(b" \t"):
            value, _, rest = rest.partition(b";")
            found.append(value.strip(b" \t") if beginning.endswith(b"=") else value.rstrip(b" \t"))
        else:
            rest = b"=" + rest  # it goes on within a cookie
        before, hit, rest = rest.partition(beginning)
    return found


_EDGES = frozenset((b"; ", b" ", b""))
"""How what stands before a cookie ends, as browsers write it."""
