"""What goes to the origin is framed by us alone, leaves as soon as it can, and never looks more whole than it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.errors import RequestError
from proxy.ports import UpstreamRequest
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from proxy.upstream.sending import head_of
from tests.upstream.conftest import body_of
from tests.wire.origin import Origin, Wire, always, ok

GET = UpstreamRequest(b"GET", b"/c/shoes?page=2", ((b"host", b"shop.example"), (b"accept", b"*/*")))
POST = replace(GET, method=b"POST", target=b"/orders")


async def first_packet(request: UpstreamRequest) -> bytes:
    received = []

    async def script(wire: Wire) -> None:
        received.append(await wire.reader.read(65_536))
        await wire.send(ok(b""))
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings())
        await body_of(transport, request)
        await transport.aclose()
    return received[0]


async def pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("request_", "framing"),
    [
        (GET, b""),
        (POST, b"content-length: 0\r\n"),
        (replace(POST, method=b"DELETE"), b""),
        (replace(POST, content_length=0), b"content-length: 0\r\n"),
        (replace(POST, content_length=7, body=pieces(b"")), b"content-length: 7\r\n"),
        (replace(POST, body=pieces(b"")), b"transfer-encoding: chunked\r\n"),
    ],
)
def test_a_head_says_how_its_body_is_framed(request_: UpstreamRequest, framing: bytes) -> None:
    line = request_.method + b" " + request_.target + b" HTTP/1.1\r\n"
    assert head_of(request_) == line + b"host: shop.example\r\naccept: */*\r\n" + framing + b"\r\n"


async def test_a_body_that_is_there_leaves_in_one_packet_with_its_head() -> None:
    known = replace(POST, body=pieces(b"a=1"), content_length=3)
    assert (await first_packet(known)).endswith(b"\r\ncontent-length: 3\r\n\r\na=1")


async def test_a_head_does_not_wait_for_its_body() -> None:
    head_came = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        await head_came.wait()
        yield b"late"

    async def script(wire: Wire) -> None:
        await wire.head()
        head_came.set()
        await wire.reader.readuntil(b"0\r\n\r\n")
        await wire.send(ok(b"thanks"))
        await wire.until_closed()

    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings())
        assert await body_of(transport, replace(POST, body=body())) == b"thanks"
        await transport.aclose()


async def test_bodies_arrive_as_they_were_with_either_framing() -> None:
    sent = [b"a" * 100_000, b"", b"b", b"c" * 70_000]
    async with Origin(always(ok(b"thanks"))) as origin:
        transport = OriginTransport(origin.url, Settings())
        for length in (None, 170_001):
            request = replace(POST, body=pieces(*sent), content_length=length)
            assert await body_of(transport, request) == b"thanks"
        assert [seen.body for seen in origin.requests] == [b"".join(sent)] * 2
        assert origin.requests[0].get(b"transfer-encoding") == b"chunked"
        assert origin.requests[1].get(b"content-length") == b"170001"
        assert origin.connections == 1
        await transport.aclose()


@pytest.mark.parametrize(
    "request_",
    [
        replace(GET, headers=((b"x", b"a\r\nevil: 1"),)),
        replace(GET, headers=((b"x", b"a\nb"),)),
        replace(GET, headers=((b"x\r\ny", b"a"),)),
        replace(GET, headers=((b"x", b"a\0"),)),
        replace(GET, target=b"/a b"),
        replace(GET, target=b"/ HTTP/1.1\r\nhost: evil\r\n\r\n"),
        replace(GET, method=b"GET /evil"),
    ],
)
def test_what_would_break_out_of_its_line_is_not_sent(request_: UpstreamRequest) -> None:
    with pytest.raises(RequestError):
        head_of(request_)


async def test_a_request_that_is_not_sent_gives_its_slot_back() -> None:
    async with Origin(always(ok(b""))) as origin:
        transport = OriginTransport(origin.url, Settings())
        with pytest.raises(RequestError):
            await transport.fetch(replace(GET, target=b"/a b"))
        assert "0 active" in repr(transport)
        assert origin.requests == []


@pytest.mark.parametrize(("length", "what"), [(5, "longer than"), (50, "broke off")])
async def test_a_body_of_another_length_than_said_is_not_passed_off_as_whole(length: int, what: str) -> None:
    async with Origin(always(ok(b""))) as origin:
        transport = OriginTransport(origin.url, Settings())
        with pytest.raises(RequestError, match=what):
            await body_of(transport, replace(POST, body=pieces(b"0123456789"), content_length=length))
        assert "0 active, 0 idle" in repr(transport)
        assert origin.requests == []


async def test_an_upload_its_visitor_breaks_off_never_looks_complete() -> None:
    class VisitorLeft(Exception):
        pass

    async def breaks_off() -> AsyncIterator[bytes]:
        yield b"half of"
        raise VisitorLeft

    async def script(wire: Wire) -> None:
        await wire.head()
        came.set_result(await wire.until_closed())

    for length in (None, 100):
        came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        async with Origin(script) as origin:
            transport = OriginTransport(origin.url, Settings())
            with pytest.raises(VisitorLeft):
                await body_of(transport, replace(POST, body=breaks_off(), content_length=length))
            assert "0 active, 0 idle" in repr(transport)
            assert b"0\r\n\r\n" not in await came
