"""Which fields of a request are forwarded to the origin. Pure: fields in, fields out. The way back is in
`returning.py`.

Its laws: only known fields are passed on (hop-by-hop fields, untrusted claims about the client, framing and our own
cookies are not); and a shared request is built from an allow-list, so that its answer belongs to nobody in particular.
The framing of a body is written by `upstream/sending.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from proxy.errors import RequestError
from proxy.http.client import Networks, is_trusted
from proxy.http.message import Question, Request
from proxy.model import Headers

OUR_COOKIES = frozenset({b"__host-tb_v", b"__host-tb_s", b"__host-tb_p", b"tb_v", b"tb_s", b"tb_p"})
"""Lower-case: some origins fold the case of a cookie's name."""

VIA = b"1.1 tailorbird"
CAPABILITY = (b"surrogate-capability", b'tailorbird="ESI/1.0"')
"""That includes are put together here (W3C Edge Architecture, section 2.1)."""
USER_AGENT = b"tailorbird"

# RFC 9110 7.6.1, and the fields that old peers treat as such.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    b"upgrade http2-settings".split()
)
# Host and framing are rebuilt; Expect is answered by our own server; `Proxy` becomes HTTP_PROXY in a CGI origin
# (httpoxy); the last two let a request name another path than the one that was routed and cached.
_REBUILT = HOP_BY_HOP | frozenset(b"host content-length expect proxy x-original-url x-rewrite-url".split())
# What only a trusted proxy may say of the client; so is every x-forwarded-*.
_CLAIMS = frozenset(
    b"forwarded x-real-ip x-client-ip x-cluster-client-ip true-client-ip cf-connecting-ip surrogate-capability".split()
)
_NOT_SHARED = _CLAIMS | frozenset(
    b"cookie authorization accept-encoding via x-forwarded-host x-forwarded-proto".split()
)
# A request that has these taken away by Connection is another request than the one we judged (CVE-2021-32813 class).
CRITICAL = frozenset(b"host content-length transfer-encoding content-type cookie authorization".split())
_OURS = re.compile(rb"(?:%b)\s*(?:=|$)" % b"|".join(map(re.escape, sorted(OUR_COOKIES))), re.IGNORECASE)
_AS_WE_WRITE = re.compile(rb"; __Host-tb_[vsp]=[^;]*")


def request_headers(
    request: Request,
    *,
    host: bytes,
    trusted: Networks = (),
    accept_encoding: bytes | None = None,
    without: Collection[bytes] = (),
) -> Headers:
    """The fields of the visitor's own request as the origin gets them.

    `host` is the Host to send. `accept_encoding` replaces the visitor's, None keeps it. `without` names further
    fields to leave out. Raises `RequestError` when Connection names a field that decides what the request is.
    """
    return _rebuilt(request, host, is_trusted(request.client, trusted), accept_encoding, without)


def _rebuilt(
    request: Request, host: bytes, believed: bool, accept_encoding: bytes | None, without: Collection[bytes]
) -> Headers:
    dropped = named_by_connection(request.headers)
    if dropped & CRITICAL:
        raise RequestError("the Connection field names a field that is not the connection's")
    dropped.update(without)
    if accept_encoding is not None:
        dropped.add(b"accept-encoding")
    kept = [(b"host", host)]
    for name, value in request.headers:
        if name in dropped or not _may_pass(name, believed):
            continue
        if name == b"cookie":
            value = without_our_cookies(value)
            if not value:
                continue
        kept.append((name, value))
    if accept_encoding:
        kept.append((b"accept-encoding", accept_encoding))
    return tuple(_introduced(kept, request))


def request_head(
    request: Request,
    *,
    host: bytes,
    trusted: Networks = (),
    accept_encoding: bytes | None = None,
    without: Collection[bytes] = (),
) -> bytes | None:
    """The whole head of a request that was read by its question: the same fields in another order, with the common part
    made once. None where it has to be made for this request alone."""
    question = request.question
    if question is None:
        return None
    believed = is_trusted(request.client, trusted)
    common = in_common(question, host, accept_encoding, frozenset(without), believed)
    return None if common is None else head_of_one(common, question, request.own, request.client)


def head_of_one(common: Common, question: Question, own: Mapping[bytes, bytes], address: str) -> bytes:
    """The whole head of one request, from the common part and its own fields. Raises `RequestError` for a field with a
    line end."""
    said = client = address.encode()
    late = [common.lines, _forwarded_line(client, question.host, question.scheme)]
    for name, value in own.items():
        if name in common.dropped or not _may_pass(name, common.believed):
            continue
        if name == b"x-forwarded-for":
            said = value + b", " + client if client else value
        elif value := without_our_cookies(value) if name == b"cookie" else value:
            late.append(name + b": " + value + b"\r\n")
        if has_line_end(value):
            raise RequestError("a field of the request holds a line end")
    return b"".join((*late, b"x-forwarded-for: %b\r\n\r\n" % said if said else b"\r\n"))


class Common(NamedTuple):
    """The part of a request's head that all requests for one question share: its `lines`, the request line first; the
    names of fields that are not passed on; and whether claims about the client are `believed`."""

    lines: bytes
    dropped: frozenset[bytes]
    believed: bool


@lru_cache(maxsize=2_048)
def in_common(
    question: Question, host: bytes, accept_encoding: bytes | None, without: frozenset[bytes], believed: bool
) -> Common | None:
    """The common part of the heads of a question's requests. None where it has fields about the client, to which each
    request adds; or where it is not a valid head."""
    if believed and (b"forwarded" in question.firsts or b"x-forwarded-for" in question.firsts):
        return None
    nobody = Request(question.method, question.path, question.query, question.host, question.fields, question.scheme)
    if nobody.target.split() != [nobody.target]:
        return None
    headers = _rebuilt(nobody, host, believed, accept_encoding, without)
    line = b"%b %b HTTP/1.1\r\n" % (question.method, nobody.target)
    lines = b"".join([line, *(b"%b: %b\r\n" % field for field in headers if field[0] != b"forwarded")])
    return Common(lines, without | named_by_connection(question.fields), believed)


@lru_cache(maxsize=2_048)
def _forwarded_line(client: bytes, host: bytes, scheme: str) -> bytes:
    return b"forwarded: %b\r\n" % _forwarded(client, host, scheme.encode())


@lru_cache(maxsize=1_024)  # asked a dozen times for each request
def _may_pass(name: bytes, believed: bool) -> bool:
    """Whether a field of this name may reach the origin; `believed` says that a trusted proxy sent it."""
    is_claim = name in _CLAIMS or name.startswith(b"x-forwarded-")
    return name not in _REBUILT and b"_" not in name and (believed or not is_claim)


def shared_headers(
    request: Request, allowed: Collection[bytes], *, host: bytes, trusted: Networks = (), accept_encoding: bytes = b""
) -> Headers:
    """The fields of a fetch whose answer may be shown to everybody: of the visitor's own only those `allowed`, never
    the ones that say who asks, and what proxies claim from none but the `trusted`."""
    kept = [(b"host", host)]
    if b"user-agent" not in allowed:
        kept.append((b"user-agent", USER_AGENT))
    if accept_encoding:
        kept.append((b"accept-encoding", accept_encoding))
    believed = is_trusted(request.client, trusted)
    kept += [
        (name, value)
        for name, value in request.headers
        if name in allowed and name not in _NOT_SHARED and _may_pass(name, believed)
    ]
    host_and_scheme = b'host="%b";proto=%b' % (request.host, request.scheme.encode())
    return (
        *kept,
        (b"forwarded", host_and_scheme),
        (b"x-forwarded-proto", request.scheme.encode()),
        (b"x-forwarded-host", request.host),
        (b"via", b", ".join([VIA] * (times_here(request.headers) + 1))),
        CAPABILITY,
    )


def times_here(headers: Headers) -> int:
    """How often the request has come through here, or another Tailorbird, before."""
    return sum(value.count(VIA) for name, value in headers if name == b"via")


def named_by_connection(headers: Headers) -> set[bytes]:
    """The fields which Connection declares to be for this hop only, lower-case."""
    values = [value for name, value in headers if name == b"connection"]
    return {token.strip().lower() for value in values for token in value.split(b",")} - {b""} if values else set()


def without_our_cookies(value: bytes) -> bytes:
    """A Cookie field without the cookies Tailorbird sets; untouched when it has none of them."""
    value, found = _AS_WE_WRITE.subn(b"", value)  # most often all of them: then it need not be gone through
    if found:
        value = value.strip(b"; \t")
    lowered = value.lower()
    if lowered.rfind(b"tb_") < 0:  # which takes a fourth of what `find` takes
        return value
    kept, begun, at = [], 0, lowered.find(b"tb_")
    while at >= 0:
        start, end = lowered.rfind(b";", 0, at) + 1, lowered.find(b";", at)
        end = len(lowered) if end < 0 else end
        if _OURS.match(lowered[start:end].strip()):
            kept.append(value[begun:start])
            begun = end + 1
        at = lowered.find(b"tb_", end)
    return b"".join([*kept, value[begun:]]).strip(b"; \t") if kept else value


def _introduced(kept: list[tuple[bytes, bytes]], request: Request) -> list[tuple[bytes, bytes]]:
    """Adds the fields about the client and us as a proxy. Such fields in `kept` come from a trusted proxy: we append to
    its lists, and keep what it says of scheme and host."""
    names = {name for name, _ in kept}
    scheme, client = request.scheme.encode(), request.client.encode()
    added = [(b"forwarded", _forwarded(client, request.host, scheme))]
    if client:
        added.append((b"x-forwarded-for", client))
    for name, value in (*added, (b"via", VIA), CAPABILITY):
        if name in names:
            append(kept, name, value)
        else:
            kept.append((name, value))
    if b"x-forwarded-proto" not in names:
        kept.append((b"x-forwarded-proto", scheme))
    if b"x-forwarded-host" not in names:
        kept.append((b"x-forwarded-host", request.host))
    return kept


def _forwarded(client: bytes, host: bytes, scheme: bytes) -> bytes:
    node = b'"[%b]"' % client if client.find(b":") >= 0 else client or b"unknown"
    return b'for=%b;host="%b";proto=%b' % (node, host, scheme)


def append(fields: list[tuple[bytes, bytes]], name: bytes, value: bytes) -> None:
    """Makes `value` the last member of the list field `name`, joining what is there into one field."""
    before = [old for key, old in fields if key == name]
    if before:
        fields[:] = [pair for pair in fields if pair[0] != name]
    fields.append((name, b", ".join([*before, value])))


def has_line_end(value: bytes) -> bool:
    """Whether it has a line end, or a NUL. (`in` takes five times as long: it first tries to read bytes as a
    number.)"""
    return value.find(b"\n") >= 0 or value.find(b"\r") >= 0 or value.find(b"\0") >= 0
