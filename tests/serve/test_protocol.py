"""What a client may do on one connection, tried with raw bytes on a real listener.

Time is not waited for: `later` looks at the connections as if it were so many seconds later.
"""

from __future__ import annotations

import asyncio
import inspect

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from proxy.serve.protocol import ClientProtocol
from tests.wire.origin import Origin, Wire, always, by_path, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, eventually

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
    async with Origin(Wire.request) as origin, Served(origin.url) as served:
        _, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        await eventually(lambda: len(origin.requests) == 1)
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


async def test_an_old_health_check_without_host_is_answered_where_it_is_said_who_is_meant() -> None:
    check = b"OPTIONS / HTTP/1.0\r\n\r\n"  # as HAProxy's `option httpchk`
    async with Origin(always(ok(b"x"))) as origin:
        statuses = []
        for hosts in ((), ("shop.example", "other.example")):
            async with Served(origin.url, allowed_hosts=hosts, keep_host=True) as served:
                reader, writer = await served.connect()
                writer.write(check)
                statuses.append((await hear(reader)).status)
                writer.close()
    assert statuses == [400, 200]
    assert [dict(seen.headers)[b"host"] for seen in origin.requests] == [b"shop.example"]


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
    assert await asyncio.wait_for(reader.read(), 9) == b""
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


# -- a last call


async def test_after_the_last_call_who_is_silent_may_ask_once_more_and_is_told_that_it_was_the_last_time() -> None:
    site = {b"/page": ok(PAGE, *SHARED), b"/private": ok(b"yours", b"Cache-Control: private")}
    async with Origin(by_path(site)) as origin, Served(origin.url) as served:
        await served.get(b"/page")
        for path in (b"/page", b"/private"):  # in the lane, and beside it
            reader, writer = await served.connect()
            await eventually(lambda: len(served.listener.server_state.connections) == 1)
            for connection in list(served.listener.server_state.connections):
                connection.drain()
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
            connection.drain()
        may_go_on.set()
        assert (await hear(waiting[0])).headers[b"connection"] == b"close"
        assert await begun[0].readexactly(2) == b"cd"
        begun[1].write(request(b"GET", b"/once-more"))
        assert (await hear(begun[0])).headers[b"connection"] == b"close"
        for _, writer in (waiting, begun):
            writer.close()


async def test_a_listener_that_stops_gently_gives_each_kept_connection_its_last_answer() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/"))
        assert (await hear(reader)).status == 200
        served.listener.stop(gently=True)
        (kept,) = connections(served)
        async with asyncio.timeout(9):
            while not kept._is_draining and not kept.transport.is_closing():
                await asyncio.sleep(0)
        writer.write(request(b"GET", b"/"))
        last = await hear(reader)
        assert (last.status, last.headers[b"connection"]) == (200, b"close")
        writer.close()
