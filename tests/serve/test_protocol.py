"""What a client may do on one connection, tried with raw bytes on a real listener.

Time is not waited for: `later` looks at the connections as if it were so many seconds later.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Awaitable

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from proxy.http.message import Request, Response
from proxy.serve.protocol import ClientProtocol, in_one_write, protocols
from tests.wire.origin import Origin, Seen, Wire, always, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, answering, eventually, in_segment, published, shown

# -- what we take from uvicorn beyond its documented interface


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            HttpToolsProtocol,
            "connection_made connection_lost data_received pause_writing resume_writing shutdown on_message_begin "
            "on_headers_complete on_body on_message_complete on_response_complete handle_websocket_upgrade "
            "_should_upgrade _unset_keepalive_if_required",
        ),
        (RequestResponseCycle, "run_asgi send receive"),
        (FlowControl, "pause_writing resume_writing pause_reading resume_reading"),
    ],
)
def test_uvicorn_still_has_the_methods_we_build_on(owner: type, names: str) -> None:
    assert [name for name in names.split() if not inspect.isfunction(getattr(owner, name, None))] == []


async def test_uvicorn_still_has_the_attributes_we_build_on() -> None:
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        await hear(reader)
        (connection,) = served.listener.server_state.connections
        names = "parser transport flow cycle pipeline headers url client scheme scope expect_100_continue loop"
        assert [name for name in names.split() if getattr(connection, name, None) is None and name != "loop"] == []
        names = (
            "response_started response_complete disconnected keep_alive message_event more_body scope "
            "waiting_for_100_continue"
        )
        assert [name for name in names.split() if not hasattr(connection.cycle, name)] == []
        assert isinstance(served.listener.server_state, ServerState)
        assert connection.scope["headers"] is not connection.headers
        writer.close()


# -- talking


def connections(served: Served) -> list[ClientProtocol]:
    return [one for one in served.listener.server_state.connections if isinstance(one, ClientProtocol)]


async def later(served: Served, seconds: float) -> None:
    for connection in connections(served):
        connection.look(asyncio.get_running_loop().time() + seconds)


async def refused(served: Served, sent: bytes) -> int:
    """The status of the one answer to `sent`, after which the connection is closed."""
    reader, writer = await served.connect()
    writer.write(sent)
    heard = await hear(reader)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    return heard.status


# -- limits


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(b"GET", b"/" + b"a" * 8_192), 414),
        (b"GET /" + b"a" * 40_000, 414),
        (request(b"GET", b"/", (b"A", b"a" * 8_192)), 431),
        (request(b"GET", b"/", *[(b"A%d" % n, b"a" * 1_000) for n in range(40)]), 431),
        (request(b"GET", b"/", *[(b"A%d" % n, b"a") for n in range(100)]), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 40_000, 431),
        (b"\r\n" * 20_000, 431),
        (request(b"GET", b"/") + request(b"GET", b"/", (b"A", b"a" * 60_000)), 200),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
    ],
    ids=lambda value: value if isinstance(value, int) else "",
)
async def test_a_head_beyond_the_limits_is_refused_and_the_connection_closed(sent: bytes, status: int) -> None:
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url) as served:
        assert await refused(served, sent) == status


async def test_a_head_just_within_the_limits_is_served() -> None:
    fields = [(b"A%d" % n, b"a" * 300) for n in range(98)]
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/" + b"a" * 1_000, *fields))
        assert (await hear(reader)).status == 200
        writer.close()


@pytest.mark.parametrize("endless", [b"3;" + b"x" * 600_000, b"0\r\nA: " + b"x" * 600_000])
async def test_what_is_no_body_does_not_hide_in_one(endless: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url) as served:
        assert await refused(served, head + endless) == 431
        assert origin.requests == []


async def test_what_follows_a_body_adds_no_fields_to_its_request() -> None:
    async with Origin(always(ok(b"x"))) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"1\r\nx\r\n0\r\nCookie: late=1\r\nHost: evil.example\r\n\r\n")
        assert (await hear(reader)).status == 200
        writer.close()
        assert [(seen.body, seen.get(b"cookie")) for seen in origin.requests] == [(b"x", None)]


# -- the fast lane

GZIP = (b"Accept-Encoding", b"gzip")
LANE = published(shown("Hello VIP", when=in_segment("vip")), shown("{first name|friend}", order=1))
ANSWERS = {b"/": ok(PAGE, *SHARED), b"/plain": ok(b"<p>no slots", *SHARED), b"/a.css": ok(b"a{}", SHARED[1])}


async def raw(served: Served, sent: bytes) -> bytes:
    """All that comes back, with the connection's end."""
    reader, writer = await served.connect()
    writer.write(sent)
    heard = await asyncio.wait_for(reader.read(), 5)
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
        # The last that was read in the ordinary way is the second in gzip, which taught that habit.
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


async def test_what_is_asked_by_habit_and_not_stored_reaches_the_origin_as_ever() -> None:
    fields = [(b"User-Agent", b"Mozilla"), (b"Accept", b"text/html"), (b"Cookie", b"session=1; __Host-tb_v=x")]
    private = ok(b"private", b"Content-Type: text/html", b"Cache-Control: no-store")
    async with Origin(always(private)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for number in range(4):
            writer.write(request(b"GET", b"/p%d?q=%d" % (number, number), *fields))
            heard = await hear(reader)
            assert (heard.status, heard.body, heard.is_whole) == (200, b"private", True)
        # What is sent ahead of an answer waits its turn, whichever way it is read.
        writer.write(request(b"GET", b"/p4?q=4", *fields))
        await eventually(lambda: len(origin.requests) == 5)
        writer.write(request(b"GET", b"/p5?q=5", *fields) + request(b"GET", b"/p6?q=6", *fields))
        assert [(await hear(reader)).body for _ in range(3)] == [b"private"] * 3
        writer.close()
    assert [seen.target for seen in origin.requests] == [b"/p%d?q=%d" % (number, number) for number in range(7)]
    assert len({tuple(sorted(seen.headers)) for seen in origin.requests}) == 1
    assert origin.requests[3].get(b"cookie") == b"session=1"


async def test_a_client_that_leaves_what_it_asked_by_habit_ends_the_exchange() -> None:
    asked = request(b"GET", b"/", (b"Accept", b"text/html"), (b"Cookie", b"session=1"))
    begun = ok(b"x" * 100, b"Cache-Control: no-store")[:-1]  # the last byte never comes
    async with Origin(by_path({b"/": begun})) as origin, Served(origin.url) as served:
        for _ in range(3):
            reader, writer = await served.connect()
            writer.write(asked)
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
        await eventually(
            lambda: not connections(served) and not any(gate.under_way for gate in served.site.origins.gates.values())
        )


HINTED = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nSet-Cookie: a=1\r\n\r\n"
    + ok(b"x", b"Cache-Control: no-store")
)
MODE, SESSION = (b"Sec-Fetch-Mode", b"navigate"), (b"Cookie", b"session=1")


async def test_early_hints_reach_who_says_how_it_fetches_by_any_way() -> None:
    async with Origin(always(HINTED)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for _ in range(4):  # the last are asked by habit, and straight
            writer.write(request(b"GET", b"/", MODE, SESSION))
            hints = await reader.readuntil(b"\r\n\r\n")
            assert hints == b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
            heard = await hear(reader)
            assert (heard.status, heard.body, heard.headers.get(b"link")) == (200, b"x", None)
        writer.close()


@pytest.mark.parametrize("path", [b"/", b"/shared"])
async def test_no_link_leads_to_the_origins_own_address(path: bytes) -> None:
    async def script(wire: Wire) -> None:
        while True:
            asked = await wire.request()
            link = b"Link: <%b/a.css>; rel=preload" % wire.origin.url.encode()
            early = b"HTTP/1.1 103 Early Hints\r\n%b\r\n\r\n" % link if asked.target == b"/" else b""
            await wire.send(early + ok(b"x", link, b"Cache-Control: " + (b"no-store" if early else b"max-age=60")))

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for _ in range(4):  # the last are asked by habit, and straight, or stored
            writer.write(request(b"GET", path, MODE, SESSION))
            if path == b"/":
                hints = await reader.readuntil(b"\r\n\r\n")
                assert hints == b"HTTP/1.1 103 Early Hints\r\nlink: <http://shop.example/a.css>; rel=preload\r\n\r\n"
            assert (await hear(reader)).headers[b"link"] == b"<http://shop.example/a.css>; rel=preload"
        writer.close()


@pytest.mark.parametrize(
    "asked",
    [
        request(b"GET", b"/", SESSION),
        request(b"GET", b"/", MODE, SESSION).replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(b"GET", b"/", MODE).replace(b"GET / ", b"GET /shared "),
    ],
    ids=["says nothing of it", "HTTP/1.0", "asked for everybody"],
)
async def test_early_hints_are_kept_from_who_might_take_them_for_the_answer(asked: bytes) -> None:
    shared = HINTED.replace(b"no-store", b"max-age=60")
    async with Origin(by_path({b"/": HINTED, b"/shared": shared})) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(asked)
        assert (await hear(reader)).status == 200
        writer.close()


async def test_a_failure_over_what_is_read_by_habit_is_an_honest_error_too() -> None:
    asked = []

    def broken(asking: Request) -> Response | None:
        asked.append(asking.question is not None)
        if asking.question is not None:
            raise ValueError("a secret detail")
        return Response(200, ((b"content-length", b"0"),))

    async with Served("http://127.0.0.1:9") as served:
        served.listener.config.http = protocols(
            broken, lambda request, give: False, served.site.settings, served.site.metrics
        )
        reader, writer = await served.connect()
        statuses = []
        for _ in range(3):
            writer.write(request(b"GET", b"/"))
            statuses.append((await hear(reader)).status)
        assert (statuses, asked) == ([200, 200, 500], [False, False, True])
        assert await reader.read() == b""
        writer.close()


async def test_a_draining_server_ends_connections_that_are_owed_nothing() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        await served.get(b"/")
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        assert (await hear(reader)).status == 200
        served.listener.stop(gently=False)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


# -- a last call


async def test_after_the_last_call_who_is_silent_may_ask_once_more_and_is_told_that_it_was_the_last_time() -> None:
    site = {b"/page": ok(PAGE, *SHARED), b"/private": ok(b"yours", b"Cache-Control: private")}
    async with Origin(by_path(site)) as origin, Served(origin.url) as served:
        await served.get(b"/page")
        for path in (b"/page", b"/private"):  # in the lane, and beside it
            reader, writer = await served.connect()
            await eventually(lambda: len(served.listener.server_state.connections) == 1)
            for connection in list(served.listener.server_state.connections):
                connection.last_call()
            writer.write(request(b"GET", path))
            heard = await hear(reader)
            assert (heard.status, heard.headers[b"connection"]) == (200, b"close")
            assert await reader.read() == b""
            writer.close()


async def test_a_last_call_during_an_answer_makes_it_the_last_unless_it_has_begun() -> None:
    may_go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        while True:
            seen = await wire.request()
            if seen.target == b"/begun":
                await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\nab")
            await may_go_on.wait()
            await wire.send(b"cd" if seen.target == b"/begun" else ok(b"done"))

    async with Origin(script) as origin, Served(origin.url) as served:
        waiting, begun = await served.connect(), await served.connect()
        waiting[1].write(request(b"GET", b"/waiting"))
        begun[1].write(request(b"GET", b"/begun"))
        await begun[0].readuntil(b"ab")
        await eventually(lambda: b"/waiting" in [seen.target for seen in origin.requests])
        for connection in list(served.listener.server_state.connections):
            connection.last_call()
        may_go_on.set()
        assert (await hear(waiting[0])).headers[b"connection"] == b"close"
        assert await begun[0].readexactly(2) == b"cd"
        begun[1].write(request(b"GET", b"/once-more"))
        assert (await hear(begun[0])).headers[b"connection"] == b"close"
        for _, writer in (waiting, begun):
            writer.close()
