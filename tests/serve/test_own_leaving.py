"""A client that leaves, at whatever moment and in whatever way, takes nobody's place with it."""

from __future__ import annotations

import asyncio

import pytest

from tests.serve.test_own_states import PATIENCE_SECONDS, ROWS, Client, asked_for, time_is_up
from tests.wire.origin import Origin, Wire
from tests.wire.served import Served, request

PARTS = [name for name, row in ROWS.items() if row.body == b"abc" and row.as_page == 504]
"""Answers that begin and do not go on."""


async def leave(client: Client, how: str) -> None:
    if how == "half-closes":
        client.writer.write_eof()
    elif how == "closes":
        client.writer.close()
    else:
        client.writer.transport.abort()


@pytest.mark.parametrize("how", ["resets", "closes", "half-closes"])
@pytest.mark.parametrize(("way", "kind"), [("straight", b"asset"), ("straight", b"page"), ("ordinary", b"page")])
async def test_one_that_leaves_before_its_answer_lets_go_of_it_whatever_it_is(way: str, kind: bytes, how: str) -> None:
    async with asked_for(b"GET", kind, is_straight=way == "straight") as (clients, rude, served):
        await asyncio.gather(*(leave(client, how) for client in clients))
        rude.go_on.set()
        await time_is_up(served, rude)
        if how == "half-closes":
            await asyncio.wait_for(asyncio.gather(*(client.reader.read() for client in clients)), PATIENCE_SECONDS)


@pytest.mark.parametrize("how", ["resets", "closes", "half-closes"])
async def test_one_that_leaves_in_the_midst_of_its_upload_lets_go_of_it(how: str) -> None:
    async with asked_for(b"POST", b"asset", is_straight=False, withheld=4) as (clients, rude, served):
        await asyncio.gather(*(leave(client, how) for client in clients))
        rude.go_on.set()
        await time_is_up(served, rude)


@pytest.mark.parametrize("how", ["resets", "closes", "half-closes"])
@pytest.mark.parametrize("way", ["straight", "ordinary", "upload"])
async def test_one_that_leaves_in_the_midst_of_its_answer_ends_the_exchange_at_once(way: str, how: str) -> None:
    method, withheld = (b"POST", 4) if way == "upload" else (b"GET", 0)
    is_straight = way == "straight"
    async with asked_for(method, b"asset", is_straight=is_straight, withheld=withheld, names=PARTS) as waiting:
        clients, rude, _ = waiting
        rude.go_on.set()
        for client in clients:
            await asyncio.wait_for(client.reader.readuntil(b"abc"), PATIENCE_SECONDS)
            await leave(client, how)


async def test_a_stream_that_does_not_end_is_cut_off_when_the_server_stops_and_no_fault_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def events(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await wire.send(b"7\r\ndata: x\r\n")
        await wire.until_closed()

    async with Origin(events) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/events"))
        await reader.readuntil(b"data: x\r\n")
        served.listener.stop(gently=True)
        assert await reader.read() == b""
        writer.close()
        await origin.has_open(0)
    assert "Exception in ASGI application" not in caplog.text
