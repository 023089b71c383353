"""What a fetch from the origin costs us: our transport beside httpx, same page, same origin, round by round.

    python -m loadtests.fetch

Prints, for each, the median CPU of the asking process in microseconds for one streamed page of 62 KB over a kept
loopback connection, ten at a time; and the median of the rounds' ratios. The origin has a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import httpx
import uvloop

from proxy.ports import UpstreamRequest
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport

PAGE = b"x" * 62 * 1024
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: public, max-age=60\r\n"
    b'ETag: "1"\r\nVary: Accept-Encoding\r\nServer: shop\r\nContent-Length: %d\r\n\r\n%b' % (len(PAGE), PAGE)
)
HEADERS = ((b"host", b"shop"), (b"accept", b"*/*"), (b"accept-encoding", b"gzip"), (b"user-agent", b"tailorbird"))
ROUNDS, AT_ONCE = 7, 10

Fetch = Callable[[], Awaitable[int]]


class _Shop(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]


def _shop(port: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Shop, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


async def microseconds(fetch: Fetch, times: int) -> float:
    """CPU of this process for one fetch; every body is checked for its length."""

    async def some() -> None:
        for _ in range(times // AT_ONCE):
            assert await fetch() == len(PAGE)

    before = time.process_time()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return (time.process_time() - before) / times * 1e6


async def measure(url: str) -> tuple[list[float], list[float]]:
    """Our cost and httpx's, one of each a round; the first round warms both and does not count."""
    transport = OriginTransport(url, Settings())
    request = UpstreamRequest(b"GET", b"/", HEADERS)

    async def ours() -> int:
        answer = await transport.fetch(request)
        return sum([len(piece) async for piece in answer.body])

    async with httpx.AsyncClient(trust_env=False) as client:

        async def theirs() -> int:
            async with client.stream("GET", url, headers=list(HEADERS)) as answer:
                return sum([len(piece) async for piece in answer.aiter_raw()])

        rounds = [(await microseconds(ours, 1000), await microseconds(theirs, 100)) for _ in range(ROUNDS + 1)]
    await transport.aclose()
    return [round[0] for round in rounds[1:]], [round[1] for round in rounds[1:]]


def main() -> None:
    here, there = multiprocessing.get_context("spawn").Pipe()
    shop = multiprocessing.get_context("spawn").Process(target=_shop, args=(there,), daemon=True)
    shop.start()
    try:
        ours, theirs = uvloop.run(measure(f"http://127.0.0.1:{here.recv()}"))
    finally:
        shop.terminate()
    ratio = statistics.median(their / our for our, their in zip(ours, theirs, strict=True))
    print(f"tailorbird {statistics.median(ours):6.0f} us")
    print(f"httpx      {statistics.median(theirs):6.0f} us   {ratio:.0f} times as much")


if __name__ == "__main__":
    main()
