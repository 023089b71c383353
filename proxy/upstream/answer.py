"""One answer of an origin, parsed strictly. Bytes go in, a head and body pieces come out; no socket is involved.

This closes what llhttp leaves open: the only transfer coding decoded is `chunked`, heads are limited in bytes and
fields, informational answers in number, and an answer that ends early is an error, never a short page. After a complete
answer `may_reuse` says whether the connection is clean (RFC 9112 6.3, 9.6).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from math import inf
from typing import Any

import httptools

from proxy.errors import OriginError
from proxy.http.forwarding import named_by_connection
from proxy.model import Headers, HeadShape
from proxy.ports import UpstreamResponse
from proxy.upstream import plain
from proxy.upstream.plain import Plain

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KNOWN_CODING = re.compile(rb"chunked|compress|deflate|gzip|trailers", re.IGNORECASE)

_KEPT = re.compile(rb"\btimeout\s*=\s*\"?(\d{1,6})", re.IGNORECASE)

MAX_HEAD_BYTES = 64 * 1024
MAX_FIELDS = 256  # an origin may be wordier than the 100 we take from strangers
MAX_INFORMATIONAL = 10


class Answer:
    """`status` and `headers` are set once `has_head`; `chunks` has the part of the body that was not taken yet, `hints`
    the fields of early hints (103) before the answer.

    `is_bounded` is False when only the closing of the connection ends the body. With `may_switch`, a 101 is an
    answer, and what followed its head is in `rest`; else it is an error, since nobody asked for it. `read` is what
    reads plain heads: `plain.read`, or one that knows the origin's shapes.
    """

    status = 0
    size = 0
    rest = b""
    shape: HeadShape | None = None
    values: Sequence[bytes] = ()
    has_begun = False
    has_head = False
    is_complete = False
    may_reuse = False
    is_bounded = True
    _headers: Headers | None = ()
    _fields: list[tuple[bytes, bytes]]
    _head_bytes = 0
    _silent_bytes = 0
    _informational = 0
    _left = 0  # bytes still due of a body that is read without a parser
    _parser: Any = None

    def __init__(
        self, *, is_head: bool = False, may_switch: bool = False, read: Callable[[bytes], Plain | None] = plain.read
    ) -> None:
        self.chunks: list[bytes | memoryview] = []
        self.hints: Sequence[Headers] = ()
        self._is_head = is_head
        self._may_switch = may_switch
        self._read_plainly = read

    @property
    def headers(self) -> Headers:
        """Its fields, names in lower case."""
        return self.shape.headers(self.values) if self.shape else self._headers or ()

    def response(self, body: AsyncIterator[bytes]) -> UpstreamResponse:
        """The answer, once its head is there."""
        return UpstreamResponse(self.status, self._headers, body, self.is_bounded, self.shape, self.values)

    def feed(self, data: bytes) -> None:
        """Reads the next bytes. Raises `OriginError` for an ill-formed answer; a head that came with the error does not
        count. Bytes after the end only forbid reuse."""
        if not self.has_begun:
            self.has_begun = True
            if not self._try_plain(data):
                self._read(data)
        elif self.is_complete:
            self.may_reuse = False
        elif self._left:
            self._take(data)
        else:
            self._read(data)

    def _try_plain(self, data: bytes) -> bool:
        """Reads a plain head quickly; False if this is none."""
        head = None if self._is_head or self._may_switch else self._read_plainly(data)
        if head is None or head.length == plain.CHUNKED:
            return False
        self.status, self._headers, body_at, self._left, self.shape, self.values, is_last = head
        self.has_head, self.may_reuse = True, not is_last
        self._take(memoryview(data)[body_at:])  # most often all of the body: not copied
        return True

    def _take(self, body: bytes | memoryview) -> None:
        size = len(body)
        if size > self._left:
            self.may_reuse = False
            size = self._left
            body = body[:size]
        if size:
            self.chunks.append(body)
            self.size += size
            self._left -= size
        self.is_complete = not self._left

    def _read(self, data: bytes) -> None:
        """Feeds the strict parser."""
        if self._parser is None:
            self._parser, self._fields = httptools.HttpResponseParser(self), []
            # Some origins pad chunk sizes with spaces, which are to be skipped (RFC 9112 7.1.1).
            self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)
        self._silent_bytes += len(data)
        had_head = self.has_head
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switched:
            self.rest = data[switched.args[0] :]
        except httptools.HttpParserError as error:
            self.has_head = had_head or self.is_complete
            self._refused(error)
        if self.is_complete:
            self._parser = None  # it holds us, we hold it: not left to the garbage collector
            if len(data) > 4 and not data[-5:].strip(b"\r\n"):  # it skips line ends before the next one
                self.may_reuse = False
        elif self._silent_bytes > MAX_HEAD_BYTES:
            raise _malformed("its head, trailer or chunk line is too long")

    def end(self) -> None:
        """The origin will send no more. Raises `OriginError` when more was due."""
        if self.is_complete or (self.has_head and not self.is_bounded):
            self.is_complete = True
        elif self.has_begun:
            raise OriginError("the origin's answer broke off before its end", reason="truncated")
        else:
            raise OriginError("the origin closed the connection without an answer", reason="reset")
        self._parser = None

    def take(self) -> bytes:
        """The part of the body that came since the last call, in one piece."""
        first = self.chunks[0] if len(self.chunks) == 1 else b""
        data = first if isinstance(first, bytes) and first else b"".join(self.chunks)
        self.take_pieces()
        return data

    def take_pieces(self) -> list[bytes | memoryview]:
        """The same in the pieces in which it came."""
        pieces, self.chunks, self.size = self.chunks, [], 0
        return pieces

    def _refused(self, error: httptools.HttpParserError) -> None:
        if self.is_complete:
            self.may_reuse = False
            return
        if isinstance(error.__context__, OriginError):
            raise error.__context__ from None
        raise _malformed(str(error)) from error

    # -- called by the parser ------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.is_complete:
            self.may_reuse = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEAD_BYTES or len(self._fields) >= MAX_FIELDS:
            raise _malformed("its head is too large")
        if not self.has_head:  # trailers are dropped: we never promised to carry them
            # Spaces behind a value are no part of it (RFC 9110 5.5). Tabs stay: with one behind it, the parser does not
            # take `chunked` for that, so nor may we.
            self._fields.append((name.lower(), value.rstrip(b" ")))

    def on_headers_complete(self) -> None:
        if self.has_head:
            return
        status = self._parser.get_status_code()
        if not 100 <= status < 600:
            raise _malformed(f"{status} is no status")
        if status < 200 and not (status == 101 and self._may_switch):
            self._skip_informational(status)
            return
        self.status = status
        # A 204 has no length (RFC 9110 8.6): whoever believed one would wait for a body.
        self._headers = tuple(field for field in self._fields if status != 204 or field[0] != b"content-length")
        self.has_head = True
        self._silent_bytes = 0
        self._settle_framing()
        if self._is_head:
            self.is_complete = True
            self.may_reuse = False  # some origins send the body all the same: late, it would be the next answer

    def on_body(self, body: bytes) -> None:
        if self.is_complete:  # a body after the head of an answer to HEAD
            self.may_reuse = False
            return
        self._silent_bytes = 0
        self.chunks.append(body)
        self.size += len(body)

    def on_message_complete(self) -> None:
        if self.has_head:
            self.is_complete = True

    def _skip_informational(self, status: int) -> None:
        self._informational += 1
        if status == 103:
            self.hints = (*self.hints, tuple(self._fields))
        self._fields.clear()
        if status == 101:
            raise _malformed("it switches protocols unasked")
        if self._informational > MAX_INFORMATIONAL:
            raise _malformed("it never gets past informational answers")

    def _settle_framing(self) -> None:
        version = self._parser.get_http_version()
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        is_chunked = [coding.lower() for coding in codings] == [b"chunked"]
        has_length = any(name == b"content-length" for name, _ in self.headers)
        if codings and (version != "1.1" or not (is_chunked or (_is_unheard_of(codings) and not has_length))):
            raise _malformed("its Transfer-Encoding is not `chunked`")
        self.is_bounded = is_chunked or has_length or self._is_head or self.status in (101, 204, 304)
        is_last = version != "1.1" or b"close" in named_by_connection(self.headers)
        self.may_reuse = self.is_bounded and not is_last and bool(is_chunked or not codings)


def kept_seconds(headers: Headers) -> float:
    """How long the connection may be idle before it is used again: a second less than the origin keeps it open by its
    own word, since a request sent as it closes is lost (Apache and Node.js close after five); infinite if it says
    nothing."""
    said = [_KEPT.search(value) for name, value in headers if name == b"keep-alive"]
    seconds = [int(match[1]) for match in said if match is not None]
    return min((max(each - 1, each / 2) for each in seconds), default=inf)


def _is_unheard_of(codings: list[bytes]) -> bool:
    """True for a single transfer coding that is undefined, or `identity`: the body lasts until the origin closes (RFC
    9112 6.3), and is passed on as it is. A known one would have to be decoded."""
    return len(codings) == 1 and bool(_TOKEN.fullmatch(codings[0])) and not _KNOWN_CODING.search(codings[0])


def _malformed(what: str) -> OriginError:
    return OriginError(f"the origin's answer is malformed: {what}", reason="malformed")
