"""A client of HTTP/1.0 knows no chunks: what has no length ends with the connection (RFC 9112 6.1). Nor does it know
interim answers (RFC 9110 15.2)."""

from __future__ import annotations

import asyncio

import pytest

from tests.wire.origin import Origin, Wire, always
from tests.wire.served import Served

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%b\r\n5\r\nhello\r\n"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
FORM = (
    b"POST /a HTTP/%b\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
)
SHARED = b"Content-Type: text/css\r\nCache-Control: max-age=60\r\n"


async def heard(served: Served, fields: bytes = b"") -> bytes:
    reader, writer = await served.connect()
    writer.write(b"GET /a HTTP/1.0\r\nHost: shop.example\r\n%b\r\n" % fields)
    try:
        return await asyncio.wait_for(reader.read(), 9)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("said", "fields"), [(b"", b"Cookie: a=1\r\n"), (SHARED, b""), (b"", b"Cookie: a=1\r\nConnection: keep-alive\r\n")]
)
async def test_what_comes_in_chunks_goes_on_without(said: bytes, fields: bytes) -> None:
    async with Origin(always(CHUNKED % said + b"0\r\n\r\n")) as origin, Served(origin.url) as served:
        head, _, body = (await heard(served, fields)).partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head and b"\r\nconnection: close" in head
        assert body == b"hello"


@pytest.mark.parametrize(("version", "is_told"), [(b"1.0", False), (b"1.1", True)])
async def test_only_a_newer_client_is_told_to_go_on_with_its_form(version: bytes, is_told: bool) -> None:
    async with Origin(always(FINE)) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        writer.write(FORM % version)
        if is_told:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"a=b")
        assert (await asyncio.wait_for(reader.read(), 9)).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


@pytest.mark.parametrize(("said", "fields"), [(b"", b"Cookie: a=1\r\n"), (SHARED, b"")])
async def test_one_that_breaks_off_does_not_look_whole(said: bytes, fields: bytes) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(CHUNKED % said)
        for _ in range(20):
            await asyncio.sleep(0)

    async with Origin(script) as origin, Served(origin.url) as served:
        with pytest.raises(ConnectionResetError):
            await heard(served, fields)
