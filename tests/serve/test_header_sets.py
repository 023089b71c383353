"""The quick reading beside the ordinary one: over the corpus of requests that two servers might read differently, and
over a browser's request with anything put in, cut out or swapped, it says the same or nothing."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import RequestError
from proxy.http.incoming import Incoming, require_small
from proxy.http.message import Request
from proxy.serve.header_sets import LONGEST, SHARE, HeaderSets, Reader
from proxy.settings import Settings
from tests.bars.test_b6_smuggling import CORPUS

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


# -- the same, or nothing


def test_what_a_browser_says_again_is_read_by_habit() -> None:
    once = reader()
    assert [once.read(BROWSER) is not None for _ in range(4)] == [False, False, True, True]
    others = [
        head(
            *FIELDS[:4],
            b"Referer: https://shop.example/",
            *FIELDS[5:7],
            b"Cookie: session=new",
            line=b"HEAD / HTTP/1.1",
        ),
        head(*FIELDS[:4], *FIELDS[5:7]),
        head(*FIELDS[:7]),
        head(*FIELDS[:4], *FIELDS[5:7], b"Cookie: a", line=b"GET /%7ea/./b HTTP/1.1"),
        head(b"Cookie: a=\x80\xff\t1", *FIELDS[:4], *FIELDS[5:7]),
        head(*FIELDS[:4], *FIELDS[5:7], b"COOKIE: a=b"),
    ]
    for data in others:
        read = read_by(once, data)
        assert read is not None
        require_same_or_nothing(read, data)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_what_two_servers_might_read_differently_is_read_the_same_or_not_at_all(case: Any) -> None:
    for made in (reader(), taught()):
        for _ in range(3):
            require_same_or_nothing(read_by(made, case.sent), case.sent)


PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"\x7f", b"\x80", b":", b"\r\n ", b"\r\n\r\n", b"a=b", b"; ", b"?",
        b"/", b"#", b"\r\nCookie: c=d", b"\r\ncookie: c=d", b"\r\nCookie : c=d", b"\r\nCookie:c=d", b"\r\nReferer: /x",
        b"\r\nIf-None-Match: W/x", b"\r\nX-Forwarded-For: 198.51.100.1", b"\r\nx-forwarded-for: 198.51.100.1",
        b"\r\nX_Y: 1", b"\r\nContent-Length: 3", b"\r\nTransfer-Encoding: chunked", b"\r\nHost: other",
        b"\r\nUpgrade: h2c", b"\r\nConnection: close", b"\r\nConnection: cookie", b"\r\nExpect: 100-continue",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.0", b"POST", b"\r\nA: b" * 12,
    ]
)  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, len(BROWSER)), st.integers(0, 12), PIECES | st.just(b"")), max_size=4)


@settings(max_examples=400, deadline=None)
@given(CHANGES)
def test_whatever_is_changed_is_read_the_same_or_not_at_all(changes: list[tuple[int, int, bytes]]) -> None:
    data = BROWSER
    for at, length, piece in changes:
        data = data[:at] + piece + data[at + length :]
    for made in (reader(), taught()):
        for _ in range(4):
            require_same_or_nothing(read_by(made, data), data)


WITHIN = BROWSER.index(b"session")


@settings(max_examples=200, deadline=None)
@given(st.integers(WITHIN, len(BROWSER)), PIECES)
def test_what_stands_among_the_cookies_cannot_make_another_request(at: int, piece: bytes) -> None:
    data = BROWSER[:at] + piece + BROWSER[at:]
    require_same_or_nothing(read_by(taught(), data), data)


# -- what is no header set


@pytest.mark.parametrize(
    "field",
    [
        b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Upgrade: websocket", b"Connection: close",
        b"Expect: 100-continue", b"If-Match: *", b"Cookie: a=b\r\nCookie: c=d",
        b"Referer: /a\r\nReferer: /b", b"Host: b",
        b"\r\n".join(b"A%d: 1" % number for number in range(12)),
    ],
)  # fmt: skip
def test_the_unusual_is_left_to_the_ordinary_reading(field: bytes) -> None:
    made, data = reader(), head(FIELDS[0], field)
    assert [made.read(data) for _ in range(4)] == [None] * 4


def test_half_a_request_and_two_at_once_are_left_to_it_too() -> None:
    made = taught()
    for data in (BROWSER[:-2], BROWSER[:50], BROWSER + BROWSER, b"\r\n" + BROWSER, BROWSER + b"\r\n", b"", b"\r\n\r\n"):
        assert made.read(data) is None
    assert made.read(BROWSER) is not None


@pytest.mark.parametrize("field", [b"Cookie: a=b", b"Cookie: ", b"If-None-Match: x", b"Referer: /c"])
def test_what_stands_behind_the_end_of_a_head_does_not_belong_to_it(field: bytes) -> None:
    made = taught()
    name = field.partition(b":")[0]
    bare = head(*(one for one in FIELDS if not one.startswith((name, b"Referer"))))
    for _ in range(4):
        made.read(bare)
        assert made.read(bare + b"\r\n".join((b"", field, b""))) is None
        assert made.read(bare[:-2] + b"\r\n" + field + b"\r\n") is None
        assert made.read(bare + field + b"\r\n\r\n") is None
    assert made.read(bare) is not None


@pytest.mark.parametrize("octet", [octet for octet in range(256) if octet not in b"\r"])
def test_a_value_that_is_cut_out_holds_no_octet_that_a_field_may_not(octet: int) -> None:
    for value in (b"a=%cb", b"a=b%c"):
        data = BROWSER.replace(b"session=abc", value % octet)
        assert (read_by(taught(), data) is not None) == (Ordinary(data).requests != [])


def test_a_head_beyond_a_limit_is_left_to_it() -> None:
    made = taught()
    assert made.read(BROWSER.replace(b"abc", b"a" * 9_000)) is None
    assert made.read(BROWSER.replace(b"abc", b"a" * 900)) is not None
    lamps = b"https://shop.example/c/lamps"
    room = LONGEST - len(BROWSER)
    fits, beyond = (BROWSER.replace(lamps, lamps + b"x" * (room + more)) for more in (0, 100))
    assert made.read(fits) is not None and made.read(beyond) is None


def test_a_client_whose_fields_always_change_is_not_learned() -> None:
    made = reader()
    for number in range(100):
        assert made.read(head(FIELDS[0], b"X-Own-Id: %d" % number)) is None
    assert (made._known.header_sets.known, made._known.questions.known) == ({}, {})


def test_what_is_learned_is_bounded_and_shared_by_a_workers_connections() -> None:
    settings = replace(SETTINGS, cache_bytes=1_000_000)
    header_sets = HeaderSets(Incoming(settings), settings)
    first, second = header_sets.of(PEER, "http"), header_sets.of("192.0.2.8", "http")
    for _ in range(2):
        first.read(BROWSER)
    assert second.read(BROWSER) is not None
    known, long = first._known, b"X: " + b"x" * 3_000
    for number in range(100):
        for _ in range(2):
            first.read(head(FIELDS[0], long, b"X-Own: %d" % number))
        assert known.header_sets.used_bytes <= SHARE * settings.cache_bytes
    assert 2 <= len(known.header_sets.known) < 10
    for number in range(100):
        read = second.read(head(FIELDS[0], long, b"X-Own: 99", line=b"GET /%d HTTP/1.1" % number))
        assert read is not None and read[0].path == b"/%d" % number
        assert known.questions.used_bytes <= SHARE * settings.cache_bytes
    assert 2 <= len(known.questions.known) < 10


def test_what_is_larger_than_a_request_may_be_teaches_nothing() -> None:
    made = reader()
    for _ in range(3):
        assert made.read(head(FIELDS[0], b"X: " + b"x" * 9_000)) is None
    assert made._known.header_sets.known == {}


def test_a_question_is_told_as_large_as_it_is() -> None:
    made, fields = reader(Settings()), [b"X-%d: %s" % (number, b"v" * 50) for number in range(40)]
    before = list[tuple[int, int]]()
    for count in (2, 200):
        tracemalloc.start()
        for number in range(count):
            made.read(head(FIELDS[0], *fields, line=b"GET /%d HTTP/1.1" % number))
        before.append((tracemalloc.get_traced_memory()[0], made._known.questions.used_bytes))
        tracemalloc.stop()
    (_, small), (held, told) = before
    assert 0.7 < held / (told - small) < 1.1


def test_a_head_with_more_fields_than_may_come_is_no_habits() -> None:
    own = [b"Cookie: a=b", b"X-Request-Id: 1"]
    most = len(FIELDS) + len(own) - 1
    made = reader(Settings(max_fields=most))
    rest = [field for field in FIELDS if not field.startswith(b"Cookie")]
    for _ in range(4):
        made.read(head(*rest, *own))
    enough, too_many = [b"X-A%d: 1" % number for number in range(most - len(rest) - 2)], [b"X-B: 1"]
    for fields in (enough, enough + too_many):
        for _ in range(3):
            read = made.read(head(*rest, *fields, *own))
        assert (read is None) == (fields != enough)
