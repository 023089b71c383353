"""What is answered by the protocol itself, or goes straight to the origin: the same as by the application, for less."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable

import pytest

from proxy.http.message import Response
from proxy.serve.protocol import ClientProtocol, in_one_write, protocols
from tests.serve.test_protocol import connections
from tests.wire.origin import Origin, Seen, always, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, answering, eventually, in_segment, published, shown

GZIP = (b"Accept-Encoding", b"gzip")
LANE = published(shown("Hello VIP", when=in_segment("vip")), shown("{first name|friend}", order=1))
ANSWERS = {b"/": ok(PAGE, *SHARED), b"/plain": ok(b"<p>no slots", *SHARED), b"/a.css": ok(b"a{}", SHARED[1])}


async def raw(served: Served, sent: bytes) -> bytes:
    """All that comes back, with the connection's end."""
    reader, writer = await served.connect()
    writer.write(sent)
    heard = await asyncio.wait_for(reader.read(), 9)
    writer.close()
    return heard


async def test_an_answer_is_the_same_bytes_and_counted_the_same_in_the_lane_and_beside_it() -> None:
    heard, counted = [], []
    async with Origin(by_path(ANSWERS)) as origin:
        for has_lane in (True, False):
            async with Served(origin.url, publication=LANE, has_lane=has_lane) as served:
                await served.site.remember("anna", **{"first name": "Anna"})
                for path in (*ANSWERS, b"/"):
                    await served.get(path, served.site.visitor("anna"))
                heard.append([await raw(served, sent) for sent in lane_requests(served)])
                counted.append(served.site.metrics.as_text())
    for in_lane, beside in zip(*heard, strict=True):
        assert in_lane == beside
    assert counted[0] == counted[1]
    assert any(b"Hello VIP" in answer for answer in heard[0])
    assert any(b"Anna" in answer for answer in heard[0])
    assert any(b" 304 " in answer for answer in heard[0])


def lane_requests(served: Served) -> list[bytes]:
    close = (b"Connection", b"close")
    anna, vip = served.site.visitor("anna"), served.site.visitor("bert", "vip")
    both = request(b"GET", b"/", anna) + request(b"GET", b"/a.css", close)
    old = b"GET / HTTP/1.0\r\nHost: shop.example\r\n"
    return [
        request(b"GET", b"/", close),
        request(b"GET", b"/", anna, close),
        request(b"GET", b"/", anna, GZIP, close),
        request(b"GET", b"/", vip, close),
        request(b"HEAD", b"/", anna, close),
        request(b"GET", b"/?%41=b", close),
        request(b"GET", b"http://shop.example/", anna, close),
        request(b"GET", b"/plain", GZIP, close),
        request(b"GET", b"/a.css", close),
        request(b"GET", b"/a.css", (b"If-None-Match", b'"page-1"'), close),
        request(b"GET", b"/plain", (b"If-None-Match", b'"page-1"'), close),
        request(b"GET", b"/", (b"X_Segment", b"vip"), close),
        request(b"GET", b"/", (b"Upgrade", b"h2c"), (b"Connection", b"Upgrade")) + request(b"GET", b"/a.css"),
        both,
        old + b"\r\n",
        old + b"Connection: keep-alive\r\n\r\n" + both,
        request(b"GET", b"/a b", close),
        request(b"GET", b"/", anna, (b"Content-Length", b"3"), close) + b"abc",
    ]


async def test_a_warm_page_is_answered_without_the_application() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/") * 3)
        for _ in range(3):
            assert (await hear(reader)).status == 200
        (connection,) = connections(served)
        assert connection.cycle is None
        writer.close()


async def test_what_is_asked_by_habit_is_answered_with_the_same_bytes() -> None:
    """A connection that asks again and again, each time with other cookies, beside one connection for each."""
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, publication=LANE) as served:
        await served.site.remember("anna", **{"first name": "Anna"})
        anna, vip = served.site.visitor("anna"), served.site.visitor("bert", "vip")
        asked = [
            request(b"GET", path, *coding, (b"Cookie", b"a=%d; " % number + visitor[1]))
            for coding in ((), (GZIP,))
            for number, (path, visitor) in enumerate((path, visitor) for path in ANSWERS for visitor in (anna, vip))
        ]
        for sent in asked:
            await raw(served, sent.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        alone = [await raw(served, sent.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) for sent in asked]
        reader, writer = await served.connect()
        for _ in range(3):
            for sent, expected in zip(asked, alone, strict=True):
                writer.write(sent)
                heard = await reader.readuntil(b"\r\n\r\n")
                heard += await reader.readexactly(int(heard.partition(b"content-length: ")[2].split(b"\r\n")[0]))
                assert heard == expected.replace(b"connection: close\r\n", b"")
        (connection,) = connections(served)
        # The last that was read in the ordinary way is the second in gzip, which taught that header set.
        assert (connection.cycle, connection.url, asked[-1].split()[1]) == (None, b"/", b"/a.css")
        writer.close()


async def test_who_is_not_remembered_is_read_and_answered_without_the_application() -> None:
    names = [f"v{number}" for number in range(8)]
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, publication=LANE) as served:
        for name in names[1:]:
            await served.site.remember(name, **{"first name": f"Name {name}"})
        asked = [request(b"GET", b"/", GZIP, served.site.visitor(name)) for name in names]
        reader, writer = await served.connect()
        heard, turns = [], []
        for sent in (*asked[:1] * 3, *asked):
            writer.write(sent)
            heard.append(await hear(reader))
            turns.append(type(connections(served)[0].cycle).__name__)
        alone = [await served.get(b"/", GZIP, served.site.visitor(name)) for name in names]
        writer.close()
    assert turns[-7:] == ["Turn"] * 7
    assert [one.body for one in heard[3:]] == [one.body for one in alone]
    assert [f"Name {name}".encode() in one.body for name, one in zip(names, alone, strict=True)] == [False, *[True] * 7]
    assert [one.headers for one in heard[3:]] == [
        {name: value for name, value in one.headers.items() if name != b"connection"} for one in alone
    ]


async def test_a_client_that_leaves_while_it_is_read_is_missed_by_nobody() -> None:
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, publication=LANE) as served:
        await served.get(b"/")
        for number in range(20):
            reader, writer = await served.connect()
            writer.write(request(b"GET", b"/", served.site.visitor("anna")))
            await hear(reader)
            writer.write(request(b"GET", b"/", served.site.visitor(f"v{number}")))
            writer.close()
        await eventually(lambda: not connections(served))
        assert (await served.get(b"/", served.site.visitor("anna"))).status == 200


@pytest.mark.parametrize("has_lane", [True, False])
async def test_an_answer_leaves_nothing_behind_that_holds_itself(has_lane: bool) -> None:
    async with Origin(by_path(ANSWERS)) as origin, Served(origin.url, publication=LANE, has_lane=has_lane) as served:
        reader, writer = await served.connect()
        asked = [
            request(b"GET", path, GZIP, (b"Sec-Fetch-Mode", b"navigate"), served.site.visitor(f"v{number}"))
            for number in range(10)
            for path in (b"/", b"/a.css")
        ]
        for sent in asked[:6]:
            writer.write(sent)
            await hear(reader)
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for sent in asked[6:]:
                writer.write(sent)
                await hear(reader)
            gc.collect()
            left = {type(one).__name__ for one in gc.garbage}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
        writer.close()
    assert not left & {"RequestResponseCycle", "Turn", "Request", "Read"}


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


async def test_whatever_happens_between_two_answers_in_the_lane_is_heeded_by_the_next() -> None:
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
