"""Conditional requests: validating a stored answer with the origin, and answering 304 to clients (RFC 9110 section 13,
RFC 9111 section 4.3)."""

from __future__ import annotations

from proxy.httpcache.freshness import http_date
from proxy.httpcache.stored import StoredResponse
from proxy.model import Headers

_OF_THE_BODY = frozenset({b"content-length", b"content-encoding", b"content-type", b"content-range", b"etag"})
"""Fields that a 304 does not update: they describe the stored body (RFC 9111 3.2; the ETag was compared before)."""


def conditions(stored: StoredResponse) -> Headers:
    """The request fields that validate the stored answer with the origin; none if it has no validator."""
    pairs = ((b"if-none-match", stored.get(b"etag")), (b"if-modified-since", stored.get(b"last-modified")))
    return tuple((name, value) for name, value in pairs if value is not None)


def is_confirmed_by(stored: StoredResponse, headers: Headers) -> bool:
    """Whether a 304 with these headers confirms the stored answer (RFC 9111 4.3.4)."""
    new = next((value for name, value in headers if name == b"etag"), None)
    old = stored.get(b"etag")
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
        tags = {_opaque(tag.strip()) for tag in listed.split(b",")}
        return b"*" in tags or (etag is not None and _opaque(etag) in tags)
    since = next((http_date(value) for name, value in request if name == b"if-modified-since"), None)
    changed_at = None if last_modified is None else http_date(last_modified)
    return since is not None and changed_at is not None and changed_at <= since


def _opaque(tag: bytes) -> bytes:
    return tag.removeprefix(b"W/")
