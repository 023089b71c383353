"""Incoming requests: a parsed head is checked, and made into a `Request`. Pure, but for a warning in the log.

Both the protocol and the application use this, so they see the same request and refuse the same ones. Its law: a head
that two servers might read differently is refused, never repaired; and a refused client is disconnected.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Sequence

from proxy.errors import RequestError
from proxy.http.authority import host_names, valid_host
from proxy.http.client import client_of, is_shared, is_trusted, networks
from proxy.http.forwarding import CRITICAL, named_by_connection, times_here
from proxy.http.message import NOT_STORED, Request, Response, in_words
from proxy.httpcache.key import normalised
from proxy.model import Headers
from proxy.settings import Settings

log = logging.getLogger("tailorbird.incoming")

LOOP_HELP = "`origin` leads to Tailorbird itself (help: name the shop's own address, not the one that visitors use)"

Fields = Sequence[tuple[bytes, bytes]]

HEALTH_PATH = b"/_tb/readyz"
"""What balancers ask, by whatever name they know us: what is said there is the same for all, and stored nowhere."""

# RFC 9112 3.2.1 narrowed to bytes that mean themselves. A fragment is no part of a request.
_ORIGIN_FORM = re.compile(rb"/[!\"$-~]*")
_ABSOLUTE_FORM = re.compile(rb"https?://([^/?]*)(/?)(.*)", re.IGNORECASE | re.DOTALL)
_DIGITS = re.compile(rb"[0-9]{1,18}")
_VERSIONS = frozenset({"1.0", "1.1"})
_NOT_PROXIED = frozenset({b"CONNECT", b"TRACE"})
MOST_TIMES_HERE = 3
"""So many of us may stand one behind the other."""
_ONCE = frozenset({b"host", b"content-length", b"transfer-encoding"})
_USUAL_CONNECTION = frozenset({b"keep-alive", b"close", b"Keep-Alive"})


class Incoming:
    """Checks heads by the settings `allowed_hosts` and `trusted_proxies`."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = host_names(settings.allowed_hosts)
        # RFC 9112 3.2 wants Host of HTTP/1.1; before that a server had one name. Which, must be said: an answer is
        # stored by it, and whoever comes without Host must not choose.
        self._named_before = self._hosts[0].encode() if self._hosts else b""
        self._trusted = networks(settings.trusted_proxies)
        self._has_warned = self._has_told_loop = False

    def request(
        self,
        method: bytes,
        target: bytes,
        version: str,
        fields: Fields,
        *,
        peer: str,
        scheme: str,
        body: AsyncIterator[bytes] | None = None,
    ) -> Request:
        """The request; names in `fields` are lower-case. `peer` is the address that connected, `scheme` how; `body` is
        what comes if anything comes.

        Raises `RequestError` for what may not come in. Fields with an underscore are left out: behind a CGI they
        would stand for the same field with a hyphen.
        """
        named = dict(fields)
        if version not in _VERSIONS:
            raise RequestError("HTTP/1.0 and HTTP/1.1 are spoken here", status=505)
        if method in _NOT_PROXIED:
            raise RequestError("this method is not served", status=501)
        if len(named) != len(fields):
            _require_once(fields)
        length = _require_framing(named, version)
        if b"via" in named:
            self._require_no_loop(target, tuple(fields))
        if len(named) != len(fields) or named.get(b"connection", b"close") not in _USUAL_CONNECTION:
            _require_own_fields(fields)
        host = named.get(b"host")
        if host is None and version == "1.0":
            host = b"localhost" if target == HEALTH_PATH else self._named_before
        host = valid_host(host or b"", () if target == HEALTH_PATH else self._hosts)
        path, _, query = origin_form(target, host).partition(b"?")
        if not self._has_warned and (b"x-forwarded-proto" in named or b"x-forwarded-for" in named):
            self._warn_of_unnamed_proxy(peer)
        return Request(
            method=method,
            path=normalised(path),
            query=query,
            host=host,
            headers=tuple(fields) if b"_" not in b"".join(named) else tuple(f for f in fields if b"_" not in f[0]),
            scheme=client_of(peer, tuple(fields), self._trusted, scheme)[1] if self._trusted else scheme,
            client=peer,
            body=body if length or b"transfer-encoding" in named else None,
            content_length=length,
        )

    def _require_no_loop(self, target: bytes, fields: Headers) -> None:
        """Refuses, and logs once, what comes back from where it was sent: each of its turns would take a place at the
        origin (RFC 9110 7.6.3)."""
        if times_here(fields) < MOST_TIMES_HERE:
            return
        if not self._has_told_loop:
            self._has_told_loop = True
            log.error("`%s` comes back again and again: %s", target.decode("latin-1"), LOOP_HELP)
        raise RequestError("this request comes back again and again", status=508)

    def _warn_of_unnamed_proxy(self, peer: str) -> None:
        """Says, once, that a proxy nearby is not believed: a shop that redirects to https would do so for ever."""
        if peer and is_shared(peer, ()) and not is_trusted(peer, self._trusted):
            self._has_warned = True
            log.warning(
                "%s says for whom it asks and by which scheme, and is not believed: if it is a proxy of yours, set "
                "TAILORBIRD_TRUSTED_PROXIES=%s (or its network); else the shop is told that all come from it, by http",
                *(peer, peer),
            )


def _require_once(fields: Fields) -> None:
    names = [name for name, _ in fields if name in _ONCE]
    if len(names) != len(set(names)):
        raise RequestError("a field that may be there once is there twice")


def _require_framing(named: dict[bytes, bytes], version: str) -> int | None:
    """Checks Content-Length by RFC 9112 6.1 and 6.3, strictly where these leave a choice."""
    length, coding = named.get(b"content-length"), named.get(b"transfer-encoding")
    if coding is not None and (length is not None or version == "1.0" or coding.lower() != b"chunked"):
        raise RequestError("Transfer-Encoding is `chunked`, in HTTP/1.1, without Content-Length; or not there")
    if length is None:
        return None
    if not _DIGITS.fullmatch(length):
        raise RequestError("Content-Length is a number")
    return int(length)


def _require_own_fields(fields: Fields) -> None:
    """Refuses a Connection field that names one of these: without it the request is another one (as CVE-2021-32813)."""
    if CRITICAL & named_by_connection(tuple(fields)):
        raise RequestError("the Connection field names a field that is not the connection's")


def origin_form(target: bytes, host: bytes) -> bytes:
    """Path and query of the target. An absolute one must name the host that Host names."""
    if target.startswith(b"/"):
        path = target
    else:
        match = _ABSOLUTE_FORM.fullmatch(target)
        if match is None or match[1].lower() != host:
            raise RequestError("the target of a request is a path on its host")
        path = b"/" + match[3]
    if not _ORIGIN_FORM.fullmatch(path):
        raise RequestError("the target of a request has a character that must be escaped")
    return path


def require_small(target: bytes, fields: Fields, settings: Settings) -> None:
    """Raises `RequestError` for a head beyond one of the limits."""
    sizes = [len(name) + len(value) + len(b": \r\n") for name, value in fields]
    if len(target) > settings.max_request_line_bytes:
        raise RequestError("the address is too long", status=414)
    if len(sizes) > settings.max_fields or max(sizes, default=0) > settings.max_field_bytes:
        raise RequestError("the request has too many fields, or one that is too long", status=431)
    if len(target) + sum(sizes) > settings.max_head_bytes:
        raise RequestError("the request's fields are too long together", status=431)


def refusal(error: RequestError) -> Response:
    """The answer to a refused request. It closes the connection, since the end of the request is not certain."""
    later = ((b"retry-after", b"1"),) if error.status == 503 else ()
    return in_words(error.status, str(error), *NOT_STORED, *later, (b"connection", b"close"))
