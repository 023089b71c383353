"""What holds a connection to the origin for hours holds no place of what does not."""

from __future__ import annotations

import asyncio

from proxy.ports import UpstreamRequest
from tests.upstream.test_origin import GET, body_of, transport_to
from tests.wire.origin import Origin, Wire, ok


async def test_a_stream_of_events_holds_no_place_of_others() -> None:
    events = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"

    async def script(wire: Wire) -> None:
        if (await wire.request()).target == b"/events":
            await wire.send(events)
            await wire.until_closed()
        else:
            await wire.send(ok(b"hello"))

    async with Origin(script) as origin:
        transport = transport_to(origin, max_connections=1)
        streams = [await transport.fetch(UpstreamRequest(b"GET", b"/events", GET.headers)) for _ in range(3)]
        assert await body_of(transport) == b"hello"
        for stream in streams:
            await stream.aclose()
            await stream.aclose()
        assert await body_of(transport) == b"hello"
        assert "0 active" in repr(transport)


async def test_whoever_uses_the_connection_of_a_stream_that_ended_gives_the_place_back() -> None:
    events = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    has_begun = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(events)
        await has_begun.wait()
        await wire.send(b"9\r\ndata: 1\n\n\r\n0\r\n\r\n")
        for _ in range(3):
            await wire.request()
            await wire.send(ok(b"hello"))

    async with Origin(script) as origin:
        transport = transport_to(origin)
        stream = await transport.fetch(GET)
        has_begun.set()
        assert [piece async for piece in stream.body] == [b"data: 1\n\n"]
        assert [await body_of(transport) for _ in range(3)] == [b"hello"] * 3
        assert origin.connections == 1
        assert "0 active, 1 idle" in repr(transport)
        await transport.aclose()
