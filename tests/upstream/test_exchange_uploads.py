"""Uploads that go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from tests.upstream.test_exchange import GET, HURRIED, LENGTH_10, POST, body_of
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


async def test_what_changes_something_may_take_longer_than_what_shows_something() -> None:
    may_answer = asyncio.Event()

    async def takes_its_time(wire: Wire) -> None:
        await wire.request()
        await may_answer.wait()
        await wire.send(ok(b"made"))
        await wire.until_closed()

    async with Origin(takes_its_time) as origin:
        transport = OriginTransport(origin.url, Settings(first_byte_timeout_ms=100))
        made = asyncio.create_task(body_of(transport, POST))
        await origin.has_open(1)
        with pytest.raises(OriginError, match="did not answer"):
            await body_of(transport, GET)
        may_answer.set()
        assert await made == b"made"
        await transport.aclose()


@pytest.mark.parametrize(
    ("method", "is_used_again"),
    [(b"GET", False), (b"DELETE", False), (b"OPTIONS", False), (b"PURGE", False), (b"PUT", True)],
)
async def test_a_body_that_an_origin_may_leave_unread_is_nobodys_next_request(
    method: bytes, is_used_again: bool
) -> None:
    evil = b"GET /evil HTTP/1.1\r\nX: "

    async def body() -> AsyncIterator[bytes]:
        yield evil

    async def script(wire: Wire) -> None:
        while True:
            seen = await wire.head()  # a body is left where it is, as by Python's own `http.server`
            await wire.send(ok(seen.target))

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings())
        left = UpstreamRequest(method, b"/", (), body(), content_length=len(evil))
        assert [piece async for piece in (await transport.fetch(left)).body] == [b"/"]
        answer = await transport.fetch(UpstreamRequest(b"GET", b"/account", ((b"cookie", b"login=1"),)))
        assert [piece async for piece in answer.body] == [b"/evil" if is_used_again else b"/account"]
        await transport.aclose()
