"""What is learned of a browser's header fields, how much of it, and what is left to the ordinary reading."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from proxy.http.incoming import Incoming
from proxy.serve.header_sets import LONGEST, SHARE, HeaderSets
from proxy.settings import Settings
from tests.serve.readings import BROWSER, FIELDS, PEER, SETTINGS, Ordinary, head, read_by, reader, taught


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
        assert made.read(head(FIELDS[0], b"Own-Id: %d" % number)) is None
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
