"""A body is read whole and unpacked, and never beyond its limit."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest

from proxy.errors import RequestError
from proxy.http.body import read_body
from proxy.http.message import Request

MOST = 100


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def posted(*parts: bytes, coding: bytes = b"identity") -> Request:
    return Request(b"POST", b"/", b"", b"shop.example", ((b"content-encoding", coding),), body=pieces(*parts))


async def test_pieces_are_joined_and_unpacked() -> None:
    packed = gzip.compress(b'{"a":1}')
    assert await read_body(posted(b'{"a"', b":1}"), MOST) == b'{"a":1}'
    assert await read_body(posted(packed[:9], packed[9:], coding=b"gzip"), MOST) == b'{"a":1}'


@pytest.mark.parametrize(
    ("parts", "coding", "status"),
    [
        ((b"a" * 60, b"a" * 60), b"identity", 413),
        ((gzip.compress(b" " * 1_000_000),), b"gzip", 413),
        ((gzip.compress(b"{}")[:-4],), b"gzip", 400),
        ((b"nonsense",), b"gzip", 400),
        ((b"{}",), b"br", 415),
    ],
    ids=["too large", "bomb", "cut off", "no gzip", "another coding"],
)
async def test_what_cannot_be_read_is_refused(parts: tuple[bytes, ...], coding: bytes, status: int) -> None:
    most = 2_000 if coding == b"gzip" else MOST
    with pytest.raises(RequestError) as refused:
        await read_body(posted(*parts, coding=coding), most)
    assert refused.value.status == status
