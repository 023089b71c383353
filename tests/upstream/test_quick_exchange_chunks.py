"""What comes in chunks is undone as the strict reading undoes it, or left to it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import OriginError
from proxy.upstream.answer import Answer
from proxy.upstream.quick_exchange import MOST_BYTES, MOST_CHUNKS, Chunks

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
USUAL = b"5\r\nhello\r\n00a\r\n, my world\r\n0\r\n\r\n"


def quickly(pieces: list[bytes]) -> bytes | None:
    """What is made of a body in these pieces; None for one that is left to the strict reading, or has no end."""
    chunks = Chunks()
    for number, piece in enumerate(pieces):
        if not chunks.feed(piece if number else b"\r\n" + piece):
            return None
    return bytes(chunks.body) if chunks.is_over else None


def strictly(body: bytes) -> tuple[bytes, bool] | None:
    """What it is, and whether the connection may be used again; None for one that is ill-formed or has no end."""
    answer = Answer()
    try:
        answer.feed(HEAD + body)
    except OriginError:
        return None
    return (b"".join(answer.chunks), answer.may_reuse) if answer.is_complete else None


@pytest.mark.parametrize("at", range(1, len(USUAL)))
def test_a_body_is_the_same_wherever_it_is_cut(at: int) -> None:
    assert quickly([USUAL[:at], USUAL[at:]]) == b"hello, my world"


def test_a_body_in_many_pieces_is_the_same() -> None:
    assert quickly([bytes((byte,)) for byte in USUAL]) == b"hello, my world"
    assert quickly([b"0\r\n\r\n"]) == b""


@pytest.mark.parametrize(
    "body",
    [
        USUAL + b"more", USUAL + b"\r\n", USUAL.replace(b"5\r\n", b"5;a=b\r\n"), USUAL.replace(b"5\r\n", b"5 \r\n"),
        USUAL.replace(b"5\r\n", b"5\n"), USUAL.replace(b"5\r\n", b"+5\r\n"), USUAL.replace(b"5\r\n", b"0x5\r\n"),
        USUAL.replace(b"5\r\n", b"4\r\n"), USUAL.replace(b"5\r\n", b"\r\n"), USUAL[:-2] + b"A: b\r\n\r\n",
        b"%x\r\n%b\r\n0\r\n\r\n" % (MOST_BYTES + 1, b"x" * (MOST_BYTES + 1)),
        b"1\r\nx\r\n" * (MOST_CHUNKS + 2) + b"0\r\n\r\n", b"10000000\r\n",
    ],
)  # fmt: skip
def test_what_is_unusual_is_left_to_the_strict_reading(body: bytes) -> None:
    assert quickly([body]) is None


PARTS = st.sampled_from([
    b"5\r\nhello\r\n", b"5\r\nhello\r\n", b"0b\r\nhello, more\r\n", b"A\r\nhello, ten\r\n", b"0\r\n\r\n", b"0\r\n",
    b"\r\n", b"\r", b"\n", b"5", b"00", b"hello", b";a=b", b" ", b"X-A: b\r\n", b"G", b"-1\r\n", b"\0",
])  # fmt: skip


@given(st.lists(PARTS, max_size=8).map(b"".join), st.lists(st.integers(1, 60), max_size=3).map(sorted))
def test_what_is_said_quickly_is_what_is_said_strictly(body: bytes, cuts: list[int]) -> None:
    edges = [0, *cuts, max(len(body), *cuts, 0)]
    pieces = [body[start:end] for start, end in pairwise(edges) if body[start:end]]
    said = quickly(pieces)
    assert said is None or (said, True) == strictly(body)


@given(st.lists(PARTS, max_size=6).map(b"".join))
def test_whatever_may_go_on_is_no_error_yet(body: bytes) -> None:
    chunks, answer = Chunks(), Answer()
    goes_on = chunks.feed(b"\r\n" + body) and not chunks.is_over
    if goes_on:
        answer.feed(HEAD + body)
        assert not answer.is_complete
