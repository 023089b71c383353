from __future__ import annotations

import asyncio

import pytest

from proxy.errors import OriginError
from proxy.upstream.tee import AHEAD_BYTES, Tee

CHUNK = bytes(64 * 1024)


async def read_all(tee: Tee) -> bytes:
    return b"".join([chunk async for chunk in tee])


async def feed_all(tee: Tee, chunks: list[bytes]) -> int:
    """How many were taken."""
    for taken, chunk in enumerate(chunks):
        if not await tee.feed(chunk):
            return taken
    tee.end()
    return len(chunks)


async def test_the_reader_has_it_as_it_comes_and_memory_has_it_whole() -> None:
    tee = Tee(100)
    await tee.feed(b"one ")
    assert await anext(tee) == b"one "
    await tee.feed(b"two")
    tee.end()
    assert await read_all(tee) == b"two"
    assert tee.whole() == b"one two"


async def test_it_is_not_whole_before_its_end() -> None:
    tee = Tee(100)
    await tee.feed(b"one")
    assert tee.whole() is None


async def test_what_may_be_kept_does_not_wait_for_the_reader() -> None:
    tee = Tee(AHEAD_BYTES * 4)
    assert await asyncio.wait_for(feed_all(tee, [CHUNK] * 12), 1) == 12
    assert len(tee.whole() or b"") == 12 * len(CHUNK)


async def test_what_is_too_large_to_keep_waits_for_the_reader_and_reaches_it_whole() -> None:
    tee = Tee(len(CHUNK))
    chunks = [bytes([number]) * len(CHUNK) for number in range(20)]
    feeding = asyncio.create_task(feed_all(tee, chunks))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not feeding.done()
    assert await read_all(tee) == b"".join(chunks)
    assert await feeding == 20
    assert tee.whole() is None


async def test_when_its_reader_left_what_may_be_kept_is_still_read_to_its_end() -> None:
    tee = Tee(100)
    await tee.aclose()
    assert await feed_all(tee, [b"one ", b"two"]) == 2
    assert tee.whole() == b"one two"


async def test_when_its_reader_left_nobody_wants_the_rest_of_what_is_too_large() -> None:
    tee = Tee(len(CHUNK))
    feeding = asyncio.create_task(feed_all(tee, [CHUNK] * 20))
    for _ in range(50):
        await asyncio.sleep(0)
    await tee.aclose()
    assert await feeding < 20


async def test_a_break_reaches_the_reader_after_what_came_and_nothing_is_kept() -> None:
    tee = Tee(100)
    await tee.feed(b"one")
    tee.end(OriginError("broke off", reason="truncated"))
    assert await anext(tee) == b"one"
    with pytest.raises(OriginError, match="broke off"):
        await anext(tee)
    assert tee.whole() is None
