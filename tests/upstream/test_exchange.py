"""Whatever an origin does to an exchange, it ends once, in time, and never as a short success."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from tests.upstream.conftest import body_of
from tests.wire.origin import Origin, Script, Wire, always, ok

GET = UpstreamRequest(b"GET", b"/c/shoes?page=2", ((b"host", b"shop.example"), (b"accept", b"*/*")))
POST = replace(GET, method=b"POST", target=b"/orders")
LENGTH_10 = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HURRIED = Settings(connect_timeout_ms=500, first_byte_timeout_ms=150, between_bytes_timeout_ms=150)


async def reason_of(origin: Origin, request: UpstreamRequest = GET, settings: Settings = HURRIED) -> str:
    """Why the fetch failed; and that it left nothing behind."""
    transport = OriginTransport(origin.url, settings)
    with pytest.raises(OriginError) as caught:
        await body_of(transport, request)
    assert "0 active, 0 idle, 0 waiting" in repr(transport)
    await origin.has_open(0)
    return caught.value.reason


def after_request(*steps: bytes | Callable[[Wire], None] | Callable[[Wire], Awaitable[object]]) -> Script:
    """Reads one request, then sends the bytes and takes the other steps in order."""

    async def script(wire: Wire) -> None:
        await wire.request()
        for step in steps:
            if isinstance(step, bytes):
                await wire.send(step)
            elif (awaited := step(wire)) is not None:
                await awaited

    return script


async def drip(wire: Wire) -> None:
    """A byte now and then, never enough."""
    for _ in range(1000):
        await wire.send(b"X")
        await asyncio.sleep(0.02)


# -- what comes back -----------------------------------------------------------------------------------------------


async def test_the_first_event_arrives_before_the_second_is_sent() -> None:
    second = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await second.wait()
        await wire.send(b"data: 2\n\n")

    async with Origin(script) as origin:
        answer = await OriginTransport(origin.url, Settings()).fetch(GET)
        assert not answer.is_bounded
        assert await anext(answer.body) == b"data: 1\n\n"
        second.set()
        assert [piece async for piece in answer.body] == [b"data: 2\n\n"]


async def test_an_answer_is_not_limited_in_time_while_it_goes_on() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(30):
            await asyncio.sleep(0.05)
            await wire.send(b"X")

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings(first_byte_timeout_ms=1_000, between_bytes_timeout_ms=1_000))
        assert await body_of(transport) == b"X" * 30


async def test_a_slow_visitor_stops_the_origin_instead_of_filling_memory() -> None:
    total, sent = 20_000_000, 0

    async def script(wire: Wire) -> None:
        nonlocal sent
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            await wire.send(b"x" * 100_000)
            sent += 100_000
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, HURRIED)
        answer = await transport.fetch(GET)
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)  # longer than the silence allowed: it is not the origin that is slow
        assert sent < total - 2_000_000
        largest = received = 0
        async for piece in answer.body:
            largest, received = max(largest, len(piece)), received + len(piece)
        assert received == total
        assert largest < 1_000_000
        await transport.aclose()


async def test_a_slow_origin_stops_the_upload_instead_of_filling_memory() -> None:
    given = 0
    may_read = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(200):
            given += 100_000
            yield b"x" * 100_000

    async def script(wire: Wire) -> None:
        await may_read.wait()
        assert len((await wire.request()).body) == 20_000_000
        await wire.send(ok(b"thanks"))

    async with Origin(script) as origin:
        fetch = asyncio.create_task(body_of(OriginTransport(origin.url, Settings()), replace(POST, body=body())))
        before = -1
        while given != before:
            before = given
            await asyncio.sleep(0.05)
        assert given < 18_000_000
        may_read.set()
        assert await fetch == b"thanks"


async def test_what_is_large_costs_little_memory_in_either_direction() -> None:
    total, piece = 20_000_000, b"x" * 100_000

    async def body() -> AsyncIterator[bytes]:
        for _ in range(total // len(piece)):
            yield piece

    async def script(wire: Wire) -> None:
        await wire.head()
        for _ in range(total // len(piece)):
            await wire.reader.readexactly(len(piece))
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // len(piece)):
            await wire.send(piece)
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings())
        tracemalloc.start()
        try:
            answer = await transport.fetch(replace(POST, body=body(), content_length=total))
            assert sum([len(piece) async for piece in answer.body]) == total
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 4_000_000  # both ends' buffers
        await transport.aclose()


# -- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(after_request(Wire.until_closed), "timeout", id="silence"),
        pytest.param(after_request(b"HTTP/1.1 200 OK\r\n", Wire.until_closed), "timeout", id="half a head"),
        pytest.param(after_request(b"HTTP/1.1 200 OK\r\nX-A: ", drip), "timeout", id="a dripped head"),
        pytest.param(after_request(LENGTH_10, b"hello", Wire.until_closed), "timeout", id="half a body"),
        pytest.param(after_request(LENGTH_10, b"hello", Wire.half_close), "truncated", id="half-closed in a body"),
        pytest.param(after_request(CHUNKED, b"5\r\nhello\r\n"), "truncated", id="no last chunk"),
        pytest.param(after_request(LENGTH_10, b"hello", Wire.reset), "reset", id="reset in a body"),
        pytest.param(after_request(CHUNKED, b"5\r\nhello\r\nbroken"), "malformed", id="a broken chunk"),
        pytest.param(after_request(), "reset", id="closed without an answer"),
        pytest.param(after_request(Wire.half_close, Wire.until_closed), "reset", id="half-closed without an answer"),
        pytest.param(after_request(Wire.reset), "reset", id="reset without an answer"),
        pytest.param(after_request(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "malformed", id="1xx flood"),
        pytest.param(after_request(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000), "malformed", id="1 MB field"),
        pytest.param(after_request(LENGTH_10[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"), "malformed", id="CL+TE"),
    ],
)
async def test_a_fault_of_the_origin_is_an_error_and_costs_the_connection(script: Script, reason: str) -> None:
    async with Origin(script) as origin:
        assert await reason_of(origin) == reason
        assert len(origin.requests) == 1


async def test_a_timeout_is_a_504_and_other_faults_are_a_502() -> None:
    for script, status in ((after_request(Wire.until_closed), 504), (after_request(), 502)):
        async with Origin(script) as origin:
            with pytest.raises(OriginError) as caught:
                await body_of(OriginTransport(origin.url, HURRIED))
            assert caught.value.status == status


async def test_what_came_before_a_break_is_still_delivered() -> None:
    async with Origin(after_request(LENGTH_10, b"hello", Wire.half_close)) as origin:
        answer = await OriginTransport(origin.url, HURRIED).fetch(GET)
        assert await anext(answer.body) == b"hello"
        for _ in range(2):
            with pytest.raises(OriginError, match="broke off"):
                await anext(answer.body)


async def test_an_answer_let_go_half_read_costs_its_connection() -> None:
    async with Origin(after_request(LENGTH_10, b"hello", Wire.until_closed)) as origin:
        transport = OriginTransport(origin.url, Settings())
        answer = await transport.fetch(GET)
        await answer.aclose()
        await answer.aclose()
        assert "0 active, 0 idle" in repr(transport)
        await origin.has_open(0)


async def test_an_answer_never_read_but_let_go_gives_its_slot_back() -> None:
    async with Origin(always(ok(b"x" * 1_000_000))) as origin:
        transport = OriginTransport(origin.url, Settings(max_connections=1))
        for _ in range(3):
            await (await transport.fetch(GET)).aclose()
        assert "0 active" in repr(transport)
        await transport.aclose()


async def test_an_origin_that_hangs_up_on_connecting_is_noticed_at_once() -> None:
    async def hangs_up(wire: Wire) -> None:
        wire.reset()

    async with Origin(hangs_up) as origin:
        async with asyncio.timeout(9):
            for _ in range(20):
                transport = OriginTransport(origin.url, Settings())  # a new one does not know that this one fails
                with pytest.raises(OriginError) as caught:
                    await body_of(transport)
                assert caught.value.reason == "reset"
