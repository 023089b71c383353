"""Requests as bytes, and the ordinary reading of them, which the quick one is compared with."""

from __future__ import annotations

from typing import Any

import httptools

from proxy.errors import RequestError
from proxy.http.incoming import Incoming, require_small
from proxy.http.message import Request
from proxy.serve.header_sets import HeaderSets, Reader
from proxy.settings import Settings

PEER = "192.0.2.7"
SETTINGS = Settings(max_fields=12)
FIELDS = (
    b"Host: shop.example",
    b"Connection: keep-alive",
    b"User-Agent: Mozilla/5.0",
    b"Accept: text/html,*/*;q=0.8",
    b"Referer: https://shop.example/c/lamps",
    b"Accept-Encoding: gzip, br",
    b"Accept-Language: nl-NL,nl;q=0.9",
    b"Cookie: session=abc; __Host-tb_v=v1.aa.bb.cc",
)


def head(*fields: bytes, line: bytes = b"GET /c/shoes?q=red HTTP/1.1") -> bytes:
    return b"\r\n".join((line, *fields, b"", b""))


BROWSER = head(*FIELDS)


class Ordinary:
    """What the protocol makes of bytes, one request and nothing else."""

    def __init__(self, data: bytes, settings: Settings = SETTINGS, peer: str = PEER) -> None:
        self.requests: list[Request] = []
        self._settings, self._peer = settings, peer
        self._parser: Any = httptools.HttpRequestParser(self)
        self._completed = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.requests.clear()
        if self._completed != len(self.requests):
            self.requests.clear()

    def on_message_begin(self) -> None:
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        require_small(self._target, self._fields, self._settings)
        method, version = self._parser.get_method(), self._parser.get_http_version()
        if self._parser.should_upgrade() or not self._parser.should_keep_alive():
            raise RequestError("not kept")
        judge = Incoming(self._settings)
        self.requests.append(
            judge.request(method, self._target, version, self._fields, peer=self._peer, scheme="http", body=Any)  # type: ignore[arg-type]
        )

    def on_message_complete(self) -> None:
        self._completed += 1


def reader(settings: Settings = SETTINGS, peer: str = PEER, scheme: str = "http") -> Reader:
    return HeaderSets(Incoming(settings), settings).of(peer, scheme)


def taught(settings: Settings = SETTINGS) -> Reader:
    made = reader(settings)
    for _ in range(3):
        made.read(BROWSER)
    return made


def read_by(made: Reader, data: bytes, peer: str = PEER) -> Request | None:
    """The request that it reads, if any."""
    found = made.read(data)
    return found and found[0].request(found[1], peer)


def as_said(request: Request) -> tuple[object, ...]:
    """All that a request says; fields of different names may stand in any order (RFC 9110 5.3)."""
    names = sorted(request.headers, key=lambda field: field[0])
    return (
        request.method,
        request.path,
        request.query,
        request.host,
        request.scheme,
        request.client,
        request.body,
        names,
    )


def require_same_or_nothing(quick: Request | None, data: bytes) -> None:
    if quick is None:
        return
    (ordinary,) = Ordinary(data).requests
    assert as_said(quick) == as_said(ordinary)
    for name in {name for name, _ in ordinary.headers} | {b"cookie", b"referer", b"x"}:
        assert quick.get(name) == ordinary.get(name)
    assert quick.cookies == ordinary.cookies
