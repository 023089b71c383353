"""What is read by its shape is read as strictly as ever, or left to others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import OriginError
from proxy.http.authority import Address
from proxy.http.returning import response_headers
from proxy.model import Headers
from proxy.upstream import plain
from proxy.upstream.answer import Answer
from proxy.upstream.head_shapes import LONGEST, MOST_CUTS, HeadShapes

OK = b"HTTP/1.1 200 OK\r\n"


def head(date: bytes = b"today", length: bytes = b"5", tag: bytes = b'"a"', more: bytes = b"") -> bytes:
    lines = (b"Server: shop", b"Date: " + date, b"Content-Length: " + length, b"ETag: " + tag)
    return OK + b"".join(line + b"\r\n" for line in lines) + more + b"\r\n"


def acquainted(*heads: bytes) -> HeadShapes:
    """HeadShapes of an origin that has given such heads."""
    shapes = HeadShapes()
    for known in heads:
        for _ in range(3):
            shapes.read(known)
    return shapes


def test_a_head_is_read_by_its_shape_from_the_third_on() -> None:
    shapes = HeadShapes()
    heads = [shapes.read(head(date=b"%d" % day)) for day in range(4)]
    assert [read is not None and read.shape is not None for read in heads] == [False, False, True, True]


@pytest.mark.parametrize("length", [0, 5, 10**14])
def test_what_differs_is_read_off_each_head(length: int) -> None:
    another = head(b"tomorrow", b"%d" % length, b'W/"b\xe9"')
    read = acquainted(head()).read(another + b"body")
    assert read is not None and read.shape is not None
    assert (read.status, read.length, read.body_at) == (200, length, len(another))
    assert read.shape.headers(read.values) == (
        (b"server", b"shop"), (b"date", b"tomorrow"), (b"content-length", b"%d" % length), (b"etag", b'W/"b\xe9"'),
    )  # fmt: skip


@pytest.mark.parametrize(
    "strange",
    [
        head(more=b"X-More: 1\r\n"),
        head(more=b"Date: again\r\n"),
        head(more=b"Transfer-Encoding: chunked\r\n"),
        head(more=b"Connection: close\r\n"),
        head(more=b"Content-Length: 6\r\n"),
        head(length=b"+5"),
        head(length=b"5, 5"),
        head(length=b"1" * 16),
        head(length=b""),
        head(date=b" today"),
        head(date=b"today\t"),
        head(date=b""),
        head(date=b"a\rX-More: 1"),
        head(date=b"a\nX-More: 1"),
        head(date=b"a\x00"),
        head(date=b"a" * plain.MOST_BYTES),
        head()[:-2],
        head()[:-1],
        head()[1:],
        head().replace(b"200", b"404"),
        head().replace(b"1.1", b"1.0"),
        head().replace(b"Server", b"server"),
        head().replace(b"ETag", b"Etag"),
    ],
)
def test_heads_of_no_known_shape_are_parsed_in_full(strange: bytes) -> None:
    assert acquainted(head()).read(strange) == plain.read(strange)


def setting(*cookies: bytes) -> bytes:
    return head(more=b"".join(b"Set-Cookie: " + cookie + b"\r\n" for cookie in cookies) + b"Keep-Alive: max=9\r\n")


def test_a_nonce_differs_with_each_answer() -> None:
    policy = b"Content-Security-Policy: script-src 'nonce-%b'\r\n"
    read = acquainted(head(more=policy % b"one")).read(head(more=policy % b"other"))
    assert read is not None and read.shape is not None
    assert read.shape.headers(read.values)[4:] == ((b"content-security-policy", b"script-src 'nonce-other'"),)


def test_cookies_differ_with_each_answer_and_so_does_how_long_the_connection_is_kept() -> None:
    another = setting(b"a=2; Path=/", b"b=3; Secure").replace(b"max=9", b"max=8")
    read = acquainted(setting(b"a=0", b"b=1; HttpOnly")).read(another)
    assert read is not None and read.shape is not None
    said = read.shape.headers(read.values)[4:]
    assert said == ((b"set-cookie", b"a=2; Path=/"), (b"set-cookie", b"b=3; Secure"), (b"keep-alive", b"max=8"))


@pytest.mark.parametrize(
    "strange",
    [
        setting(b"a=0", b"b=1", b"c=2"),
        setting(b"a=0; Domain=a.example", b"b=1"),
        setting(b"a=0; Path=/; Domain=shop.example.evil; Secure", b"b=1"),
        setting(b"a=0; domain=a.example; Path=/; Domain=shop.example; Secure", b"b=1"),
        setting(b"a=0; domain = a.example; Domain=shop.example; Secure", b"b=1"),
        setting(b"a=0; Path=/; Domain=shop.example;\tSecure ", b"b=1"),
        setting(b"a=0; Path=/; Domain=shop.example", b"b=1"),
        setting(b"a=0; Path=/; domain=shop.example; Secure", b"b=1"),
        setting(b"a=0\x00", b"b=1"),
        setting(b"a=0", b""),
        setting(b"a=0", b"b=1 "),
    ],
)
def test_cookies_of_no_known_shape_are_parsed_in_full(strange: bytes) -> None:
    known = setting(b"a=0", b"b=1"), setting(b"a=0"), setting(b"a=0; Path=/; Domain=shop.example; Secure", b"b=1")
    assert acquainted(*known).read(strange) == plain.read(strange)


@pytest.mark.parametrize(
    "cookies",
    [
        (b"a=%d; Domain=shop.example",),
        (b"a=%d;dOMAIN = .x; Path=/; Max-Age=%d", b"b=%d"),
        (b"a=%d; Path=/; domain=a.example; Secure", b"b=%d; Expires=Thu, 0%d Jan; Domain=b.example"),
        (b"a=%d; domain=a; domain=b.example; Secure=%d",),
        (b"a=my domain=%d; Domain=a.example",),
        (b"; Domain=a.example; a=%d",),
        (b"a=%d; Domain=",),
        (b"a=%d; Domain=a.example;",),
        (b"a=%d; domainish; x=%d",),
    ],
)
def test_the_domain_of_a_cookie_is_part_of_its_shape(cookies: tuple[bytes, ...]) -> None:
    def filled(number: int) -> bytes:
        return setting(*[cookie % ((number,) * cookie.count(b"%d")) for cookie in cookies])

    read, known = acquainted(filled(1)).read(filled(2)), plain.read(filled(2))
    assert read is not None and read.shape is not None and known is not None
    assert read.shape.headers(read.values) == known.headers


@pytest.mark.parametrize("ours", [b"https://shop.example", b"http://127.0.0.1:8080", b"https://www.shop.internal"])
@pytest.mark.parametrize(
    "cookie",
    [b"a=%d; Domain=shop.internal; Secure", b"a=%d; domain=.SHOP.internal", b"a=%d; Domain=shop.example; Path=/"],
)
def test_a_domain_that_is_the_origins_becomes_ours_whatever_else_the_cookie_says(cookie: bytes, ours: bytes) -> None:
    def mapped(headers: Headers) -> Headers:
        return response_headers(headers, address=Address("http", "shop.internal", 80), ours=ours)

    read, known = acquainted(setting(cookie % 1)).read(setting(cookie % 2)), plain.read(setting(cookie % 2))
    assert read is not None and read.shape is not None and known is not None and known.headers is not None
    assert read.shape.transformed(mapped).headers(read.values) == mapped(known.headers)


@pytest.mark.parametrize(
    "name", ["X-DW-Request-Base-ID", "x-nf-request-id", "X-Render-Time", "X-CSRF-Token", "x-runtime"]
)
def test_what_platforms_name_so_differs_with_each_answer(name: str) -> None:
    read = acquainted(head(more=b"%b: 1\r\n" % name.encode())).read(head(more=b"%b: 2\r\n" % name.encode()))
    assert read is not None and read.shape is not None
    assert read.shape.headers(read.values)[4:] == ((name.lower().encode(), b"2"),)


def test_many_shapes_are_distinguished() -> None:
    heads = [head(more=b"X-Kind: %d\r\n" % kind) for kind in range(20)]
    shapes = acquainted(*heads)
    for one in (*heads, *reversed(heads)):
        read, known = shapes.read(one), plain.read(one)
        assert read is not None and read.shape is not None and known is not None
        assert read.shape.headers(read.values) == known.headers


def test_known_shapes_stay_known_when_many_take_turns() -> None:
    heads = [head(more=b"X-Kind: %d\r\n" % kind) for kind in range(20)]
    shapes = acquainted(*heads)
    assert all(shapes.known(one) is not None for one in (*heads, *reversed(heads)))
    assert shapes.known(head(more=b"X-Kind: 20\r\n")) is None
    assert shapes.known(heads[0][:-1]) is None


def test_long_heads_are_not_learned_but_for_what_varies() -> None:
    begun = OK + b"Content-Length: 0\r\nLocation: "
    room = LONGEST - len(begun + b"\r\n\r\n") + len(b"0")  # which varies
    short, long = (begun + b"/" * size + b"\r\n\r\n" for size in (room, room + 1))
    nonce = head(more=b"Content-Security-Policy: %b\r\n" % (b"x" * 2 * LONGEST))
    shapes = acquainted(short, long, nonce)
    assert [shapes.known(one) is not None for one in (short, long, nonce)] == [True, False, True]
    assert shapes.read(long) == plain.read(long)


def test_a_field_that_stands_twice_keeps_its_values_apart() -> None:
    twice = OK + b"Date:first\r\nDate: second\r\nContent-Length: 0\r\n\r\n"
    read = acquainted(twice).read(twice)
    assert read is not None and read.shape is not None
    assert read.shape.headers(read.values)[:2] == ((b"date", b"first"), (b"date", b"second"))


def test_heads_that_always_differ_are_read() -> None:
    name = "x-request-id"
    spellings = ["".join(c.upper() if n >> at & 1 else c for at, c in enumerate(name)) for n in range(3 * MOST_CUTS)]
    heads = [OK + b"%b: 1\r\nContent-Length: 0\r\n\r\n" % spelling.encode() for spelling in spellings]
    shapes = acquainted(*heads)
    for one in heads:
        read, known = shapes.read(one), plain.read(one)
        assert read is not None and known is not None
        assert (read.shape.headers(read.values) if read.shape else read.headers) == known.headers


LINES = st.lists(
    st.sampled_from([
        b"Content-Length: 5", b"content-length: 5", b"Content-Length:  5 ", b"Date: a", b"Date:b", b"Date: ",
        b"date: c", b"ETag: \xe9", b"ETag: a\x00", b"Age: 1", b"X-A: b", b"Connection: keep-alive",
        b"Connection: close",
        b"Set-Cookie: a=1", b"Set-Cookie: a=1; domain=x", b"Set-Cookie: b; Domain=x; c", b"Set-Cookie: d; Domain=x; e",
        b"Set-Cookie: ;domain=;domain=y;", b"Transfer-Encoding: chunked", b"X-Date: 1\rDate: 2", b"X-B: Date: 3",
    ]),
    max_size=5,
)  # fmt: skip


@given(st.lists(LINES, min_size=1, max_size=6))
def test_the_quick_reading_says_what_the_strict_one_says_whatever_came_before(several: list[list[bytes]]) -> None:
    heads = [OK + b"".join(line + b"\r\n" for line in lines) + b"\r\nhello, more" for lines in several]
    shapes = acquainted(*heads)
    for data in heads:
        assert _read(Answer(read=shapes.read), [data]) == _read(Answer(), [bytes((byte,)) for byte in data])


def _read(answer: Answer, pieces: list[bytes]) -> object:
    try:
        for piece in pieces:
            answer.feed(piece)
    except OriginError as error:
        return error.reason
    return answer.status, answer.headers, b"".join(answer.chunks), answer.is_complete, answer.may_reuse
