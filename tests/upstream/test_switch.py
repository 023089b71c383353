from __future__ import annotations

import asyncio

from proxy.ports import UpstreamRequest
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from tests.wire.origin import Origin, Wire

GET = UpstreamRequest(b"GET", b"/live", ((b"host", b"shop.example"),))


async def test_what_the_origin_says_after_switching_waits_for_who_takes_over() -> None:
    class Heard(asyncio.Protocol):
        def __init__(self) -> None:
            self.data = b""
            self.all: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def data_received(self, data: bytes) -> None:
            self.data += data

        def connection_lost(self, exc: Exception | None) -> None:
            self.all.set_result(self.data)

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nsoon")
        await switched.wait()
        await wire.send(b"later")

    switched = asyncio.Event()
    async with Origin(script) as origin:
        switch = await OriginTransport(origin.url, Settings()).switch(GET)
        assert (await switch.head()).status == 101
        switched.set()
        await origin.has_open(0)
        call_guarded = Heard()
        transport, early = switch.hand_over(call_guarded)
        transport.resume_reading()
        assert (early, await call_guarded.all) == (b"soon", b"later")


async def test_a_switch_that_nobody_takes_over_costs_its_connection() -> None:
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(agreed)
        await wire.until_closed()

    async with Origin(script) as origin:
        switch = await OriginTransport(origin.url, Settings()).switch(GET)
        await switch.head()
        await switch.aclose()
        await origin.has_open(0)
