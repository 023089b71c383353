"""What goes the way others went goes as they did, and whatever makes it another case is seen."""

from __future__ import annotations

import asyncio

import pytest

from proxy.serve.quick_turn import QuickTurn
from tests.serve.test_pass_through import COOKIELESS, FIELDS, HTML, NO_STORE, SLOT, asked
from tests.wire.origin import Origin, Wire, always, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import eventually, published, shown

FINE = ok(b"fine", NO_STORE)
BROWSER = (*FIELDS, (b"Sec-Fetch-Mode", b"navigate"))


async def answers_late(wire: Wire, go_on: asyncio.Event, *pieces: bytes) -> None:
    """The first four requests at once, then with these pieces."""
    while True:
        await wire.request()
        if len(wire.origin.requests) <= 4:
            await wire.send(FINE)
            continue
        await go_on.wait()
        for piece in pieces:
            await wire.send(piece)


async def test_a_repeated_question_makes_one_object() -> None:
    go_on = asyncio.Event()
    async with Origin(lambda wire: answers_late(wire, go_on, FINE)) as origin, Served(origin.url) as served:
        await asked(served, b"/", 4)
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/", *FIELDS))
        await eventually(lambda: len(origin.requests) == 5)
        (client,) = [each for each in served.listener.server_state.connections if each.cycle is not None]
        assert isinstance(client.cycle, QuickTurn)
        go_on.set()
        assert (await hear(reader)).body == b"fine"
        assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())
        writer.close()


async def test_early_hints_are_told_on_the_way() -> None:
    go_on = asyncio.Event()
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: <http://%b/a.css>; rel=preload\r\n\r\n"

    async def script(wire: Wire) -> None:
        await answers_late(wire, go_on, hint % origin.url.removeprefix("http://").encode(), FINE)

    async with Origin(script) as origin, Served(origin.url) as served:
        await asked(served, b"/", 4, BROWSER)
        reader, writer = await served.connect()
        go_on.set()
        writer.write(request(b"GET", b"/", *BROWSER))
        assert b"<http://shop.example/a.css>" in await reader.readuntil(b"\r\n\r\n")
        assert (await hear(reader)).body == b"fine"
        writer.close()


async def test_a_client_that_leaves_costs_no_connection_when_the_answer_comes_whole() -> None:
    go_on = asyncio.Event()
    async with Origin(lambda wire: answers_late(wire, go_on, FINE)) as origin, Served(origin.url) as served:
        await asked(served, b"/", 4)
        _, writer = await served.connect()
        writer.write(request(b"GET", b"/", *FIELDS))
        await eventually(lambda: len(origin.requests) == 5)
        writer.transport.abort()
        await eventually(lambda: not served.listener.server_state.connections)
        go_on.set()
        await eventually(lambda: not any(limiter.under_way for limiter in served.site.origins.limiters.values()))
        assert [heard.body for heard in await asked(served, b"/", 2)] == [b"fine"] * 2
        assert origin.connections == 1


async def test_what_is_stored_meanwhile_is_given_from_memory() -> None:
    async def script(wire: Wire) -> None:
        while True:
            is_own = (await wire.request()).get(b"cookie") is not None
            shared = ok(b"for all", b"Cache-Control: max-age=60")
            await wire.send(FINE if is_own and len(origin.requests) < 5 else shared)

    async with Origin(script) as origin, Served(origin.url) as served:
        bodies = [heard.body for heard in await asked(served, b"/", 5)]
        assert bodies == [b"fine"] * 4 + [b"for all"]
        await eventually(lambda: len(origin.requests) == 6)  # that one, and the one that filled the memory
        assert [heard.body for heard in await asked(served, b"/", 3)] == [b"for all"] * 3
        assert len(origin.requests) == 6


async def test_other_rules_hold_at_once() -> None:
    page = ok(SLOT, HTML, NO_STORE)
    async with Origin(always(page)) as origin, Served(origin.url, publication=published(shown("One"))) as served:
        assert b"One" in (await asked(served, b"/", 5))[-1].body
        served.site.gateway.publish(published(shown("Two")))
        assert all(b"Two" in heard.body for heard in await asked(served, b"/", 5))


@pytest.mark.parametrize("tag", [b'"a"', b'W/"%s"' % (b"0" * 32)])
async def test_a_tag_of_ours_stays_here_and_any_other_goes_on_where_no_page_is_asked_for(tag: bytes) -> None:
    fields = (*FIELDS[:1], (b"Accept", b"*/*"), *FIELDS[2:], (b"If-None-Match", tag))
    async with Origin(always(ok(b"<p>", HTML, NO_STORE))) as origin, Served(origin.url) as served:
        await asked(served, b"/", 4)
        await asked(served, b"/", 5, fields)
        sent = [seen.get(b"if-none-match") for seen in origin.requests[4:]]
        assert sent == [None if tag.startswith(b"W/") else tag] * 5


async def test_a_request_without_cookies_is_fetched_for_everybody() -> None:
    async with Origin(always(ok(b"for all", b"Cache-Control: max-age=60"))) as origin, Served(origin.url) as served:
        await asked(served, b"/a", 5)
        served.site.now += 3_600
        heard = await asked(served, b"/a", 5, COOKIELESS)
        assert {one.body for one in heard} == {b"for all"}
        assert origin.requests[-1].get(b"cookie") is None


async def test_while_there_is_no_memory_nothing_is_begun() -> None:
    async with Origin(always(FINE)) as origin, Served(origin.url) as served:
        await asked(served, b"/", 5)
        served.may_begin = False
        assert [heard.status for heard in await asked(served, b"/", 1)] == [503]
        assert len(origin.requests) == 5
