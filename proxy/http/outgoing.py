"""The fields of our answers: what is added, and what is dropped when a body was changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxy.errors import TailorbirdError
from proxy.http.message import Request, Response, as_lines, of_lines
from proxy.httpcache.coding import accepted_codings, best_coding
from proxy.httpcache.ranges import is_unchanged, requested_range
from proxy.httpcache.stored import StoredResponse
from proxy.model import Headers
from proxy.page.encode import Assembled, Coding, header_lines

_OF_THE_OLD_BODY = frozenset(
    b"etag last-modified accept-ranges content-length content-encoding content-md5 digest content-digest repr-digest "
    b"signature signature-input".split()
)
# Any of these would let a cache behind us keep one visitor's page for others (RFC 9213 lets them overrule ours; nginx
# obeys X-Accel-Expires before Cache-Control, Akamai so Edge-Control).
_OF_SHARED_CACHES = frozenset(
    b"cache-control expires pragma age surrogate-control x-accel-expires edge-control".split()
)
_LATE = frozenset({b"vary", b"cache-status"})
_OF_ONE_CODING = frozenset(b"accept-ranges content-md5 digest content-digest repr-digest".split())
_CODINGS: dict[bytes, Coding] = {b"identity": "identity", b"gzip": "gzip", b"zstd": "zstd"}
_FOR_US = frozenset({b"tailorbird-cache-control"})  # a field that targets one cache ends there (RFC 9213 2)
_NOT_GIVEN = _FOR_US | {b"content-length"}
_TOKEN = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_KEPT_IN_304 = frozenset(b"cache-control content-location date etag expires vary set-cookie cache-status via".split())


def cache_status(said: str) -> tuple[bytes, bytes]:
    """Our member of Cache-Status (RFC 9211); as a field of its own it comes after those of caches before us."""
    return b"cache-status", b"tailorbird; " + said.encode()


def detail(reason: str) -> str:
    """A reason as Cache-Status says it: one word as it is, more in quotes (RFC 9211 2.8)."""
    if _TOKEN.fullmatch(reason):
        return f"detail={reason}"
    readable = reason.encode("ascii", "replace").decode().replace("\\", "/").replace('"', "'")
    return f'detail="{_CONTROLS.sub(" ", readable)}"'


def passed_head(headers: Headers, said: str) -> Headers:
    """The fields of an answer that is passed on."""
    return (*passed_fields(headers), cache_status(said))


def passed_fields(headers: Headers) -> Headers:
    """The same without Cache-Status."""
    return tuple([field for field in headers if field[0] not in _FOR_US])


def personal_head(headers: Headers) -> Headers:
    """An origin's fields, as they may stand above a body made for one visitor: for that visitor's browser alone, to be
    asked again each time; never looser than the origin said."""
    kept = [field for field in headers if not _is_stale(field[0]) and field[0] not in _LATE]
    said = [field for field in headers if field[0] == b"cache-status"]
    control = b"private, no-cache, no-store" if forbids_storing(headers) else b"private, no-cache"
    return (*kept, (b"cache-control", control), vary_by_coding(headers), *said)


def forbids_storing(headers: Headers) -> bool:
    """Whether no copy may be kept (`no-store`), so that it cannot be validated either."""
    return any(name == b"cache-control" and b"no-store" in value.lower() for name, value in headers)


def _is_stale(name: bytes) -> bool:
    return name in _OF_THE_OLD_BODY or name in _OF_SHARED_CACHES or name.endswith(b"-cache-control")


def vary_by_coding(headers: Headers) -> tuple[bytes, bytes]:
    """The origin's Vary, and Accept-Encoding, since we choose the coding."""
    names = [part.strip() for name, value in headers if name == b"vary" for part in value.split(b",")]
    if b"accept-encoding" not in (name.lower() for name in names):
        names.append(b"Accept-Encoding")
    return b"vary", b", ".join(name for name in names if name)


def in_any_coding(headers: Headers) -> Headers:
    """The fields of an answer whose coding we choose, now or at a later request."""
    return (*(field for field in headers if field[0] != b"vary"), vary_by_coding(headers))


def coding_for(request: Request, codings: tuple[bytes, ...]) -> Coding:
    """The coding in which a page is sent to this client, of these codings."""
    return taken_coding(request, codings) if request.question is None else request.question.coding


def taken_coding(request: Request, codings: tuple[bytes, ...]) -> Coding:
    """The same, from its fields."""
    return _CODINGS[best_coding(codings, request.get_list(b"accept-encoding"))]


def assembled_answer(
    status: int,
    lead: bytes,
    page: Assembled,
    request: Request,
    set_cookie: bytes | None = None,
    *,
    is_tagged: bool = True,
) -> Response:
    """A page put together by us. `lead` are its fields, as lines, but for those that follow from the bytes. A return
    visit whose page would be the same is a 304; but where nobody may have a copy it is not `is_tagged`."""
    lead += page.lines if is_tagged else header_lines(b"", page.coding, page.length) + page.told
    if is_tagged and status == 200 and request.get(b"if-none-match") and is_unchanged(request.headers, page.etag, None):
        return not_modified(of_lines(lead))
    if set_cookie is not None:
        lead += b"set-cookie: %b\r\n" % set_cookie
    return Response(status, None, () if request.method == b"HEAD" else page.chunks, lead=lead)


PERSONALISED, NO_PROFILE = "personalised", "no-profile"
"""Of a page with slots: `Cache-Status` says whether it went without its visitor's profile."""


class Lead:
    """The header lines of a stored page with slots: joined once, and with Cache-Status of a hit once a second. Raises
    `OriginError` as `as_lines`."""

    __slots__ = ("_constant", "_hit", "_ttl")

    def __init__(self, headers: Headers) -> None:
        self._constant = as_lines(personal_head(headers))
        self._hit = b""
        self._ttl = -1

    def of_hit(self, ttl: int) -> bytes:
        """The lines for a hit that stays fresh for `ttl` more seconds."""
        if ttl != self._ttl:
            self._hit, self._ttl = self.saying(hit(ttl)), ttl
        return self._hit

    def saying(self, said: str, detail: str = PERSONALISED) -> bytes:
        """The lines with this Cache-Status."""
        return self._constant + as_lines((cache_status(f"{said}; detail={detail}"),))


def hit(ttl: int) -> str:
    """Cache-Status of a hit that stays fresh for so many seconds."""
    return f"hit; ttl={ttl}"


def stored_answer(stored: StoredResponse, request: Request, now: float, said: str) -> Response:
    """A stored answer as it came, or the range of it that is asked for."""
    return _given(stored, stored_head(stored, now, said), request)


def packed_answer(
    stored: StoredResponse, coded: tuple[bytes, bytes] | None, request: Request, now: float, said: str
) -> Response:
    """A stored text, in the coding and with the body of `coded`, or, without, as it came."""
    headers = in_any_coding(stored_head(stored, now, said))
    if coded is None:
        takes_codings = bool(accepted_codings(request.get_list(b"accept-encoding")))
        return _given(stored, headers, request, may_be_coded=takes_codings)
    coding, body = coded
    headers = _in_coding(coding, headers)
    return not_modified(headers) if holds_copy_of(stored, request) else whole(request, 200, headers, (body,), len(body))


def _in_coding(coding: bytes, headers: Headers) -> Headers:
    """The fields of a text that we coded."""
    return (*_of_other_bytes(headers), (b"content-encoding", coding))


def _given(stored: StoredResponse, headers: Headers, request: Request, *, may_be_coded: bool = False) -> Response:
    if holds_copy_of(stored, request):
        return not_modified(headers)
    is_get = request.method == b"GET"
    part = requested_range(stored, request.headers, may_be_coded=may_be_coded) if is_get else None
    if part is not None:
        return _part(stored.body, part, request, headers)
    return whole(request, stored.status, headers, (stored.body,), len(stored.body))


def _part(body: bytes, part: range, request: Request, headers: Headers) -> Response:
    if not part:  # of which nobody may keep a copy: a cache might give it to who asks for the whole
        kept = tuple(field for field in headers if not _is_stale(field[0]))
        told = (b"cache-control", b"no-store"), (b"content-range", b"bytes */%d" % len(body))
        return whole(request, 416, (*kept, *told), (), 0)
    place = b"bytes %d-%d/%d" % (part.start, part.stop - 1, len(body))
    chunk = body[part.start : part.stop]
    return whole(request, 206, (*headers, (b"content-range", place)), (chunk,), len(chunk))


def slotless_answer(
    stored: StoredResponse,
    page: Assembled,
    coding: Coding,
    request: Request,
    now: float,
    said: str,
    *,
    is_as_came: bool,
) -> Response:
    """A stored page without slots, coded by us. `is_as_came`: its body is the origin's, byte for byte."""
    headers = in_any_coding(stored_head(stored, now, said))
    if coding != "identity":
        headers = _in_coding(coding.encode(), headers)
    elif not is_as_came:
        headers = _of_other_bytes(headers)
    if holds_copy_of(stored, request):
        return not_modified(headers)
    return whole(request, stored.status, headers, page.chunks, page.length)


def _of_other_bytes(headers: Headers) -> Headers:
    """The fields above other bytes than the origin's that say the same: the ETag becomes weak."""
    return tuple(_weak(*field) for field in headers if field[0] not in _OF_ONE_CODING)


def _weak(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return (name, b"W/" + value) if name == b"etag" and not value.startswith(b"W/") else (name, value)


def stored_head(stored: StoredResponse, now: float, said: str) -> Headers:
    """The fields of a stored answer as it came, without Content-Length."""
    kept = tuple(field for field in stored.headers if field[0] not in _NOT_GIVEN)
    return (*kept, (b"age", b"%d" % stored.age(now)), cache_status(said))


def holds_copy_of(stored: StoredResponse, request: Request) -> bool:
    """True when the client's copy is the stored one. Without Last-Modified, Date counts (RFC 9111 4.3.2)."""
    if stored.status != 200:
        return False
    return is_unchanged(request.headers, stored.get(b"etag"), stored.get(b"last-modified") or stored.get(b"date"))


def whole(request: Request, status: int, headers: Headers, chunks: Sequence[bytes], length: int) -> Response:
    """An answer of known length; to HEAD without its body."""
    if status != 204:  # RFC 9110 8.6
        headers = (*headers, (b"content-length", b"%d" % length))
    return Response(status, headers, () if request.method == b"HEAD" else chunks)


def not_modified(headers: Headers) -> Response:
    """A 304 with those of the fields that it may carry (RFC 9110 15.4.5)."""
    return Response(304, tuple(field for field in headers if field[0] in _KEPT_IN_304))


def error_page(request: Request, error: TailorbirdError, said: str) -> Response:
    """A short error page, which reveals nothing of the origin."""
    title = _TITLES.get(error.status, "Something went wrong")
    body = _PAGE % {b"title": title.encode(), b"status": b"%d" % error.status}
    headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        cache_status(said),
        *(((b"retry-after", b"1"),) if error.status == 503 else ()),
    )
    return whole(request, error.status, headers, (body,), len(body))


_TITLES = {502: "The shop did not answer", 503: "The shop is busy", 504: "The shop took too long"}
_PAGE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>%(title)s</title></head>
<body><h1>%(title)s</h1><p>Please try again in a moment. (%(status)s)</p></body></html>
"""
