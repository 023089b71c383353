"""A body is read whole within bounds of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.errors import OriginError
from proxy.http.body import read_whole
from proxy.ports import UpstreamResponse


def answer(*pieces: bytes, pause: float = 0.0) -> UpstreamResponse:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            await asyncio.sleep(pause)
            yield piece

    return UpstreamResponse(200, (), body())


async def test_it_is_read_or_as_much_as_shows_that_it_is_too_large() -> None:
    assert await read_whole(answer(b"ab", b"cd"), most_bytes=4, most_ms=5_000) == b"abcd"
    assert await read_whole(answer(b"ab", b"cd", b"ef"), most_bytes=3, most_ms=5_000) == [b"ab", b"cd"]


async def test_an_origin_that_drips_is_given_up() -> None:
    with pytest.raises(OriginError) as given_up:
        await read_whole(answer(*[b"x"] * 1_000, pause=0.02), most_bytes=10_000, most_ms=100)
    assert (given_up.value.reason, given_up.value.status) == ("timeout", 504)
