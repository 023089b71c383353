"""What holds a connection to the origin for long holds no place of what does not."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest, UpstreamResponse
from proxy.upstream import exchange
from proxy.upstream.exchange import Exchange
from proxy.upstream.origin import OriginTransport
from tests.upstream.test_origin import GET, body_of, transport_to
from tests.wire.origin import Origin, Wire, ok
from tests.wire.site import eventually


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


async def test_a_stream_of_events_may_be_silent_for_longer_than_others() -> None:
    has_waited = asyncio.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"

    async def script(wire: Wire) -> None:
        if (await wire.request()).target == b"/events":
            await wire.send(head % b"text/event-stream; charset=utf-8")
            await has_waited.wait()
            await wire.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        else:
            await wire.send(head % b"text/plain")
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = transport_to(origin, between_bytes_timeout_ms=20)
        stream = await transport.fetch(UpstreamRequest(b"GET", b"/events", GET.headers))
        events = [await anext(stream.body)]
        for _ in range(3):
            with pytest.raises(OriginError, match="did not go on with its answer in time"):
                await body_of(transport)
        has_waited.set()
        events += [event async for event in stream.body]
        assert events == [b"data: 1\n\n", b"data: 2\n\n"]
        await transport.aclose()


async def test_an_origin_that_is_gone_without_a_word_is_found_out_by_the_system() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"hello"))
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = transport_to(origin)
        switch = await transport.switch(GET)
        connection, _ = switch.hand_over(asyncio.Protocol())
        end = connection.get_extra_info("socket")
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        connection.abort()
        await transport.aclose()


async def test_a_stream_of_events_whose_origin_is_gone_is_found_out_by_the_system_too() -> None:
    async def script(wire: Wire) -> None:
        kind = b"event-stream" if (await wire.request()).target == b"/events" else b"plain"
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/%b\r\nTransfer-Encoding: chunked\r\n\r\n" % kind)
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = transport_to(origin)
        watched = []
        for path in (b"/events", b"/other"):
            answer = await transport.fetch(UpstreamRequest(b"GET", path, GET.headers))
            assert isinstance(answer.body, Exchange)
            connection = answer.body._connection._transport
            assert connection is not None
            end = connection.get_extra_info("socket")
            watched.append(bool(end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)))
            await answer.aclose()
        assert watched == [True, False]  # others have a time limit
        await transport.aclose()


async def test_reusing_the_connection_of_an_ended_stream_frees_its_place() -> None:
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


SIZE = 4_000_000
"""More than what is read ahead and the sockets' buffers hold."""


async def files_and_pages(wire: Wire) -> None:
    while True:
        is_file = (await wire.request()).target == b"/file"
        await wire.send(ok(b"x" * SIZE if is_file else b"hello"))


async def downloads(transport: OriginTransport, number: int, customer: str = "") -> list[UpstreamResponse]:
    """Answers of which nothing is read yet."""
    request = UpstreamRequest(b"GET", b"/file", GET.headers, customer=customer)
    return [await transport.fetch(request) for _ in range(number)]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client is slow after a moment."""
    monkeypatch.setattr(exchange, "SLOW_SECONDS", 0.05)


@pytest.mark.usefixtures("soon")
async def test_downloads_that_wait_for_slow_clients_hold_no_place_of_others() -> None:
    async with Origin(files_and_pages) as origin:
        transport = transport_to(origin, max_connections=2, max_wait_ms=1_000)
        first, second = await downloads(transport, 2)
        assert await body_of(transport) == b"hello"  # as soon as one of them was set aside
        await eventually(lambda: transport.limiter.aside == 2)
        assert transport.limiter.under_way == 0
        assert sum([len(piece) async for piece in first.body]) == SIZE
        await first.aclose()
        await second.aclose()
        await second.aclose()
        assert (transport.limiter.aside, transport.limiter.under_way) == (0, 0)
        for _ in range(3):  # also on the connection on which one was read to its end
            assert await body_of(transport) == b"hello"
        assert "0 active" in repr(transport) and transport.limiter.aside == 0
        await transport.aclose()


@pytest.mark.usefixtures("soon")
async def test_no_more_downloads_are_set_aside_than_may_be() -> None:
    async with Origin(files_and_pages) as origin:
        transport = transport_to(origin, max_connections=2, max_slow_downloads=1, max_wait_ms=200)
        slow = await downloads(transport, 3)
        assert (transport.limiter.aside, transport.limiter.under_way) == (1, 2)
        with pytest.raises(OriginError, match="2 requests are under way at once"):
            await body_of(transport)
        for each in slow:
            await each.aclose()
        assert (transport.limiter.aside, transport.limiter.under_way) == (0, 0)
        await transport.aclose()


@pytest.mark.usefixtures("soon")
async def test_who_has_half_in_slow_downloads_gets_no_more_and_others_do() -> None:
    async with Origin(files_and_pages) as origin:
        transport = transport_to(origin, max_connections=4, max_wait_ms=10)
        slow = await downloads(transport, 2, "192.0.2.1")
        await eventually(lambda: transport.limiter.aside == 2)
        with pytest.raises(OriginError, match="half of what the origin takes"):
            await downloads(transport, 1, "192.0.2.1")
        assert await body_of(transport) == b"hello"
        for each in slow:
            await each.aclose()
        assert await body_of(transport, UpstreamRequest(b"GET", b"/", GET.headers, customer="192.0.2.1")) == b"hello"
        await transport.aclose()


@pytest.mark.usefixtures("soon")
async def test_a_download_asked_for_as_if_it_were_a_websocket_is_set_aside_too() -> None:
    async with Origin(files_and_pages) as origin:
        transport = transport_to(origin, max_connections=1, max_wait_ms=1_000)
        switch = await transport.switch(UpstreamRequest(b"GET", b"/file", GET.headers, customer="192.0.2.1"))
        await switch.head()
        assert await body_of(transport) == b"hello"
        assert transport.limiter.aside == 1
        await switch.aclose()
        assert (transport.limiter.aside, transport.limiter.under_way) == (0, 0)
        await transport.aclose()
