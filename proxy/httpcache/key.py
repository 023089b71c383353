"""What a stored answer is stored under: the target URI (RFC 9111 section 2), and the request fields its Vary names.

Its law: what is not in the key is not sent to the origin, so nobody can store under an address something that the
address did not ask for. The same normalised bytes serve as key and as what is asked of the origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from proxy.httpcache.coding import preferred
from proxy.httpcache.cookies import cookie_value
from proxy.model import Headers

Varying = tuple[tuple[bytes, bytes], ...]
"""The request fields an answer was chosen by, in order of name: name, normalised value (empty: absent)."""

COOKIE = b"cookie;"
"""Before the name of a cookie: one that tells answers apart, as `cookie;currency` beside real fields."""

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NEEDS_CARE = re.compile(rb"%|/\.")


def target_key(scheme: bytes, host: bytes, target: bytes) -> bytes:
    """The key of a normalised `target`: its whole URI, so that a purge by prefix is a comparison of bytes."""
    return scheme + b"://" + host + target


def normalised(path: bytes) -> bytes:
    """The path in the one form RFC 3986 6.2.2 calls equivalent: unreserved characters unescaped, hex digits in
    capitals, dot segments removed. What means something else stays apart (`%2F` is not `/`)."""
    if not _NEEDS_CARE.search(path):
        return path
    return _without_dots(_ESCAPE.sub(_escape, path))


def _escape(match: re.Match[bytes]) -> bytes:
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
    """The request fields an answer's Vary names; `*` among them when no other request may be given it."""
    listed = b",".join(value for name, value in headers if name == b"vary")
    return frozenset(name.strip().lower() for name in listed.split(b",") if name.strip())


def varying(names: Iterable[bytes], request: Headers) -> Varying:
    """What a request says in the fields `names`, normalised so that requests which mean the same are the same
    (RFC 9111 4.1): for Accept-Encoding only the codings we tell apart count, languages have no case, elsewhere only
    space and order of lines are evened out. The order of languages stays: some origins take it for a preference."""
    return tuple((name, _value(name, request)) for name in sorted(names))


def matches(stored: Varying, request: Headers) -> bool:
    """True when the request says the same in every field the stored answer was chosen by."""
    return all(value == _value(name, request) for name, value in stored)


def _value(name: bytes, request: Headers) -> bytes:
    if name.startswith(COOKIE):
        return cookie_value(name.removeprefix(COOKIE), request) or b""
    joined = b",".join(value for key, value in request if key == name)
    if name == b"accept-encoding":
        return b",".join(preferred(joined))
    if name == b"accept-language":
        joined = joined.lower()
    return b",".join(part.strip() for part in joined.split(b",")) if joined else b""
