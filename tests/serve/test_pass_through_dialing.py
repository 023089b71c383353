"""What goes straight to an origin that closes its connection after each answer, or keeps none open."""

from __future__ import annotations

import asyncio

import pytest

from proxy.serve.quick_turn import QuickTurn
from tests.serve.test_pass_through import ANSWERS, FIELDS, asked
from tests.wire.origin import Origin, Script, Wire, always
from tests.wire.served import Served, hear, request
from tests.wire.site import eventually, published, shown


def closing(answer: bytes, go_on: asyncio.Event | None = None) -> Script:
    """Gives this one answer on each connection."""
    head, _, body = answer.partition(b"\r\n\r\n")

    async def script(wire: Wire) -> None:
        await wire.request()
        if go_on is not None and len(wire.origin.requests) > 4:
            await go_on.wait()
        await wire.send(head + b"\r\nConnection: Close\r\n\r\n" + body)
        if wire.number % 2:  # some wait for us to close
            await wire.until_closed()

    return script


@pytest.mark.parametrize("path", sorted(ANSWERS))
async def test_what_goes_straight_on_a_new_connection_comes_out_the_same(path: bytes) -> None:
    rules = published(shown("Hello"))
    async with Origin(closing(ANSWERS[path])) as origin:
        async with Served(origin.url, publication=rules) as served:
            straight = await asked(served, path)
            counted = served.site.metrics.by_value("tailorbird_cache_requests_total")
            assert origin.connections == len(origin.requests)
            await origin.has_open(0)
            assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())
        seen = len(origin.requests)
        async with Served(origin.url, publication=rules, has_lane=False) as served:
            ordinary = await asked(served, path)
            assert served.site.metrics.by_value("tailorbird_cache_requests_total") == counted
        assert len(origin.requests) == 2 * seen
        assert straight == ordinary


async def test_it_is_a_passage_from_the_start_and_no_task_waits_once_it_is_sent() -> None:
    go_on = asyncio.Event()
    async with Origin(closing(ANSWERS[b"/gone"], go_on)) as origin, Served(origin.url) as served:
        await asked(served, b"/", 4)
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/", *FIELDS))
        await eventually(lambda: len(origin.requests) == 5)
        (client,) = [each for each in served.listener.server_state.connections if each.cycle is not None]
        assert isinstance(client.cycle, QuickTurn)
        assert not served.listener.server_state.tasks
        go_on.set()
        assert (await hear(reader)).body == b"gone"
        writer.close()


async def test_an_origin_that_takes_no_connection_is_told_of_as_ever() -> None:
    async with Origin(always(ANSWERS[b"/gone"])) as origin:
        async with Served(origin.url, idle_connection_seconds=0, breaker_failures=4) as served:
            assert [heard.status for heard in await asked(served, b"/", 4)] == [410] * 4
            origin.close()
            straight = await asked(served, b"/", 6)
            counted = served.site.metrics.by_value("tailorbird_origin_errors_total")
            assert not any(limiter.under_way for limiter in served.site.origins.limiters.values())
        async with Served(origin.url, breaker_failures=4, has_lane=False) as served:
            ordinary = await asked(served, b"/", 6)
            assert served.site.metrics.by_value("tailorbird_origin_errors_total") == counted
    assert [heard.status for heard in straight] == [heard.status for heard in ordinary] == [502] * 4 + [503] * 2
    assert straight == ordinary


async def test_a_client_that_leaves_before_there_is_a_connection_harms_nobody() -> None:
    async with Origin(closing(ANSWERS[b"/gone"])) as origin, Served(origin.url) as served:
        await asked(served, b"/", 4)
        for _ in range(5):
            _, writer = await served.connect()
            writer.write(request(b"GET", b"/", *FIELDS))
            writer.transport.abort()
        assert [heard.body for heard in await asked(served, b"/", 2)] == [b"gone"] * 2
        await eventually(lambda: not any(each.under_way for each in served.site.origins.limiters.values()))
