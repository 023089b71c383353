"""Range requests (RFC 9110 section 14): which bytes of a stored answer a request wants, and what a part says of the
whole."""

from __future__ import annotations

import re

from proxy.httpcache.stored import StoredResponse
from proxy.model import Headers

_PART = re.compile(rb"bytes[ \t]+\d{1,18}-\d{1,18}/(\d{1,18})", re.IGNORECASE)
_ONE_RANGE = re.compile(rb"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE)


def requested_range(stored: StoredResponse, request: Headers) -> range | None:
    """The positions of the bytes to send; an empty range if the requested one lies outside. None if the whole answer is
    to be sent: no range is requested, several are (RFC 9110 14.2 allows that), or the client has parts of another
    version (If-Range)."""
    asked = _value(request, b"range")
    if asked is None or stored.status != 200 or not _is_of_this_version(stored, request):
        return None
    match = _ONE_RANGE.fullmatch(asked)
    if match is None or match[1] == match[2] == b"":
        return None
    return _positions(match[1], match[2], len(stored.body))


def whole_length(answer: Headers) -> int | None:
    """The size of the whole that the answer is one part of, in bytes, by its Content-Range; None if that is not
    said."""
    match = _PART.fullmatch(_value(answer, b"content-range") or b"")
    return None if match is None else int(match[1])


def _positions(first: bytes, last: bytes, length: int) -> range | None:
    if not first:  # `-N`: the last N bytes
        return range(max(0, length - int(last)), length)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, length) if last else length)


def _is_of_this_version(stored: StoredResponse, request: Headers) -> bool:
    """If-Range, compared strongly (RFC 9110 13.1.5)."""
    condition = _value(request, b"if-range")
    if condition is None:
        return True
    return not condition.startswith(b"W/") and condition in (stored.get(b"etag"), stored.get(b"last-modified"))


def _value(headers: Headers, name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)
