from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from proxy.errors import OriginError
from proxy.ports import UpstreamResponse
from proxy.upstream.tee import Tee


async def read_all(tee: Tee) -> bytes:
    return b"".join([chunk async for chunk in tee])


class Rest:
    """What is left of an answer of the origin."""

    def __init__(self, *chunks: bytes | OriginError) -> None:
        self._chunks: Sequence[bytes | OriginError] = chunks
        self.read = 0
        self.is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.read == len(self._chunks):
            raise StopAsyncIteration
        chunk, self.read = self._chunks[self.read], self.read + 1
        if isinstance(chunk, OriginError):
            raise chunk
        return chunk

    async def aclose(self) -> None:
        self.is_closed = True


async def test_the_reader_has_it_as_it_comes_and_memory_has_it_whole() -> None:
    tee = Tee(100)
    assert tee.feed(b"one ")
    assert await anext(tee) == b"one "
    assert tee.feed(b"two")
    tee.end()
    assert await read_all(tee) == b"two"
    assert tee.whole() == b"one two"


@pytest.mark.parametrize("read_before", [0, 1, 2])
async def test_what_is_too_large_to_keep_is_read_from_the_origin_at_the_readers_pace(read_before: int) -> None:
    tee, rest = Tee(7), Rest(b"three ", b"four")
    assert tee.feed(b"one ")
    assert not tee.feed(b"two ")
    begun = [await anext(tee) for _ in range(read_before)]
    await tee.hand_over(UpstreamResponse(200, (), rest))
    assert rest.read == 0
    assert b"".join(begun) + await read_all(tee) == b"one two three four"
    await tee.aclose()
    assert rest.is_closed


async def test_a_break_in_what_was_handed_over_reaches_the_reader() -> None:
    tee = Tee(0)
    tee.feed(b"one")
    await tee.hand_over(UpstreamResponse(200, (), Rest(OriginError("broke off", reason="truncated"))))
    assert await anext(tee) == b"one"
    with pytest.raises(OriginError, match="broke off"):
        await anext(tee)


async def test_when_its_reader_left_what_may_be_kept_is_still_read_to_its_end() -> None:
    tee = Tee(100)
    await tee.aclose()
    assert tee.feed(b"one ") and tee.feed(b"two")
    tee.end()
    assert tee.whole() == b"one two"


async def test_when_its_reader_left_nobody_wants_the_rest_of_what_is_too_large() -> None:
    tee, rest = Tee(0), Rest(b"two")
    tee.feed(b"one")
    await tee.aclose()
    await tee.hand_over(UpstreamResponse(200, (), rest))
    assert (rest.is_closed, rest.read) == (True, 0)


async def test_a_break_reaches_the_reader_after_what_came() -> None:
    tee = Tee(100)
    tee.feed(b"one")
    tee.end(OriginError("broke off", reason="truncated"))
    assert await anext(tee) == b"one"
    with pytest.raises(OriginError, match="broke off"):
        await anext(tee)
