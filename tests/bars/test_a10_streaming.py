"""A large upload and a large download pass through intact, and do not pass through memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from tests.wire.origin import Origin, Wire
from tests.wire.served import Served, hear

MEGABYTE = 1 << 20
SIZE = (200 if os.environ.get("BAR_FULL") else 64) * MEGABYTE
MOST_GROWTH = 30 * MEGABYTE
CHUNK = bytes(range(256)) * 256


def resident_bytes() -> int:
    """This process's, proxy, origin and client together."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def digest_of_all() -> bytes:
    hashed = hashlib.sha256()
    for _ in range(SIZE // len(CHUNK)):
        hashed.update(CHUNK)
    return hashed.digest()


class Growth:
    """How far resident memory rose above what it was at first."""

    def __init__(self) -> None:
        self._before = resident_bytes()
        self.most = 0

    def look(self) -> None:
        self.most = max(self.most, resident_bytes() - self._before)


async def drained(reader: asyncio.StreamReader, growth: Growth) -> bytes:
    """The digest of the `SIZE` bytes that come, forgotten as they come."""
    hashed, left = hashlib.sha256(), SIZE
    while left:
        piece = await reader.read(min(left, MEGABYTE))
        assert piece, "broke off"
        hashed.update(piece)
        left -= len(piece)
        growth.look()
    return hashed.digest()


async def poured(writer: asyncio.StreamWriter) -> None:
    for _ in range(SIZE // len(CHUNK)):
        writer.write(CHUNK)
        await writer.drain()


@pytest.mark.bar("A10")
async def test_a_large_upload_arrives_intact_and_is_never_held() -> None:
    growth = Growth()

    async def script(wire: Wire) -> None:
        await wire.head()
        digest = await drained(wire.reader, growth)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n" + digest)

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(b"POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await poured(writer)
        assert (await hear(reader)).body == digest_of_all()
        writer.close()
    assert growth.most < MOST_GROWTH


@pytest.mark.bar("A10")
@pytest.mark.parametrize("control", [b"max-age=600", b"private"])
async def test_a_large_download_arrives_intact_and_is_never_held(control: bytes) -> None:
    growth = Growth()

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nCache-Control: %b\r\n\r\n" % (SIZE, control)
            await wire.send(head)
            await poured(wire.writer)

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(b"GET /film.mp4 HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert await drained(reader, growth) == digest_of_all()
        writer.close()
    assert growth.most < MOST_GROWTH
