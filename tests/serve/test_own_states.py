"""Whatever an origin does at whatever moment, and by whatever way it was asked: its client gets a whole answer or sees
that it has none, what was asked behind it gets its own, and no place stays taken."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from math import inf
from time import monotonic
from typing import Any, NamedTuple

import pytest

from proxy.upstream.quick_exchange import QuickExchange
from tests.serve.test_pass_through import FIELDS, NO_STORE
from tests.serve.test_protocol import later
from tests.wire.origin import Origin, Seen, Wire, ok
from tests.wire.patience import TIMELESS
from tests.wire.served import Heard, Served, hear, request
from tests.wire.site import eventually

STAYS, CLOSES, RESETS, HALF = "stays", "closes", "resets", "half"
OUT = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: text/plain\r\n"
FINE = OUT + b"Content-Length: 6\r\n\r\nabcdef"
CHUNKED = OUT + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


class Row(NamedTuple):
    """What comes of it: status, body, whether that is whole; and of it as a page, if that is another thing."""

    pieces: tuple[bytes, ...]
    then: str
    status: int = 200
    body: bytes = b"abcdef"
    is_whole: bool = True
    as_page: int = 0


def status(line: bytes, rest: bytes = b"") -> bytes:
    return FINE.partition(b"Content-Length")[0].replace(b"200 OK", line) + rest + b"\r\n"


ROWS: dict[str, Row] = {
    "whole": Row((FINE,), STAYS),
    "whole, in pieces": Row((FINE[:20], FINE[20:-3], FINE[-3:]), STAYS),
    "whole, then closed": Row((FINE,), CLOSES),
    "whole, then reset": Row((FINE,), RESETS),
    "whole, then half-closed": Row((FINE,), HALF),
    "whole, told to close": Row((FINE.replace(b"\r\nContent-T", b"\r\nConnection: close\r\nContent-T"),), CLOSES),
    "told to close, and stays": Row((FINE.replace(b"\r\nContent-T", b"\r\nConnection: close\r\nContent-T"),), STAYS),
    "HTTP/1.0 with a length": Row((FINE.replace(b"1.1", b"1.0"),), STAYS),
    "HTTP/1.0 without": Row((OUT.replace(b"1.1", b"1.0") + b"\r\nabc", b"def"), CLOSES),
    "without a length": Row((OUT + b"\r\nabc", b"def"), CLOSES),
    "without a length, half-closed": Row((OUT + b"\r\nabc", b"def"), HALF),
    "without a length, reset": Row((OUT + b"\r\nabc",), RESETS, 200, b"abc", False, 502),
    "without a length, silent": Row((OUT + b"\r\nabc",), STAYS, 200, b"abc", False, 504),
    "chunked": Row((CHUNKED + b"3\r\ndef\r\n0\r\n\r\n",), STAYS),
    "chunked, in pieces": Row((CHUNKED, b"3\r\nd", b"ef\r\n0\r", b"\n\r\n"), STAYS),
    "chunked, with trailers": Row((CHUNKED + b"3\r\ndef\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n",), STAYS),
    "chunked, with extensions": Row((CHUNKED + b"3;a=b\r\ndef\r\n0;c\r\n\r\n",), STAYS),
    "chunked, with a flood of trailers": Row(
        (CHUNKED + b"0\r\n", *[b"X-A: %b\r\n" % (b"a" * 30_000)] * 4), STAYS, 200, b"abc", False, 502
    ),
    "chunked, closed before its end": Row((CHUNKED,), CLOSES, 200, b"abc", False, 502),
    "chunked, half-closed before its end": Row((CHUNKED,), HALF, 200, b"abc", False, 502),
    "chunked, silent before its end": Row((CHUNKED,), STAYS, 200, b"abc", False, 504),
    "chunked, without its last line end": Row((CHUNKED + b"3\r\ndef\r\n0\r\n",), CLOSES, 200, b"abcdef", False, 502),
    "chunked, nonsense in it": Row((CHUNKED + b"zz\r\n",), STAYS, 502, b""),
    "too short, closed": Row((FINE[:-3],), CLOSES, 200, b"abc", False, 502),
    "too short, half-closed": Row((FINE[:-3],), HALF, 200, b"abc", False, 502),
    "too short, reset": Row((FINE[:-3],), RESETS, 200, b"abc", False, 502),
    "too short, silent": Row((FINE[:-3],), STAYS, 200, b"abc", False, 504),
    "too long": Row((FINE + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",), STAYS),
    "silent": Row((), STAYS, 504, b""),
    "closed at once": Row((), CLOSES, 502, b""),
    "half-closed at once": Row((), HALF, 502, b""),
    "reset at once": Row((), RESETS, 502, b""),
    "half a head, silent": Row((FINE[:30],), STAYS, 504, b""),
    "half a head, closed": Row((FINE[:30],), CLOSES, 502, b""),
    "half a head, reset": Row((FINE[:30],), RESETS, 502, b""),
    "a head, silent": Row((FINE[:-6],), STAYS, 200, b"", False, 504),
    "a head, closed": Row((FINE[:-6],), CLOSES, 200, b"", False, 502),
    "a head too large": Row((OUT, *[b"X-A: %b\r\n" % (b"a" * 30_000)] * 4), STAYS, 502, b""),
    "a head of too many fields": Row((OUT, b"X-A: 1\r\n" * 400), STAYS, 502, b""),
    "nothing to say": Row((status(b"204 No Content"),), STAYS, 204, b""),
    "nothing to say, at length": Row((status(b"204 No Content", b"Content-Length: 4\r\n") + b"evil",), STAYS, 204, b""),
    "not modified": Row((status(b"304 Not Modified", b"Content-Length: 6\r\n"),), STAYS, 502, b""),
    "not modified, at length": Row((status(b"304 Not Modified", b"Content-Length: 4\r\n") + b"evil",), STAYS, 502, b""),
    "empty": Row((status(b"200 OK", b"Content-Length: 0\r\n"),), STAYS, 200, b""),
    "told to go on": Row((GO_ON, FINE), STAYS),
    "told to go on for ever": Row((GO_ON * 400,), STAYS, 502, b""),
    "hints for ever": Row((HINT,) * 20, STAYS, 502, b""),
    "hints, silent": Row((HINT,), STAYS, 504, b""),
    "switches unasked": Row((b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nevil",), STAYS, 502, b""),
    "nonsense": Row((b"nonsense\r\n\r\n",), STAYS, 502, b""),
    "two lengths": Row((OUT + b"Content-Length: 6\r\nContent-Length: 3\r\n\r\nabcdef",), STAYS, 502, b""),
}
NAMES = list(ROWS)
BODY = b"an upload"
PATHS = {b"/%b/%d" % (kind, number): ROWS[name] for kind in (b"asset", b"page") for number, name in enumerate(NAMES)}
KNOWN = 4
"""How often something is asked for before it is known by header set, and goes straight."""


class Rude:
    """An origin that answers each path as its row says, once all have been asked for so often that they are known."""

    def __init__(self, rounds: int, rows: int, *, waits_for_bodies: bool = True) -> None:
        self._rounds = rounds
        self._all = asyncio.Barrier(rows)
        self._asked: Counter[bytes] = Counter()
        self._reads = Wire.request if waits_for_bodies else Wire.head
        self._left = rows
        self.are_all_there = asyncio.Event()
        self.go_on = asyncio.Event()
        self.has_said_all = asyncio.Event()

    async def __call__(self, wire: Wire) -> None:
        while True:
            seen = await self._reads(wire)
            row = PATHS.get(seen.target)
            if row is None:
                await wire.send(ok(b"after" * (seen.method != b"HEAD"), NO_STORE))
                continue
            self._asked[seen.target] += 1
            if self._asked[seen.target] <= self._rounds:
                await self._all.wait()
            if self._asked[seen.target] < self._rounds:
                await wire.send(_of_kind(FINE, seen.target))
                continue
            self.are_all_there.set()
            await self.go_on.wait()
            if not await self._has_gone_on(wire, row, seen):
                return

    async def _has_gone_on(self, wire: Wire, row: Row, seen: Seen) -> bool:
        is_said = row.is_whole or (seen.method == b"HEAD" and row.status == 200)
        try:
            for piece in row.pieces:
                await wire.send(_of_kind(piece, seen.target))
                for _ in range(5):
                    await asyncio.sleep(0)
        finally:
            self._left -= 1
            if not self._left:
                self.has_said_all.set()
        with suppress(OSError):  # the other end may have closed it by now
            if row.then == RESETS:
                wire.reset()
            elif row.then == HALF:
                wire.half_close()
        if row.then == HALF or (row.then == STAYS and not is_said):
            await wire.until_closed()
        return row.then == STAYS and is_said


def _of_kind(piece: bytes, path: bytes) -> bytes:
    page = piece.replace(b"text/plain", b"text/html").replace(b"no-store", b"private")  # so it is never begun early
    return page if path.startswith(b"/page") else piece


class Client:
    """Asks for one path until it is its row's turn, and for something else behind it. Of its last request it keeps so
    many bytes back."""

    def __init__(self, served: Served, method: bytes, path: bytes, withheld: int) -> None:
        self._served, self._method, self._path, self._withheld = served, method, path, withheld

    async def warm_up(self, rounds: int) -> None:
        self.reader, self.writer = await self._served.connect()
        for _ in range(rounds - 1):
            self.writer.write(request(self._method, self._path, *FIELDS))
            assert (await hear(self.reader)).status == 200

    def ask(self) -> None:
        asked = request(self._method, self._path, *FIELDS, body=BODY * (self._method == b"POST"))
        self._left = asked[len(asked) - self._withheld :]
        self.writer.write(asked[: len(asked) - self._withheld])

    async def hear(self) -> tuple[Heard | None, Heard | None]:
        """The answer, and the one behind it; None for none."""
        self._ask_more(is_now=not self._withheld)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                first = await self._heard(hear_head if self._method == b"HEAD" else hear)
                self._ask_more(is_now=bool(self._withheld))
                return first, await self._heard(hear) if first and first.is_whole else None
        finally:
            self.writer.close()

    def _ask_more(self, *, is_now: bool) -> None:
        if is_now:
            self.writer.write(self._left + request(b"GET", b"/after", *FIELDS))

    async def _heard(self, hear: Callable[[asyncio.StreamReader], Awaitable[Heard]]) -> Heard | None:
        try:
            return await hear(self.reader)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None


async def hear_head(reader: asyncio.StreamReader) -> Heard:
    head = await reader.readuntil(b"\r\n\r\n")
    return Heard(int(head[9:12]), {}, b"", is_whole=True)


PATIENCE_SECONDS = 60
ROOM = {
    "retry_fraction": 1.0, "breaker_failures": 1_000, "breaker_attempts": 2_000,
    "concurrency_start": 200, "max_connections": 200, "max_idle_connections": 200,
}  # fmt: skip
"""None waits for another, and none is late: on a busy machine all would be."""
SETTLED = 20
"""So many turns of the loop after all was said, and it has been heard."""


def is_held(waiting: Any) -> bool:
    """Some of its answer came this very moment, and the rest may come right behind it."""
    if isinstance(waiting, QuickExchange):
        return waiting.part is not None and waiting.part.latest < inf
    return bool(getattr(waiting, "_awaits", None) and waiting._otherwise)


async def time_is_up(served: Served, rude: Rude) -> None:
    """The origin has said what it says; whoever waits for more has waited too long."""
    await asyncio.wait_for(rude.has_said_all.wait(), PATIENCE_SECONDS)
    for _ in range(SETTLED):
        await asyncio.sleep(0)
    timeouts = served.site.origins.of(b"/")._timeouts
    await eventually(lambda: not any(is_held(waiting) for waiting in timeouts._waiting))
    for waiting in list(timeouts._waiting):
        waiting.deadline = monotonic()
        timeouts.watch(waiting)
    await later(served, TIMELESS["upload_seconds"])


@asynccontextmanager
async def asked_for(
    method: bytes,
    kind: bytes,
    *,
    is_straight: bool,
    withheld: int = 0,
    names: Sequence[str] = NAMES,
) -> AsyncIterator[tuple[list[Client], Rude, Served]]:
    """One client for each row, all waiting; and that, when all have left, nothing is."""
    rounds = KNOWN if is_straight else 1
    rude = Rude(rounds, len(names), waits_for_bodies=not withheld)
    async with Origin(rude) as origin, Served(origin.url, has_lane=is_straight, **ROOM, **TIMELESS) as served:
        clients = [Client(served, method, b"/%b/%d" % (kind, number), withheld) for number in map(NAMES.index, names)]
        await asyncio.gather(*(client.warm_up(rounds) for client in clients))
        for client in clients:
            client.ask()
        await asyncio.wait_for(rude.are_all_there.wait(), PATIENCE_SECONDS)
        assert bool(served.listener.server_state.tasks) != is_straight
        yield clients, rude, served
        await eventually(lambda: not any(limiter.under_way for limiter in served.site.origins.limiters.values()))
        await eventually(lambda: not served.listener.server_state.tasks)


async def outcomes(
    method: bytes, kind: bytes, *, is_straight: bool = False, withheld: int = 0, names: Sequence[str] = NAMES
) -> dict[str, tuple[Heard | None, Heard | None]]:
    """What comes of each row, and of what is asked behind it."""
    found: dict[str, tuple[Heard | None, Heard | None]] = {}
    for is_silent in (False, True):
        some = [name for name in names if ("silent" in name) is is_silent]
        async with asked_for(method, kind, is_straight=is_straight, withheld=withheld, names=some) as waiting:
            clients, rude, served = waiting
            rude.go_on.set()
            heard = asyncio.gather(*(client.hear() for client in clients))
            if is_silent:
                await time_is_up(served, rude)
            found |= zip(some, await heard, strict=True)
    return found


def told(row: Row, *, is_page: bool) -> tuple[int, bytes, bool]:
    """What is to come of it."""
    return (row.as_page, b"", True) if is_page and row.as_page else (row.status, row.body, row.is_whole)


@pytest.mark.parametrize("way", ["straight", "ordinary", "post"])
@pytest.mark.parametrize("kind", [b"asset", b"page"])
async def test_whatever_an_origin_does_is_seen_for_what_it_is_and_what_is_behind_it_comes(
    kind: bytes, way: str
) -> None:
    method = b"POST" if way == "post" else b"GET"
    for name, (first, behind) in (await outcomes(method, kind, is_straight=way == "straight")).items():
        assert first is not None, name
        got = first.status, first.body * (first.status < 500), first.is_whole
        assert got == told(ROWS[name], is_page=kind == b"page"), name
        if first.is_whole and b"close" not in first.headers.get(b"connection", b""):
            assert behind is not None and behind.body == b"after", (name, behind and behind.headers[b"cache-status"])
        else:
            assert behind is None, name
