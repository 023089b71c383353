"""Which handshakes reach the origin, and what counts as its agreement."""

from __future__ import annotations

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from tests.serve.test_tunnel import ACCEPT, KEY, SWITCHING, Proxy, shouting, switching_then
from tests.wire.origin import Origin, Wire, ok
from tests.wire.site import eventually


@pytest.mark.parametrize(
    "answer",
    [
        SWITCHING + b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        SWITCHING + b"\r\n",
        (SWITCHING + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n").replace(b"websocket", b"h2c"),
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
async def test_what_is_no_agreement_to_this_handshake_is_a_502(answer: bytes) -> None:
    async with Origin(switching_then(answer)) as origin, Proxy(origin.url) as proxy:
        got = await proxy.ask(b"Host: shop.example", b"Sec-WebSocket-Key: " + KEY)
        assert got.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        await origin.has_open(0)
        assert proxy.metrics.get("tailorbird_origin_errors_total", "malformed") == 1


async def test_no_byte_reaches_the_origin_before_it_agrees() -> None:
    asked, smuggled, came = asyncio.Event(), asyncio.Event(), asyncio.Event()
    more = b""

    async def script(wire: Wire) -> None:
        nonlocal more
        await wire.request()
        asked.set()
        await smuggled.wait()
        await wire.send(ok(b"no", status=b"403 Forbidden"))
        more = await wire.until_closed()
        came.set()

    async with Origin(script) as origin, Proxy(origin.url) as proxy:
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        second = b"GET /admin HTTP/1.1\r\nHost: shop.internal\r\n\r\n"
        writer.write(proxy.handshake(b"Host: shop.example", b"Sec-WebSocket-Key: " + KEY) + second)
        await asked.wait()
        writer.write(second)
        await writer.drain()
        smuggled.set()
        await came.wait()
        assert more == b""
        writer.close()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([b"Host: shop.example"], b"400"),
        ([b"Sec-WebSocket-Key: " + KEY], b"400"),
        ([b"Host: a", b"Host: b", b"Sec-WebSocket-Key: " + KEY], b"400"),
        ([b"Host: a/b", b"Sec-WebSocket-Key: " + KEY], b"400"),
        ([b"Host: other.example", b"Sec-WebSocket-Key: " + KEY], b"421"),
        ([b"Host: shop.example", b"Connection: upgrade, host", b"Sec-WebSocket-Key: " + KEY], b"400"),
    ],
)
async def test_a_handshake_that_is_none_does_not_reach_the_origin(fields: list[bytes], status: bytes) -> None:
    async with Origin(switching_then()) as origin, Proxy(origin.url, allowed_hosts=("shop.example",)) as proxy:
        assert (await proxy.ask(*fields)).startswith(b"HTTP/1.1 " + status)
        assert origin.connections == 0


@pytest.mark.parametrize("path", ["/_tb/live", "/x/../_tb/live", "/%5Ftb/live"])
async def test_our_own_paths_are_never_asked_of_the_origin(path: str) -> None:
    async with shouting() as (url, seen), Proxy(url) as proxy:
        with pytest.raises(InvalidStatus, match="404"):
            await proxy.connect(path)
        assert seen == []


async def test_a_path_in_another_spelling_belongs_to_the_same_origin() -> None:
    async with shouting() as (url, _), shouting() as (chat, seen), Proxy(url, f"/chat={chat}") as proxy:
        async with proxy.connect("/x/../%63hat/room"):
            pass
        assert [request.path for request in seen] == ["/chat/room"]


@pytest.mark.parametrize("answer", [ok(b"a page"), SWITCHING + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n", b""])
async def test_a_handshake_has_a_slot_of_its_address_until_it_is_answered(answer: bytes) -> None:
    may_answer = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await may_answer.wait()
        await wire.send(answer)

    settings = {"max_connections": 4, "max_wait_ms": 0, "trusted_proxies": ("127.0.0.1",)}
    async with Origin(script) as origin, Proxy(origin.url, **settings) as proxy:
        key, limiter = b"Sec-WebSocket-Key: " + KEY, proxy.origins.of(b"/chat").limiter
        asking = [
            asyncio.create_task(proxy.ask(b"Host: shop.example", key, b"X-Forwarded-For: 203.0.113.%d" % customer))
            for customer in (1, 1, 2)
        ]
        await eventually(lambda: len(origin.requests) == 3)
        assert limiter.under_way == 3
        refused = await proxy.ask(b"Host: shop.example", key, b"X-Forwarded-For: 203.0.113.1")
        assert refused.startswith(b"HTTP/1.1 503 ")
        may_answer.set()
        await eventually(lambda: limiter.under_way == 0)
        for task in asking:
            task.cancel()
