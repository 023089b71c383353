"""What comes between, behind or during two answers on a connection of the lane."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from proxy.http.message import Response
from proxy.serve.protocol import ClientProtocol, in_one_write, protocols
from tests.serve.test_protocol import connections
from tests.serve.test_protocol_lane import ANSWERS, GZIP, LANE, raw
from tests.wire.origin import Origin, Seen, always, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, answering, eventually


async def test_the_lane_is_closed_while_an_answer_is_outstanding() -> None:
    held = asyncio.Event()

    async def slow() -> bytes:
        await held.wait()
        return ok(b"slow", b"Cache-Control: no-store")

    def say(seen: Seen) -> bytes | Awaitable[bytes]:
        return slow() if seen.target == b"/slow" else ok(PAGE, *SHARED)

    async with Origin(answering(say)) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        writer.write(request(b"POST", b"/slow") + request(b"GET", b"/"))
        await eventually(lambda: len(origin.requests) == 2)
        held.set()
        assert [(await hear(reader)).body for _ in range(2)] == [b"slow", PAGE]
        writer.close()


async def test_the_lane_is_closed_while_the_client_does_not_read() -> None:
    page = b"<p>" + b"x" * 50_000
    async with Origin(always(ok(page, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        asked = 0
        while not any(one.flow.write_paused for one in connections(served)):
            writer.write(request(b"GET", b"/"))
            asked += 1
            await asyncio.sleep(0)
        (connection,) = connections(served)
        writer.write(request(b"GET", b"/") * 20)
        await eventually(lambda: connection.flow.read_paused)
        assert connection.transport.get_write_buffer_size() <= 65_536
        for _ in range(asked + 20):
            assert (await hear(reader)).body == page
        writer.close()


async def test_a_stored_answer_too_long_for_one_write_goes_beside_the_lane_in_pieces() -> None:
    page = b"<p>" + bytes(range(256)) * 1_024
    async with Origin(always(ok(page, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        assert (await hear(reader)).body == page
        (connection,) = connections(served)
        assert connection.cycle.response_complete
        assert served.site.metrics.get("tailorbird_cache_requests_total", "hit") == 1
        writer.close()


@pytest.mark.parametrize("value", [b"a\r\nX: b", b"a\nb", b"a\0b", b"a\x7fb"])
def test_a_field_that_would_end_early_is_not_written(value: bytes) -> None:
    assert in_one_write(Response(200, ((b"a", value), (b"content-length", b"0"))), is_kept=True) is None


async def test_a_failure_in_the_lane_is_an_honest_error_and_the_end_of_the_connection() -> None:
    def broken(_: object) -> None:
        raise ValueError("a secret detail")

    async with Served("http://127.0.0.1:9") as served:
        served.listener.config.http = protocols(
            broken, lambda request, give: False, served.site.settings, served.site.metrics
        )
        heard = await raw(served, request(b"GET", b"/"))
    assert heard.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in heard


async def test_a_draining_server_ends_connections_that_are_owed_nothing() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        assert (await hear(reader)).status == 200
        served.listener.stop(gently=False)
        assert await asyncio.wait_for(reader.read(), 9) == b""
        writer.close()


async def test_every_change_between_two_fast_answers_counts_for_the_next() -> None:
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, publication=LANE) as served:
        sent = request(b"GET", b"/", served.site.visitor("anna"))
        await served.site.remember("anna", **{"first name": "Anna"})
        await served.get(b"/", served.site.visitor("anna"))

        async def warm() -> tuple[asyncio.StreamReader, asyncio.StreamWriter, ClientProtocol]:
            reader, writer = await served.connect()
            for _ in range(4):
                writer.write(sent)
                assert (await hear(reader)).status == 200
            (connection,) = connections(served)
            assert connection._is_idle_now
            return reader, writer, connection

        reader, writer, connection = await warm()
        connection.drain()
        writer.write(sent)
        assert (await hear(reader)).headers[b"connection"] == b"close"
        assert await reader.read() == b""
        writer.close()
        await eventually(lambda: not connections(served))

        reader, writer, connection = await warm()
        writer.write(sent[:40])
        await eventually(lambda: connection._unread > 0)
        writer.write(sent[40:])
        assert (await hear(reader)).status == 200
        writer.close()
        await eventually(lambda: not connections(served))

        reader, writer, connection = await warm()
        writer.write(b"nonsense\r\n\r\n" + sent)
        assert (await hear(reader)).status == 400
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()


async def test_what_follows_half_a_request_is_the_rest_of_it_however_well_known_it_looks() -> None:
    """Half of it came behind another request, in one piece. Else who shares a connection with others, behind a proxy,
    would have a beginning wait there for the next of them."""
    known, half = request(b"GET", b"/", GZIP), b"GET /own HTTP/1.1\r\nX-A: "
    answers = {b"/": ok(PAGE, *SHARED), b"/own": ok(b"own", b"Cache-Control: no-store")}
    async with Origin(by_path(answers)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for _ in range(4):
            writer.write(known)
            assert b"the default" in (await hear(reader)).body
        writer.write(known + half)
        assert b"the default" in (await hear(reader)).body
        writer.write(known)
        assert (await hear(reader)).body == b"own"
        assert (origin.requests[-1].target, origin.requests[-1].get(b"x-a")) == (b"/own", b"GET / HTTP/1.1")
        writer.close()


async def test_a_head_that_began_behind_another_request_has_the_same_limits() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/") + b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-A: " + b"a" * 9_000)
        assert (await hear(reader)).status == 200
        writer.write(b"\r\n\r\n")
        assert (await hear(reader)).status == 431
        assert await reader.read() == b""
        writer.close()
