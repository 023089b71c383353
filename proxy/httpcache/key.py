"""The cache key of an answer: the target URI (RFC 9111 section 2), and the request fields that its Vary names.

Nothing that is not part of the key is sent to the origin, so nobody can store the answer to another request under an
address (cache poisoning). The same normalised bytes are the key and the target sent to the origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from proxy.httpcache.coding import accepted_codings
from proxy.httpcache.cookies import cookie_value
from proxy.model import Headers

Varying = tuple[tuple[bytes, bytes], ...]
"""The request fields that an answer was selected by: name and normalised value (empty: absent), sorted by name. Of
Accept-Encoding it is the coding that the origin chose, `|`, and the codings that it was offered."""

COOKIE = b"cookie;"
"""The prefix of a cookie in `Varying`: `cookie;currency` stands for the cookie `currency`."""

_CODING = b"accept-encoding"
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NEEDS_CARE = re.compile(rb"%|/\.")


def target_key(scheme: bytes, host: bytes, target: bytes) -> bytes:
    """The key of a normalised `target` (path and query): the whole URI, so that a purge by prefix compares bytes."""
    return scheme + b"://" + host + target


def normalised(path: bytes) -> bytes:
    """The path normalised by RFC 3986 6.2.2: unreserved characters unescaped, hex digits in capitals, dot segments
    removed. Other escapes stay, as they mean something else (`%2F` is not `/`). A `%` that escapes nothing becomes
    `%25`; else `%%32e` would be sent on as `%2e`, which origins take for a dot."""
    if not _NEEDS_CARE.search(path):
        return path
    return _without_dots(_ESCAPE.sub(_escape, path))


def _escape(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        return b"%25"
    byte = int(match[1], 16)
    return bytes((byte,)) if byte in _UNRESERVED else match[0].upper()


def _without_dots(path: bytes) -> bytes:
    """RFC 3986 5.2.4."""
    kept: list[bytes] = []
    segments = path.split(b"/")
    for segment in segments:
        if segment == b"..":
            del kept[max(1, len(kept) - 1) :]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/".join(kept) if len(kept) > 1 else b"/"


def vary_names(headers: Headers) -> frozenset[bytes]:
    """The request fields that an answer's Vary names, in lower case; `*` if no other request may get the answer."""
    listed = b",".join(value for name, value in headers if name == b"vary")
    return frozenset(name.strip().lower() for name in listed.split(b",") if name.strip())


def varying(names: Iterable[bytes], request: Headers) -> Varying:
    """A request's values of the fields `names`, normalised (RFC 9111 4.1): of Accept-Encoding only the known codings
    count, Accept-Language is in lower case, and in all others only spaces around list members are removed. The order of
    languages stays: some origins take it for a preference."""
    return tuple((name, _value(name, request)) for name in sorted(names))


def in_coding(chosen: Varying, coding: bytes) -> Varying:
    """The same for an answer that came in this coding, "" for none. One that the origin was not offered says nothing of
    what others would get."""
    return tuple(
        (name, coding + b"|" + value if name == _CODING and coding in (b"", *_listed(value)) else value)
        for name, value in chosen
    )


def matches(stored: Varying, request: Headers) -> bool:
    """True if the origin would select the stored answer for the request: it has the same value in every field that the
    answer was selected by. Of Accept-Encoding it accepts the coding, and none that the origin was not offered when it
    chose this one; or it is a browser's for a page, which is asked for without coding."""
    return all(
        _is_chosen_for(value, _value(name, request)) or (value.startswith(b"|") and _is_for_page(request))
        if name == _CODING
        else value == _value(name, request)
        for name, value in stored
    )


def _is_for_page(request: Headers) -> bool:
    return any(name == b"accept" and b"text/html" in value.lower() for name, value in request)


def supersedes(new: Varying, old: Varying) -> bool:
    """True if whatever matches `old` matches `new`, which came in the same coding."""
    return new == old or (
        len(new) == len(old)
        and all(
            one == other or (one[0] == other[0] == _CODING and _is_wider(one[1], other[1]))
            for one, other in zip(new, old, strict=True)
        )
    )


def confirmed(old: Varying, new: Varying) -> Varying:
    """What an answer selected by `old` is selected by once a 304 gave it to a request for `new`. It stays in the coding
    it came in, and for whoever may have that."""
    coded = dict(old).get(_CODING)
    return tuple(
        (name, coded if name == _CODING and coded and not _is_wider(value, coded) else value) for name, value in new
    )


@lru_cache(maxsize=512)
def _is_chosen_for(stored: bytes, accepted: bytes) -> bool:
    coding, _, offered = stored.rpartition(b"|")
    return stored == accepted or (
        b"|" in stored and _listed(accepted) <= _listed(offered) and coding in (b"", *_listed(accepted))
    )


def _is_wider(new: bytes, old: bytes) -> bool:
    (coding, _, offered), (other, has_coding, before) = new.rpartition(b"|"), old.rpartition(b"|")
    return bool(has_coding) and coding == other and _listed(before) <= _listed(offered)


def _listed(codings: bytes) -> frozenset[bytes]:
    return frozenset(codings.split(b",")) - {b""}


def _value(name: bytes, request: Headers) -> bytes:
    if name.startswith(COOKIE):
        return cookie_value(name.removeprefix(COOKIE), request) or b""
    joined = b",".join(value for key, value in request if key == name)
    if name == _CODING:
        return b",".join(accepted_codings(joined))
    if name == b"accept-language":
        joined = joined.lower()
    return b",".join(part.strip() for part in joined.split(b",")) if joined else b""
