"""Clients that are slow on purpose, clients that send too much, and origins that speak nonsense: each is ended within
its deadline, holds next to no memory of ours, and leaves the others their pages.

Times are a fifth of the defaults in the short form. Origin, clients and Tailorbird share this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.bars.test_a10_streaming import Growth
from tests.wire.behind import Behind
from tests.wire.origin import Origin, Wire, always, ok, once

IS_FULL = bool(os.environ.get("BAR_FULL"))
SLOW = 2_000 if IS_FULL else 150
READERS = 500 if IS_FULL else 40
BOMBS = 200
BOMB_PIECES = 1_024 if IS_FULL else 128
SCALE = 1.0 if IS_FULL else 0.2
SLACK = 1.0 if IS_FULL else 30.0
"""Seconds a busy machine may be late by. What is to be ended would else go on for minutes, or for ever."""

PAGE = ok(b"<p>the shop</p>" * 4_000, b"Content-Type: text/html", b"Cache-Control: max-age=600")
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(shop: Behind, *, receive_bytes: int = 0) -> Streams:
    plain = socket.socket()
    plain.setblocking(False)
    if receive_bytes:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", int(shop.url.rpartition(":")[2])))
    return await asyncio.open_connection(sock=plain, limit=1 << 16)


async def seconds_until_closed(shop: Behind, first: bytes, drip: bytes) -> float:
    """How long a client is endured that sends `first` and then a byte a second."""
    reader, writer = await connect(shop)
    begun = time.monotonic()

    async def dripping() -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(first)
            while drip:
                await asyncio.sleep(1)
                writer.write(drip)

    task = asyncio.create_task(dripping())
    with contextlib.suppress(ConnectionError):
        while await reader.read(1 << 16):
            pass
    task.cancel()
    writer.close()
    return time.monotonic() - begun


@contextlib.asynccontextmanager
async def others(shop: Behind, took: list[float]) -> AsyncIterator[None]:
    """Ordinary requests on one connection, one after the other, while inside; each must be answered."""

    async def walking() -> None:
        while True:
            begun = time.monotonic()
            assert (await shop.client.get("/")).status_code == 200
            took.append(time.monotonic() - begun)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(walking())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.bar("B9")
async def test_clients_that_are_slow_to_ask_are_disconnected_in_time_and_harm_nobody(tmp_path: Path) -> None:
    head, body = 10 * SCALE, 15 * SCALE
    kinds = [(b"", b"", head), (HEAD, b"A", head), (UPLOAD, b"x", body)]
    took: list[float] = []
    deadlines = {"head_seconds": head, "upload_seconds": body}
    async with Origin(always(PAGE)) as origin, Behind(origin.url, {}, tmp_path, **deadlines) as shop:
        async with others(shop, took):
            for first, drip, limit in kinds:
                slow = [seconds_until_closed(shop, first, drip) for _ in range(SLOW // len(kinds))]
                assert max(await asyncio.gather(*slow)) <= limit + SLACK
        print(f"others: {len(took)} pages, p99 {sorted(took)[int(len(took) * 0.99)] * 1_000:.1f} ms")


async def connected(shop: Behind, count: int) -> None:
    async with asyncio.timeout(30):
        while len(shop.listener.server_state.connections) < count:
            await asyncio.sleep(0.1)


@pytest.mark.bar("B9")
async def test_clients_that_are_slow_to_read_hold_little_and_are_disconnected_in_time(tmp_path: Path) -> None:
    limit = 30 * SCALE
    page = ok(b"x" * (1 << 20), b"Content-Type: text/plain", b"Cache-Control: max-age=600")
    held = 0

    async def reading(shop: Behind) -> None:
        """Asks for more pages than the kernel buffers, and takes a thousand bytes a second of what the kernel has."""
        _, writer = await connect(shop, receive_bytes=4_096)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        descriptor = writer.get_extra_info("socket").fileno()
        writer.write((HEAD + b"\r\n") * 8)
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(0.5)
                with contextlib.suppress(BlockingIOError):
                    os.read(descriptor, 500)

    async with Origin(always(page)) as origin, Behind(origin.url, {}, tmp_path, download_seconds=limit) as shop:
        await shop.client.get("/")
        connections = shop.listener.server_state.connections

        async def watching() -> None:
            nonlocal held
            while True:
                await asyncio.sleep(0.1)
                held = max([held, *(one.transport.get_write_buffer_size() for one in connections)])

        tasks = [asyncio.create_task(watching()), *(asyncio.create_task(reading(shop)) for _ in range(READERS))]
        await connected(shop, READERS)
        begun = time.monotonic()
        while shop.tailorbird.metrics.get("tailorbird_clients_refused_total", "slow") < READERS:
            await asyncio.sleep(0.1)
            assert time.monotonic() < begun + limit + 1.0 + SLACK
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert 0 < held <= 65_536


@pytest.mark.bar("B9")
@pytest.mark.parametrize("sent", [HEAD + b"A: ", b"GET /", HEAD + b"A: b\r\n" * 5_000])
async def test_what_is_too_much_is_refused_before_it_is_held(sent: bytes, tmp_path: Path) -> None:
    growth = Growth()

    async def bomb(shop: Behind) -> None:
        reader, writer = await connect(shop)
        writer.transport.set_write_buffer_limits(0)  # what the client holds back counts here, too
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            for _ in range(BOMB_PIECES):
                writer.write(b"a" * 16_384)
                await writer.drain()
                growth.look()
        with contextlib.suppress(ConnectionError):
            assert (await reader.read(12)).split(b" ")[1] in (b"400", b"414", b"431")
        writer.close()

    async with Origin(always(PAGE)) as origin, Behind(origin.url, {}, tmp_path) as shop:
        await asyncio.gather(*(bomb(shop) for _ in range(BOMBS)))
        assert (await shop.client.get("/")).status_code == 200
        assert [seen.target for seen in origin.requests] == [b"/"]
    print(f"grew by {growth.most >> 10} kB")
    assert growth.most < 20 << 20


# -- origins

NONSENSE = {
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "a body cut short": b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 30\r\n\r\nabc",
    "a field of a megabyte": b"HTTP/1.1 200 OK\r\nA: " + b"a" * (1 << 20) + b"\r\nContent-Length: 3\r\n\r\nabc",
    "a chunk too large to count": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc",
    "no answer": b"",
}


@pytest.mark.bar("B9")
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=list(NONSENSE))
async def test_a_malformed_answer_of_the_origin_is_never_complete_and_never_stored(
    answer: bytes, tmp_path: Path
) -> None:
    async with Origin(once(answer)) as origin, Behind(origin.url, {}, tmp_path) as shop:
        for asked in (1, 2):
            reader, writer = await connect(shop)
            writer.write(HEAD + b"Connection: close\r\n\r\n")
            said = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert not said.startswith(b"HTTP/1.1 2") or is_cut_short(said)
            assert origin.connections >= asked


def is_cut_short(said: bytes) -> bool:
    head, _, body = said.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head:
        return not body.endswith(b"0\r\n\r\n")
    return len(body) < int(head.split(b"content-length: ")[1].split(b"\r\n")[0])


async def silent(wire: Wire) -> None:
    await wire.until_closed()


async def endless_interim(wire: Wire) -> None:
    await wire.request()
    while True:
        await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0)


async def dripping_head(wire: Wire) -> None:
    await wire.request()
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc":
        await wire.send(bytes([byte]))
        await asyncio.sleep(0.2)


@pytest.mark.bar("B9")
@pytest.mark.parametrize("script", [silent, endless_interim, dripping_head])
async def test_an_origin_that_keeps_us_waiting_is_given_up(
    script: Callable[[Wire], Awaitable[None]], tmp_path: Path
) -> None:
    async with Origin(script) as origin, Behind(origin.url, {}, tmp_path, first_byte_timeout_ms=500) as shop:
        begun = time.monotonic()
        assert (await shop.client.get("/")).status_code in (502, 504)
        assert time.monotonic() - begun < 2 + SLACK
