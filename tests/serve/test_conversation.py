"""How long a client may let us wait, and how a connection ends, tried with raw bytes on a real listener.

Time is not waited for: `later` looks at the connections as if it were so many seconds later.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.serve.test_protocol import connections, later, refused
from tests.wire.origin import Origin, Wire, always, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, answering, eventually

# -- waiting for the client


async def test_a_client_that_says_nothing_is_disconnected() -> None:
    async with Served("http://127.0.0.1:9") as served:
        reader, _ = await served.connect()
        await eventually(lambda: len(connections(served)) == 1)
        await later(served, 9)
        await later(served, 9.6)
        assert await reader.read() == b""


async def test_a_head_that_drips_is_refused_however_it_drips() -> None:
    async with Served("http://127.0.0.1:9") as served:
        reader, writer = await served.connect()
        writer.write(b"GET / HT")
        await eventually(lambda: any(one.url for one in connections(served)))
        await later(served, 5)
        writer.write(b"TP/1.1\r\n")
        await later(served, 10)
        assert (await hear(reader)).status == 408
        assert await reader.read() == b""


async def test_an_upload_is_timed_by_its_progress() -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        assert b"0\r\n\r\n" not in await wire.until_closed()

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + b"x" * 1_024 + b"\r\n"
        )
        await eventually(lambda: origin.open == 1)
        await later(served, 15)
        writer.write(b"1\r\nx\r\n")
        assert connections(served)[0].transport.is_closing() is False
        connections(served)[0].since -= 30
        await later(served, 0)
        assert (await hear(reader)).status == 408
        await asyncio.wait_for(origin.has_open(0), 9)


async def test_a_client_is_not_timed_while_it_waits_for_us() -> None:
    held = asyncio.Event()

    async def slow() -> bytes:
        await held.wait()
        return ok(PAGE, *SHARED)

    async with Origin(answering(lambda _: slow())) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        await eventually(lambda: len(origin.requests) == 1)
        await later(served, 1_000)
        held.set()
        assert (await hear(reader)).status == 200
        writer.close()


async def test_a_connection_is_kept_between_requests_but_not_for_long() -> None:
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for wait in (14, 15):
            writer.write(request(b"GET", b"/"))
            assert (await hear(reader)).status == 200
            await later(served, wait)
        assert await reader.read() == b""


async def test_a_trusted_proxy_keeps_its_connections_until_it_closes_them_or_we_stop() -> None:
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url, trusted_proxies=("127.0.0.1",)) as served:
        reader, writer = await served.connect()
        for _ in range(2):
            writer.write(request(b"POST", b"/order"))
            assert (await hear(reader)).status == 200
            await later(served, 3_600)
        connections(served)[0].drain()
        await later(served, 16)
        assert await reader.read() == b""


async def test_clients_that_do_not_read_are_disconnected_and_those_that_read_are_not() -> None:
    big = ok(b"x" * (32 << 20))
    async with Origin(always(big)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/big", (b"Cookie", b"a=b")))
        await eventually(lambda: any(one.flow.write_paused for one in connections(served)))
        await later(served, 0)
        await later(served, 29)
        (connection,) = connections(served)
        assert not connection.transport.is_closing()
        await reader.readexactly(16 << 20)
        await later(served, 31)
        assert not connection.transport.is_closing()
        minutes = itertools.count(1)
        async with asyncio.timeout(9):
            while not connection.transport.is_closing():
                await later(served, 60 * next(minutes))
                await asyncio.sleep(0)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(17 << 20)
        assert served.site.metrics.get("tailorbird_clients_refused_total", "slow") == 1


# -- ends


async def test_requests_before_a_malformed_one_are_answered_and_the_connection_closed() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        assert await refused(served, request(b"GET", b"/") + b"nonsense\r\n\r\n" + request(b"GET", b"/more")) == 200
        assert [seen.target for seen in origin.requests] == [b"/"]


async def test_a_broken_body_after_its_answer_is_not_answered_again() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await hear(reader)).status == 200
        writer.write(b"nonsense\r\n")
        assert await reader.read() == b""
        writer.close()


async def test_a_client_that_was_not_asked_to_go_on_is_disconnected() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        sent = request(b"GET", b"/", (b"Expect", b"100-continue"), (b"Content-Length", b"33"))
        assert await refused(served, sent) == 200


async def test_more_requests_ahead_than_are_allowed_end_the_connection_after_those() -> None:
    held = asyncio.Event()

    async def slow() -> bytes:
        await held.wait()
        return ok(b"x", b"Cache-Control: no-store")

    async with Origin(answering(lambda _: slow())) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"POST", b"/") * 50)
        await eventually(lambda: len(origin.requests) == 1)
        held.set()
        for _ in range(33):
            assert (await hear(reader)).status == 200
        assert await reader.read() == b""
        writer.close()
        assert len(origin.requests) == 33


async def test_other_protocols_are_not_switched_to_and_nothing_after_them_is_read() -> None:
    upgrade = (
        (b"Connection", b"Upgrade, HTTP2-Settings"),
        (b"Upgrade", b"h2c"),
        (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"),
    )
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        assert await refused(served, request(b"GET", b"/", *upgrade) + request(b"GET", b"/smuggled")) == 200
        assert [seen.target for seen in origin.requests] == [b"/"]


async def test_connections_beyond_the_limit_get_a_503_with_retry_after() -> None:
    held = asyncio.Event()

    async def slow() -> bytes:
        await held.wait()
        return ok(b"x")

    async with Origin(answering(lambda _: slow())) as origin, Served(origin.url, max_clients=1) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        await eventually(lambda: len(origin.requests) == 1)
        late, _ = await served.connect()
        heard = await hear(late)
        assert (heard.status, heard.headers[b"retry-after"]) == (503, b"1")
        held.set()
        assert (await hear(reader)).status == 200
        again, _ = await served.connect()
        await eventually(lambda: len(connections(served)) == 1)
        assert await reader.read() == b""  # idle by now, it gave way
        writer.close()
        again.feed_eof()
