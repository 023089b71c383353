"""A connection hears only for whom it serves, and holds its writer back while the other end takes no more."""

from __future__ import annotations

import asyncio

from proxy.upstream.connection import Connection
from tests.wire.origin import Origin, Wire


async def connected(origin: Origin, lost: list[Connection]) -> Connection:
    connection = Connection(lost.append)
    await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", origin.port)
    return connection


async def test_bytes_that_nobody_waits_for_close_it_and_its_owner_hears() -> None:
    async def talks_first(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        await wire.until_closed()

    lost: list[Connection] = []
    async with Origin(talks_first) as origin:
        connection = await connected(origin, lost)
        await origin.has_open(1)
        await origin.has_open(0)
        assert lost == [connection]
        assert not connection.is_open


async def test_writing_waits_while_the_other_end_takes_no_more() -> None:
    may_read = asyncio.Event()

    async def reads_late(wire: Wire) -> None:
        await may_read.wait()
        await wire.reader.readexactly(8_000_000)
        await wire.until_closed()

    async with Origin(reads_late) as origin:
        connection = await connected(origin, [])
        await connection.drain()
        connection.write(b"a" * 4_000_000, b"b" * 4_000_000)
        assert connection.is_write_blocked
        drained = asyncio.create_task(connection.drain())
        await origin.has_open(1)
        assert not drained.done()
        may_read.set()
        await drained
        assert not connection.is_write_blocked
        connection.abort()


async def test_a_writer_that_waits_is_let_go_when_the_connection_breaks() -> None:
    async def resets(wire: Wire) -> None:
        await wire.reader.readexactly(1)
        wire.reset()

    lost: list[Connection] = []
    async with Origin(resets) as origin:
        connection = await connected(origin, lost)
        connection.write(b"a" * 8_000_000)
        await connection.drain()
        assert not connection.is_open
        assert lost == [connection]
