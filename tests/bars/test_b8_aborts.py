"""Clients that leave at any moment: before they said anything, in their request, while they wait, in the answer, in an
upload, in a stream; most of them rudely. Afterwards everything is as it was: nobody waits, nothing is held, and whoever
asks is answered."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections import Counter, deque
from pathlib import Path

import pytest

from tests.wire.daemon import Daemon, open_files
from tests.wire.origin import Origin, Wire, ok
from tests.wire.served import hear, request

FULL = bool(os.environ.get("BAR_FULL"))
ABORTS = 50_000 if FULL else 1_500
AT_ONCE = 100 if FULL else 50
AFTERWARDS = 100
IDLE_SECONDS = 0.5
LIVELY = {"keep_alive_seconds": 1, "head_seconds": 2, "upload_seconds": 2}
HTML = b"Content-Type: text/html"
PAGE = ok(b'<div data-slot="home.hero">ours</div>' + b"<p>a page</p>" * 3_000, HTML, b"Cache-Control: max-age=1")
OWN = ok(b"<p>made for you</p>" * 3_000, HTML, b"Cache-Control: private")
FILE = ok(b"x" * 400_000, b"Content-Type: application/pdf", b"Cache-Control: private")
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n"


async def shop(wire: Wire) -> None:
    """Some of it is slow, some of it large, some of it never ends."""
    while True:
        seen = await wire.head()
        if seen.target == b"/upload":
            left = int(seen.get(b"content-length") or 0)
            while left:
                left -= len(await wire.reader.readexactly(min(left, 10_000)))
            await wire.send(ok(b"thank you"))
        elif seen.target == b"/events":
            await wire.send(EVENTS)
            while not wire.writer.is_closing():
                await wire.send(b"data: still here\n\n")
                await asyncio.sleep(0.01)
            return
        else:
            if seen.target.endswith(b"slow"):
                await asyncio.sleep(0.02)
            await wire.send({b"/own": OWN, b"/fil": FILE}.get(seen.target[:4], PAGE))


PATHS = (b"/page-%d", b"/page-slow", b"/own/%d", b"/own-slow", b"/file", b"/events", b"/upload")


class Leavers:
    """Clients that leave, by a seed. `left` counts them by when."""

    def __init__(self, port: int, seed: int) -> None:
        self._port = port
        self._dice = random.Random(seed)
        self._to_come = ABORTS
        self.left: Counter[str] = Counter()

    async def come_and_go(self) -> None:
        await asyncio.gather(*(self._again_and_again() for _ in range(AT_ONCE)))

    async def _again_and_again(self) -> None:
        while self._to_come > 0:
            self._to_come -= 1
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                self.left[await self._until_enough(reader, writer)] += 1
            if self._dice.random() < 0.8:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            writer.close()

    async def _until_enough(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        dice, phase = self._dice, self._dice.randrange(6)
        asked = self._request()
        if phase == 0:
            return "silent"
        if phase == 1:
            writer.write(asked[: dice.randrange(1, len(asked))])
            await asyncio.sleep(0)
            return "in the request"
        writer.write(asked)
        if phase == 2:
            return "at once"
        if phase == 3:
            await asyncio.sleep(dice.random() * 0.03)
            return "while waiting"
        with contextlib.suppress(TimeoutError):  # of an endless answer some is enough
            async with asyncio.timeout(0.2):
                await reader.readexactly(1 if phase == 4 else dice.randrange(1, 60_000))
        return "as the answer begins" if phase == 4 else "in the answer"

    def _request(self) -> bytes:
        path = self._dice.choice(PATHS)
        if path == b"/upload":
            head = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"
            return head + b"x" * self._dice.randrange(1, 200_001)
        return request(b"GET", path % self._dice.randrange(200) if b"%" in path else path)


async def settled(daemon: Daemon) -> int:
    """Waits until nothing is under way any more and idle connections are closed; how many files are open then."""
    async with asyncio.timeout(60):
        while await daemon.metric("tailorbird_clients") or await daemon.metric(
            "tailorbird_origin_requests", daemon.origin
        ):
            await asyncio.sleep(0.1)
    await asyncio.sleep(2 * IDLE_SECONDS + 0.5)
    return open_files(daemon.process.pid)


@pytest.mark.bar("B8")
async def test_after_many_clients_left_everything_is_as_before(tmp_path: Path) -> None:
    origin = Origin(shop)
    origin.requests = deque(maxlen=10)  # type: ignore[assignment]
    async with origin, Daemon(origin.url, tmp_path, idle_connection_seconds=IDLE_SECONDS, **LIVELY) as daemon:
        await ordinary(daemon.port)
        before = await settled(daemon)
        leavers = Leavers(daemon.port, seed=5)
        await leavers.come_and_go()
        asked = await ordinary(daemon.port)
        after = await settled(daemon)
        waiting = await daemon.metric("tailorbird_origin_waiting", daemon.origin)
    print(
        f"\nB8: {sum(leavers.left.values())} of {ABORTS} left by their own will: {dict(leavers.left)}; then "
        f"{asked} of {AFTERWARDS} answered; files {before} before and {after} after; {waiting:.0f} wait"
    )
    assert asked == AFTERWARDS
    assert waiting == 0
    assert after <= before + 1


async def ordinary(port: int) -> int:
    """How many of a hundred ordinary requests are answered whole."""
    answered = 0
    for number in range(AFTERWARDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = PATHS[number % 5]
        writer.write(request(b"GET", path % number if b"%" in path else path, (b"Connection", b"close")))
        heard = await asyncio.wait_for(hear(reader), 20)
        answered += heard.status == 200 and heard.is_whole
        writer.close()
    return answered
