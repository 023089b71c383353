"""What is read quickly is read as strictly as ever, or left to the strict reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import OriginError
from proxy.upstream.answer import Answer
from proxy.upstream.plain import CHUNKED, read

OK = b"HTTP/1.1 200 OK\r\n"


def test_a_head_in_one_piece_with_a_length_is_plain() -> None:
    head = OK + b'Server: shop\r\nContent-Length: 5\r\nETag:\t"a"\r\nX-Empty:\r\nConnection: keep-alive\r\n\r\n'
    plain = read(head + b"hel")
    assert plain is not None
    assert (plain.status, plain.length, head[plain.body_at :]) == (200, 5, b"")
    assert plain.headers == (
        (b"server", b"shop"), (b"content-length", b"5"), (b"etag", b'"a"'), (b"x-empty", b""),
        (b"connection", b"keep-alive"),
    )  # fmt: skip


def test_so_is_one_whose_body_comes_in_chunks() -> None:
    head = OK + b"Server: shop\r\nTransfer-Encoding: Chunked\r\n\r\n"
    plain = read(head + b"1\r\n")
    assert plain is not None
    assert (plain.length, plain.body_at) == (CHUNKED, len(head))


@pytest.mark.parametrize(
    "head",
    [
        OK + b"Content-Length: 1\r\n",
        OK + b"Server: shop\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
        OK + b"Content-Length: +1\r\n\r\n",
        OK + b"Content-Length: 1, 1\r\n\r\n",
        OK + b"Content-Length: 1\r\nConnection: close, X-Secret\r\n\r\n",
        OK + b"Content-Length: 1\r\nConnection: X-Secret\r\n\r\n",
        OK + b"Content-Length: 1\r\nUpgrade: h2c\r\n\r\n",
        OK + b"Content-Length : 1\r\n\r\n",
        OK + b"Content-Length: 1\r\n folded: 1\r\n\r\n",
        OK + b"Content-Length: 1\r\nA: b\x00\r\n\r\n",
        OK + b"Content-Length: 1\r\nA: b\rc\r\n\r\n",
        OK + b"Content-Length: 1\r\nA: b\nC: d\r\n\r\n",
        OK + b"Content-Length: 1\r\nA: " + b"a" * 8_192 + b"\r\n\r\n",
        OK + b"Content-Length: 1\r\n" + b"A: a\r\n" * 100 + b"\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\n",
        b"\r\n" + OK + b"Content-Length: 1\r\n\r\n",
    ],
)
def test_what_is_unusual_is_left_to_the_strict_reading(head: bytes) -> None:
    assert read(head) is None


PARTS = st.sampled_from([
    b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 304 x", b"HTTP/1.0 200 OK", b"\r\n", b"\r\n\r\n", b"\n",
    b"\r", b": ", b":", b" ", b"\t", b"Content-Length", b"content-length", b"Connection", b"close",
    b"Transfer-Encoding", b"keep-alive", b"chunked", b"0", b"5", b"12", b"hello", b"X-A", b"\x00", b"\x7f", b"\xe9",
    b"(", b",",
])  # fmt: skip
LINES = st.lists(
    st.sampled_from([
        b"Content-Length: 5", b"content-length:  5 ", b"X-A: b", b"X-B:", b"X-C: \xe9", b"X (bad): 1", b"X-D:a\tb",
        b"Connection: keep-alive", b"Connection: close", b"Set-Cookie: a=1; Path=/", b"Transfer-Encoding: chunked",
        b"Proxy-Connection: close", b"Upgrade: a", b": 1", b"X-E: a\x01",
    ]),
    max_size=4,
)  # fmt: skip
BODIES = st.sampled_from([b"hello, more", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\nmore", b"5;a\r\nhel"])


@given(
    st.one_of(
        st.lists(PARTS, max_size=14).map(b"".join),
        st.tuples(LINES, BODIES).map(lambda said: _head(said[0]) + said[1]),
    )
)
def test_the_quick_reading_says_what_the_strict_one_says(data: bytes) -> None:
    assert _read([data]) == _read([bytes((byte,)) for byte in data])


def _head(lines: list[bytes]) -> bytes:
    return OK + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def _read(pieces: list[bytes]) -> object:
    """What comes out; byte by byte, no head is in one piece, so all is read strictly."""
    answer = Answer()
    try:
        for piece in pieces:
            answer.feed(piece)
    except OriginError as error:
        return error.reason
    return answer.status, answer.headers, b"".join(answer.chunks), answer.is_complete, answer.may_reuse
