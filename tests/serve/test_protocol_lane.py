"""What is answered by the protocol itself, or goes straight to the origin: the same as by the application, for less."""

from __future__ import annotations

import asyncio
import gc

import pytest

from tests.serve.test_protocol import connections
from tests.wire.origin import Origin, always, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, eventually, in_segment, published, shown

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
                lines = served.site.metrics.as_text().splitlines()
                counted.append([line for line in lines if not line.startswith("tailorbird_answer_seconds")])
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
        for path in ANSWERS:
            await served.get(path)  # else what comes with cookies is stored a moment later, in the background
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


async def test_an_unknown_visitor_is_read_and_answered_without_the_application() -> None:
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
