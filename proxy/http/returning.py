"""Which fields of an origin's answer are passed back to the visitor. Pure: fields in, fields out.

Its law: only known fields are passed on (hop-by-hop fields are not), and the origin's own host is replaced by ours.
"""

from __future__ import annotations

import re

from proxy.errors import OriginError
from proxy.http.authority import Address
from proxy.http.forwarding import HOP_BY_HOP, VIA, append, has_line_end, named_by_connection
from proxy.model import Headers

# An answer that has these taken away by Connection would be stored or read wrongly: they stay.
_MEANT_FOR_ALL = frozenset(b"cache-control content-encoding content-type content-length vary set-cookie".split())
# Alt-Svc would send browsers past us, straight to the origin. Where a proxy.js of Next.js rewrites to is for the server
# in front of it, and has an address that is nobody's business.
_NOT_RETURNED = HOP_BY_HOP | {b"alt-svc", b"x-middleware-rewrite"}

_ABSOLUTE = re.compile(rb"(?:(https?):)?//([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
# Each of these goes over a value once, whatever it is: a value may have 64 kB.
_REFRESH = re.compile(rb"(\s*+[\d.]*+\s*+[;,]\s*+(?:url\s*+=\s*+)?['\"]?)(.*)", re.IGNORECASE | re.DOTALL)
_TARGET = re.compile(rb"<([^<>]*)>|\"((?:[^\"\\]|\\.)*+)(?:\"|(.?))", re.DOTALL)
_DOMAIN = re.compile(rb";\s*domain\s*=\s*\.?([^;\s]*)[^;]*", re.IGNORECASE)


def response_headers(headers: Headers, *, address: Address, ours: bytes) -> Headers:
    """The origin's fields as the visitor gets them: redirects, links and cookies of the origin's own host become ours.

    `ours` is scheme and authority as the visitor knows them, `https://shop.example`. Raises `OriginError` for a
    value that would end its field early.
    """
    dropped = (named_by_connection(headers) - _MEANT_FOR_ALL) | _NOT_RETURNED
    kept = [field for field in headers if field[0] not in dropped]
    if has_line_end(b"".join([value for _, value in kept])):
        name = next(name for name, value in kept if has_line_end(value))
        raise OriginError(f"the origin's field `{name.decode('latin-1')}` holds a line end", reason="malformed")
    kept = [(name, _MAPPED[name](value, address, ours)) if name in _MAPPED else (name, value) for name, value in kept]
    append(kept, b"via", VIA)
    return tuple(kept)


def _location(value: bytes, address: Address, ours: bytes) -> bytes:
    match = _ABSOLUTE.fullmatch(value.strip())
    if match is None:
        return value
    asked_by, (written, authority, rest) = address.scheme.encode(), match.groups()
    scheme = (written or asked_by).lower()
    if scheme != asked_by and not ours.startswith(scheme + b"://"):
        return value  # from http to https for a visitor by http: mapped, it would come back for ever
    default_port = b":80" if scheme == b"http" else b":443"
    return ours + rest if authority.lower().removesuffix(default_port) == address.authority.lower() else value


def _refresh(value: bytes, address: Address, ours: bytes) -> bytes:
    match = _REFRESH.fullmatch(value)
    return match[1] + _location(match[2], address, ours) if match else value


def _link(value: bytes, address: Address, ours: bytes) -> bytes:
    """A Link field with its targets and anchors mapped (RFC 8288); a title that looks like an address is mapped,
    too."""

    def mapped(match: re.Match[bytes]) -> bytes:
        target = match[1] if match[1] is not None else match[2]
        if match[3] is not None:  # a quotation that does not end
            return match[0]
        return match[0][:1] + _location(target, address, ours) + match[0][-1:]

    return _TARGET.sub(mapped, value)


def _set_cookie(value: bytes, address: Address, ours: bytes) -> bytes:
    """The cookie with its Domain, if it is the origin's, replaced by our host: a browser would refuse it."""
    match = _DOMAIN.search(value)
    if match is None:
        return value
    domain, origin, host = match[1].lower(), address.host.encode(), _hostname(ours)
    if not _is_within(origin, domain) or _is_within(host, domain):
        return value
    # An address or a single label cannot be a Domain: without it the cookie is this host's alone.
    is_a_domain = b"." in host and not host.rpartition(b".")[2].isdigit()
    return value[: match.start()] + (b"; Domain=" + host if is_a_domain else b"") + value[match.end() :]


def _hostname(ours: bytes) -> bytes:
    authority = ours.partition(b"://")[2]
    return authority if authority.endswith(b"]") else authority.partition(b":")[0]


def _is_within(host: bytes, domain: bytes) -> bool:
    return host == domain or host.endswith(b"." + domain)


_MAPPED = {
    b"location": _location,
    b"content-location": _location,
    b"refresh": _refresh,
    b"link": _link,
    b"set-cookie": _set_cookie,
}
