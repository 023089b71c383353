"""Range requests (RFC 9110 section 14): which bytes of a stored answer a request wants, and what a part says of the
whole. And conditional requests (section 13)."""

from __future__ import annotations

import re

from proxy.httpcache.stored import StoredResponse, http_date
from proxy.model import Headers

_PART = re.compile(rb"bytes[ \t]+\d{1,18}-\d{1,18}/(\d{1,18})", re.IGNORECASE)
_ONE_RANGE = re.compile(rb"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE)


def requested_range(stored: StoredResponse, request: Headers, *, may_be_coded: bool = False) -> range | None:
    """The positions of the bytes to send; an empty range if the requested one lies outside. None if the whole answer is
    to be sent: no range is requested, several are (RFC 9110 14.2 allows that), or the client has parts of another
    version (If-Range). `may_be_coded`: we may have sent it in a coding, with the same date."""
    asked = _value(request, b"range")
    if asked is None or stored.status != 200 or not _is_of_this_version(stored, request, may_be_coded):
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


def _is_of_this_version(stored: StoredResponse, request: Headers, may_be_coded: bool) -> bool:
    """If-Range, compared strongly (RFC 9110 13.1.5)."""
    condition = _value(request, b"if-range")
    if condition is None:
        return True
    date = None if may_be_coded else stored.get(b"last-modified")
    return not condition.startswith(b"W/") and condition in (stored.get(b"etag"), date)


def _value(headers: Headers, name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)


# -- Conditional requests: validating a stored answer with the origin, and answering 304 to clients (RFC 9110 section
# 13, RFC 9111 section 4.3).

_OF_THE_BODY = frozenset({b"content-length", b"content-encoding", b"content-type", b"content-range", b"etag"})
"""Fields that a 304 does not update: they describe the stored body (RFC 9111 3.2; the ETag was compared before)."""


def conditions(stored: StoredResponse) -> Headers:
    """The request fields that validate the stored answer with the origin; none if it has no validator."""
    pairs = ((b"if-none-match", stored.get(b"etag")), (b"if-modified-since", stored.get(b"last-modified")))
    return tuple((name, value) for name, value in pairs if value is not None)


def is_confirmed_by(stored: StoredResponse, headers: Headers) -> bool:
    """Whether a 304 with these headers confirms the stored answer (RFC 9111 4.3.4)."""
    new, old = _value(headers, b"etag"), stored.get(b"etag")
    return new is None or old is None or _opaque(new) == _opaque(old)


def updated_headers(stored: Headers, headers: Headers) -> Headers:
    """The fields of a stored answer, updated by those of a 304 (RFC 9111 3.2)."""
    new = tuple((name, value) for name, value in headers if name not in _OF_THE_BODY)
    replaced = {name for name, _ in new} | {b"date"}  # with the old Date the confirmed answer would look old
    return tuple((name, value) for name, value in stored if name not in replaced) + new


def is_unchanged(request: Headers, etag: bytes | None, last_modified: bytes | None) -> bool:
    """Whether the client's copy is current, so that the answer is 304: by If-None-Match (compared weakly), else by
    If-Modified-Since (RFC 9110 13.2.2)."""
    listed = b",".join(value for name, value in request if name == b"if-none-match")
    if listed:
        if etag is not None and _opaque(listed) == _opaque(etag):
            return True  # as browsers send it: one tag, which may hold a comma
        tags = {_opaque(tag.strip()) for tag in listed.split(b",")}
        return b"*" in tags or (etag is not None and _opaque(etag) in tags)
    since = next((http_date(value) for name, value in request if name == b"if-modified-since"), None)
    changed_at = None if last_modified is None else http_date(last_modified)
    return since is not None and changed_at is not None and changed_at <= since


def _opaque(tag: bytes) -> bytes:
    return tag.removeprefix(b"W/")
