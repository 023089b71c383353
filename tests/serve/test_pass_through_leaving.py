"""Clients that leave, and last calls, while the origin's answer goes straight to the client."""

from __future__ import annotations

import asyncio

from tests.serve.test_pass_through import FIELDS, HTML, NO_STORE, SLOT, asked
from tests.wire.origin import Origin, Wire, in_turn, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import eventually


async def test_a_client_that_leaves_lets_go_of_the_exchange() -> None:
    async def endless(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(ok(b"x" * 100, NO_STORE)[: -1 if len(origin.requests) > 3 else None])

    async with Origin(endless) as origin, Served(origin.url) as served:
        await asked(served, b"/", 3)
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/", *FIELDS))
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await eventually(lambda: not any(limiter.under_way for limiter in served.site.origins.limiters.values()))


async def test_what_was_sent_ahead_of_an_answer_that_has_to_be_made_again_keeps_its_turn() -> None:
    async def dies_unheard(wire: Wire) -> None:
        for _ in range(3):
            await wire.send(ok((await wire.request()).target, NO_STORE))
        await wire.reader.read(1)
        wire.reset()

    async def goes_on(wire: Wire) -> None:
        while True:
            await wire.send(ok((await wire.request()).target, NO_STORE))

    async with Origin(in_turn(dies_unheard, goes_on)) as origin, Served(origin.url) as served:
        await asked(served, b"/a", 3)
        reader, writer = await served.connect()
        for path in (b"/a", b"/b", b"/a", b"/c"):
            writer.write(request(b"GET", path, *FIELDS))
            await asyncio.sleep(0)
        assert [(await hear(reader)).body for _ in range(4)] == [b"/a", b"/b", b"/a", b"/c"]
        assert origin.connections == 2
        assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())
        writer.close()


async def test_a_last_call_makes_what_went_straight_the_last_answer() -> None:
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            if len(origin.requests) == 4:
                await go_on.wait()
            await wire.send(ok(b"fine", NO_STORE))

    async with Origin(script) as origin, Served(origin.url) as served:
        await asked(served, b"/", 3)
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/", *FIELDS))
        await eventually(lambda: len(origin.requests) == 4)
        assert not served.listener.server_state.tasks
        for connection in list(served.listener.server_state.connections):
            connection.drain()
        go_on.set()
        heard = await hear(reader)
        assert (heard.body, heard.headers[b"connection"]) == (b"fine", b"close")
        assert await reader.read() == b""
        writer.close()


async def test_a_page_nobody_waits_for_any_more_lets_go_of_its_exchange() -> None:
    has_left = asyncio.Event()
    whole = ok(SLOT, HTML, NO_STORE)

    async def slowly(wire: Wire) -> None:
        while True:
            await wire.request()
            if len(origin.requests) == 4:
                await has_left.wait()
                await wire.send(whole[:-1])
                await wire.until_closed()
            await wire.send(whole)

    async with Origin(slowly) as origin, Served(origin.url, page_timeout_ms=100) as served:
        await asked(served, b"/", 3)
        _, writer = await served.connect()
        writer.write(request(b"GET", b"/", *FIELDS))
        await eventually(lambda: len(origin.requests) == 4)
        writer.transport.abort()
        await eventually(lambda: not served.listener.server_state.connections)
        has_left.set()
        await eventually(lambda: not any(limiter.under_way for limiter in served.site.origins.limiters.values()))
        await eventually(lambda: not served.listener.server_state.tasks)
