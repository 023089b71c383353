"""Uploads that go wrong, and bodies that nobody takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import OriginError
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from tests.upstream.test_exchange import CHUNKED, GET, HURRIED, LENGTH_10, POST, after_request, body_of, drip
from tests.wire.origin import Origin, Wire, always, ok


async def test_a_refusal_that_comes_early_is_heard_and_stops_the_upload() -> None:
    refused = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await refused.wait()
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0)

    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(ok(b"too large", status=b"413 Content Too Large"))
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings())
        answer = await transport.fetch(replace(POST, body=body(), content_length=10**9))
        refused.set()
        assert answer.status == 413
        assert [piece async for piece in answer.body] == [b"too large"]
        assert "0 active, 0 idle" in repr(transport)
        await origin.has_open(0)


async def test_an_answer_may_be_read_while_the_upload_goes_on() -> None:
    echoed = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await echoed.wait()
        yield b"second"

    async def script(wire: Wire) -> None:
        await wire.head()
        await wire.send(LENGTH_10 + await wire.reader.readexactly(5))
        await wire.reader.readexactly(6)
        await wire.send(b"later")
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings())
        answer = await transport.fetch(replace(POST, body=body(), content_length=11))
        assert await anext(answer.body) == b"first"
        echoed.set()
        assert [piece async for piece in answer.body] == [b"later"]
        assert "1 idle" in repr(transport)
        await transport.aclose()


async def test_a_slow_visitors_upload_is_not_the_origins_fault() -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(2):
            await asyncio.sleep(0.2)
            yield b"x"

    async with Origin(always(ok(b"thanks"))) as origin:
        transport = OriginTransport(origin.url, HURRIED)
        assert await body_of(transport, replace(POST, body=slow())) == b"thanks"
        await transport.aclose()


async def test_an_origin_that_takes_no_upload_is_timed_out() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000

    async def script(wire: Wire) -> None:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, HURRIED)
        with pytest.raises(OriginError, match="did not take the request") as caught:
            await body_of(transport, replace(POST, body=endless()))
        assert caught.value.reason == "timeout"
        assert "0 active, 0 idle" in repr(transport)


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
        exchange.pour(cup)
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


async def test_a_body_that_is_waited_for_in_vain_says_why() -> None:
    async with Origin(after_request(CHUNKED + b"1\r\nX\r\n")) as origin:
        why, _ = await whole_of(origin)
        assert isinstance(why, OriginError) and why.reason == "truncated"
    async with Origin(after_request(LENGTH_10.replace(b"10", b"1000"), drip)) as origin:
        why, _ = await whole_of(origin, seconds=0.1)
        assert isinstance(why, OriginError) and (why.reason, why.status) == ("timeout", 504)
