"""An answer is whole and well-formed, or it is an error; however its bytes are cut into packets."""

from __future__ import annotations

from math import inf

import pytest

from proxy.errors import OriginError
from proxy.upstream.answer import Answer, kept_seconds

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(data: bytes, *, is_head: bool = False, then_end: bool = False) -> Answer:
    """The answer, read twice: in one packet and byte by byte, to the same end."""
    whole, dripped = Answer(is_head=is_head), Answer(is_head=is_head)
    whole.feed(data)
    for index in range(len(data)):
        dripped.feed(data[index : index + 1])
    for answer in (whole, dripped):
        if then_end:
            answer.end()
    assert seen(whole) == seen(dripped)
    return whole


def seen(answer: Answer) -> tuple[object, ...]:
    return (
        answer.status,
        answer.headers,
        b"".join(answer.chunks),
        answer.is_complete,
        answer.may_reuse,
        answer.is_bounded,
    )


def body_of(answer: Answer) -> bytes:
    assert answer.is_complete
    return answer.take()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (CHUNKED + b"5;name=value\r\nhello\r\n1\r\n!\r\n0\r\nX-Trailer: dropped\r\n\r\n", b"hello!"),
        (CHUNKED + b"5  \r\nhello\r\n1 \t;name=value\r\n!\r\n0   \r\n\r\n", b"hello!"),
        (OK + b"Transfer-Encoding: chunked  \r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (OK + b"Content-Length: 5 \r\n\r\nhello", b"hello"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + CHUNKED + b"0\r\n\r\n", b""),
    ],
)
def test_a_bounded_answer_leaves_the_connection_clean(data: bytes, body: bytes) -> None:
    answer = read(data)
    assert body_of(answer) == body
    assert answer.may_reuse
    assert answer.is_bounded


def test_names_are_lower_case_and_repeated_fields_stay_apart() -> None:
    answer = read(OK + b"Set-Cookie: a=1\r\nSET-COOKIE: b=2\r\nContent-Length: 0\r\n\r\n")
    assert answer.headers == ((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-length", b"0"))


def test_fields_of_informational_answers_and_trailers_are_not_the_answers() -> None:
    answer = read(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + CHUNKED + b"0\r\nSet-Cookie: late=1\r\n\r\n")
    assert answer.headers == ((b"transfer-encoding", b"chunked"),)
    assert answer.hints == (((b"link", b"</a>"),),)


def test_spaces_behind_a_value_are_no_part_of_it() -> None:
    fields = b'ETag: "a"  \r\nContent-Type:text/html \r\nX-Empty:  \r\nX-Two: a  b\r\n'
    said = read(OK + b"Content-Length: 0 \r\n" + fields + b"\r\n").headers
    assert said == (
        (b"content-length", b"0"),
        (b"etag", b'"a"'),
        (b"content-type", b"text/html"),
        (b"x-empty", b""),
        (b"x-two", b"a  b"),
    )


@pytest.mark.parametrize("framing", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_an_answer_to_head_has_no_body_whatever_it_says(framing: bytes) -> None:
    answer = read(OK + framing + b"\r\n", is_head=True)
    assert body_of(answer) == b""
    assert answer.is_complete
    assert not answer.may_reuse  # the body may come all the same, and late


@pytest.mark.parametrize(
    "data",
    [
        OK + b"\r\nhel" + b"lo",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        OK + b"Transfer-Encoding: identity\r\n\r\nhello",
        OK + b"Transfer-Encoding: unheard-of\r\n\r\nhello",
    ],
)
def test_a_body_that_only_the_closing_ends_is_flagged(data: bytes) -> None:
    answer = read(data)
    assert not answer.is_complete
    answer = read(data, then_end=True)
    assert body_of(answer) == b"hello"
    assert (answer.is_bounded, answer.may_reuse) == (False, False)


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Connection: close\r\nContent-Length: 1\r\n\r\na",
        OK + b"Connection: x, Close\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        OK + b"Content-Length: 1\r\n\r\nasurplus",
        OK + b"Content-Length: 1\r\n\r\na" + OK,
        b"HTTP/1.1 204 No Content\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_connection_that_ends_or_is_not_clean_is_not_reused(data: bytes) -> None:
    answer = read(data)
    assert answer.is_complete
    assert not answer.may_reuse


def test_a_body_after_head_is_not_taken_and_costs_the_connection() -> None:
    answer = read(OK + b"Content-Length: 5\r\n\r\nhello", is_head=True)
    assert body_of(answer) == b""
    assert not answer.may_reuse


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", id="length and chunked"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", id="chunked and length"),
        pytest.param(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n", id="two lengths"),
        pytest.param(OK + b"Content-Length: 3, 4\r\n\r\n", id="a list of lengths"),
        pytest.param(OK + b"Content-Length: +3\r\n\r\n", id="signed length"),
        pytest.param(OK + b"Content-Length: 99999999999999999999999\r\n\r\n", id="endless length"),
        pytest.param(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", id="a second coding"),
        pytest.param(OK + b"Transfer-Encoding: chunked, identity\r\n\r\n", id="chunked not last"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", id="chunked twice"),
        pytest.param(OK + b"Transfer-Encoding: chunked\t\r\n\r\n", id="chunked and a tab"),
        pytest.param(OK + b"Transfer-Encoding: xchunked\r\n\r\n", id="almost chunked"),
        pytest.param(OK + b"Transfer-Encoding: gzip\r\n\r\n", id="a coding to undo"),
        pytest.param(OK + b"Transfer-Encoding: a, b\r\n\r\n", id="two unknown codings"),
        pytest.param(OK + b"Transfer-Encoding: unheard-of\r\nContent-Length: 3\r\n\r\n", id="unknown and length"),
        pytest.param(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: unheard-of\r\n\r\n", id="unknown over 1.0"),
        pytest.param(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", id="chunked over 1.0"),
        pytest.param(CHUNKED + b"5\nhello\n0\n\n", id="bare line feeds in chunks"),
        pytest.param(CHUNKED + b"xyz\r\n", id="no chunk size"),
        pytest.param(CHUNKED + b"5 5\r\nhello\r\n", id="two chunk sizes"),
        pytest.param(CHUNKED + b" 5\r\nhello\r\n", id="space before a chunk size"),
        pytest.param(CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\n", id="chunk size overflow"),
        pytest.param(CHUNKED + b"3\r\nhello\r\n", id="chunk longer than said"),
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", id="bare line feeds"),
        pytest.param(OK + b"X-A: 1\nX-B: 2\r\n\r\n", id="one bare line feed"),
        pytest.param(OK + b"X-A: 1\rX-B: 2\r\n\r\n", id="bare carriage return"),
        pytest.param(OK + b"X-A: 1\r\n 2\r\n\r\n", id="folded line"),
        pytest.param(OK + b"X-A: a\0b\r\n\r\n", id="NUL"),
        pytest.param(OK + b"X A: b\r\n\r\n", id="space in a name"),
        pytest.param(OK + b"X-A : b\r\n\r\n", id="space before the colon"),
        pytest.param(OK + b"no colon\r\n\r\n", id="no colon"),
        pytest.param(b"HTTP/2.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", id="another version"),
        pytest.param(b"HTTP/1.1 000 OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 999 OK\r\n\r\n", id="status out of range"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", id="101"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 11, id="a flood of informational answers"),
        pytest.param(OK + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n", id="a giant field"),
        pytest.param(OK + b"X-A: " + b"a" * 70_000, id="a giant field that does not end"),
        pytest.param(OK + b"X-A: a\r\n" * 300 + b"\r\n", id="hundreds of fields"),
        pytest.param(CHUNKED + b"0\r\n" + b"X-A: aaaaaaaaaa\r\n" * 10_000, id="endless trailers"),
        pytest.param(CHUNKED + b"5;" + b"a" * 200_000, id="an endless chunk extension"),
    ],
)
def test_an_ill_formed_answer_is_refused(data: bytes) -> None:
    for size in (65_536, 4096, 1 if len(data) < 1000 else 999):
        with pytest.raises(OriginError) as caught:
            answer = Answer()
            for start in range(0, len(data), size):
                answer.feed(data[start : start + size])
        assert caught.value.reason == "malformed"
        assert caught.value.status == 502


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200",
        OK + b"Content-Length: 5\r\n",
        OK + b"Content-Length: 5\r\n\r\nhell",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_an_answer_cut_short_is_an_error(data: bytes) -> None:
    answer = Answer()
    answer.feed(data)
    with pytest.raises(OriginError) as caught:
        answer.end()
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize("has_come_before", [True, False])
def test_a_malformed_head_is_rejected(has_come_before: bool) -> None:
    answer = Answer()
    if has_come_before:
        answer.feed(CHUNKED)
    with pytest.raises(OriginError):
        answer.feed(CHUNKED * (not has_come_before) + b"5\r\nhello\r\nnonsense\r\n")
    assert (answer.has_head, answer.chunks) == (has_come_before, [b"hello"])


@pytest.mark.parametrize("data", [b"HTTP/1.1 304 Not Modified\r\n\r\n", CHUNKED + b"0\r\n\r\n"])
@pytest.mark.parametrize("more", [b"\r\n", b"\n"])
def test_a_line_end_after_an_answer_forbids_reuse_as_other_bytes_do(data: bytes, more: bytes) -> None:
    clean, answer = Answer(), Answer()
    clean.feed(data)
    answer.feed(data + more)
    assert (clean.may_reuse, answer.may_reuse) == (True, False)


def test_no_answer_at_all_is_told_from_half_a_one() -> None:
    with pytest.raises(OriginError) as caught:
        Answer().end()
    assert caught.value.reason == "reset"


def test_a_switch_of_protocols_is_an_answer_to_who_asked_for_it() -> None:
    answer = Answer(may_switch=True)
    answer.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x02hi")
    assert (answer.status, answer.is_complete, answer.rest) == (101, True, b"\x81\x02hi")


def test_what_was_taken_is_not_given_twice() -> None:
    answer = Answer()
    answer.feed(OK + b"Content-Length: 6\r\n\r\nabc")
    answer.feed(b"de")
    assert (answer.take(), answer.size) == (b"abcde", 0)
    answer.feed(b"f")
    assert (answer.take(), answer.is_complete) == (b"f", True)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ((), inf),
        ((b"timeout=5, max=100",), 4),
        ((b"max=100, Timeout = 2",), 1),
        ((b'timeout="1"',), 0.5),
        ((b"timeout=0",), 0),
        ((b"max=100",), inf),
        ((b"notimeout=5",), inf),
        ((b"timeout=60", b"timeout=20"), 19),
    ],
)
def test_a_connection_lies_idle_for_less_than_its_origin_says(said: tuple[bytes, ...], seconds: float) -> None:
    assert kept_seconds([(b"keep-alive", value) for value in said]) == seconds
