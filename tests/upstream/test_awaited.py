"""Whoever waits for an answer is told what becomes of it: a body that nobody takes, or that is waited for or poured."""

from __future__ import annotations

import asyncio
from typing import Any

from proxy.errors import Fault, OriginError
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from tests.upstream.test_exchange import CHUNKED, GET, LENGTH_10, after_request, drip
from tests.wire.origin import Origin, Wire, always, ok


class Cup:
    """A sink that takes whatever comes."""

    def __init__(self) -> None:
        self.taken = 0
        self.ended: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    def take(self, pieces: list[bytes | memoryview]) -> None:
        self.taken += sum(map(len, pieces))

    def end(self, pieces: list[bytes | memoryview], error: BaseException | None) -> None:
        self.take(pieces)
        self.ended.set_result(error)


async def test_what_came_before_anybody_took_it_does_not_stop_the_rest() -> None:
    large = b"x" * 1_500_000
    async with Origin(always(ok(large))) as origin:
        answer = await OriginTransport(origin.url, Settings()).fetch(GET)
        exchange: Any = answer.body
        async with asyncio.timeout(10):
            while not exchange._is_paused:  # nobody takes anything, and there is a limit to what is held
                await asyncio.sleep(0.001)
        cup = Cup()
        exchange.pipe_to(cup)
        assert await asyncio.wait_for(cup.ended, 10) is None
    assert cup.taken == len(large)


async def whole_of(origin: Origin, *, most_bytes: int = 1 << 20, seconds: float = 10) -> tuple[object, object]:
    """What is told of a body that is waited for whole, and the body."""
    answer = await OriginTransport(origin.url, Settings()).fetch(GET)
    exchange: Any = answer.body
    told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    exchange.when_whole(most_bytes, seconds, told.set_result)
    why = await asyncio.wait_for(told, 10)
    whole = b"".join(exchange.pieces or ()) or b"".join([piece async for piece in exchange] if why is None else [])
    await answer.aclose()
    return why, whole


async def test_a_body_is_waited_for_until_it_is_whole_and_nothing_of_it_is_taken() -> None:
    large = b"x" * 900_000
    async with Origin(always(ok(large))) as origin:
        assert await whole_of(origin) == (None, large)
        assert await whole_of(origin, most_bytes=300_000) == (None, large)  # told before its end, and read on


async def test_a_body_that_is_not_whole_in_time_is_taken_another_way_and_goes_on() -> None:
    go_on = asyncio.Event()

    async def rest(wire: Wire) -> None:
        await go_on.wait()
        await wire.send(b"defghij")

    async with Origin(after_request(LENGTH_10 + b"abc", rest)) as origin:
        exchange: Any = (await OriginTransport(origin.url, Settings()).fetch(GET)).body
        late, told = asyncio.Event(), asyncio.get_running_loop().create_future()
        exchange.when_whole(1 << 20, 0.02, told.set_result, late.set)
        await asyncio.wait_for(late.wait(), 10)
        assert not told.done() and not exchange.is_over
        exchange.when_whole(1 << 20, 10, told.set_result)
        go_on.set()
        assert await asyncio.wait_for(told, 10) is None
        assert b"".join(exchange.pieces) == b"abcdefghij"


async def test_waiting_for_a_broken_body_raises_the_reason() -> None:
    async with Origin(after_request(CHUNKED + b"1\r\nX\r\n")) as origin:
        why, _ = await whole_of(origin)
        assert isinstance(why, OriginError) and why.reason == "truncated"
    async with Origin(after_request(LENGTH_10.replace(b"10", b"1000"), drip)) as origin:
        why, _ = await whole_of(origin, seconds=0.1)
        assert isinstance(why, OriginError) and (why.reason, why.status) == ("timeout", 504)


async def test_a_receiver_that_raises_gets_the_failure_and_the_exchange_ends() -> None:
    async with Origin(always(ok(b"x"))) as origin:
        transport = OriginTransport(origin.url, Settings())
        await (await transport.fetch(GET)).aclose()
        told: list[object] = []
        done = asyncio.Event()

        def fails(answer: object) -> None:
            told.append(answer)
            if len(told) == 1:
                raise ValueError("a fault of ours")
            done.set()

        assert transport.begins(GET, fails)
        await asyncio.wait_for(done.wait(), 10)
        assert [isinstance(answer, Fault) for answer in told] == [False, True]
        assert "0 active, 0 idle" in repr(transport)
