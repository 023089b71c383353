"""A stream pumped into a sink: in order, no faster than it is taken, and with its end told whatever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from proxy.errors import Fault, OriginError
from proxy.upstream.connection import Pieces
from proxy.upstream.pumped import Pumped
from proxy.upstream.relay import READY_BYTES


class Taken:
    """A sink that notes what it gets."""

    def __init__(self) -> None:
        self.body = b""
        self.longest = 0
        self.over: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    def take(self, pieces: Pieces) -> None:
        self.body += b"".join(pieces)
        self.longest = max(self.longest, *map(len, pieces), 0)

    def end(self, pieces: Pieces, error: BaseException | None) -> None:
        self.take(pieces)
        self.over.set_result(error)

    def give_up(self, fault: Fault) -> None:
        self.over.set_result(fault)


async def counting(error: Exception | None = None) -> AsyncGenerator[bytes]:
    for number in range(5):
        yield b"%d" % number
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [(None, type(None)), (OriginError("it broke off", reason="truncated"), OriginError), (ValueError(), Fault)],
)
async def test_all_of_it_comes_and_then_its_end(error: Exception | None, told: type[object]) -> None:
    sink, pumped = Taken(), Pumped(counting(error))
    pumped.pipe_to(sink)
    assert type(await asyncio.wait_for(sink.over, 9)) is told
    assert sink.body == b"01234"
    await pumped.aclose()


async def test_a_large_piece_comes_in_small_ones_so_that_little_is_copied_for_a_slow_client() -> None:
    async def large() -> AsyncGenerator[bytes]:
        yield b"x" * 1_000_000

    sink, pumped = Taken(), Pumped(large())
    pumped.pipe_to(sink)
    await asyncio.wait_for(sink.over, 9)
    assert (len(sink.body), sink.longest) == (1_000_000, READY_BYTES)
    await pumped.aclose()


async def test_while_it_is_paused_nothing_comes_and_one_that_is_closed_ends_its_stream() -> None:
    stream = counting()
    sink, pumped = Taken(), Pumped(stream)
    pumped.pause()
    pumped.pipe_to(sink)
    for _ in range(9):
        await asyncio.sleep(0)
    assert sink.body == b"0"
    pumped.resume()
    await asyncio.wait_for(sink.over, 9)
    assert sink.body == b"01234"
    pumped = Pumped(stream := counting())
    await anext(stream)
    await pumped.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
