"""Two servers beside each other, before origins that say the same: one learns, the other forgets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from proxy.httpcache.stored import http_date
from proxy.model import Profile
from proxy.serve.conversation import Conversation, Phase
from proxy.serve.protocol import protocols
from proxy.upstream.head_shapes import HeadShapes
from tests.wire.behind import Behind
from tests.wire.origin import Origin, Script
from tests.wire.patience import TIMELESS
from tests.wire.site import NOON

QUIET = 8
"""So many turns of the loop without anything happening, and nothing more will."""
LONG_QUIET = 40
_ELSE = re.compile(rb"(set-cookie: tb_v=|dur=)(?:v1[^;]*|[0-9.]+)")
"""A new visitor's cookie, and how long something took."""
_DATE = re.compile(rb"(?<=\ndate: )[^\r]+")
_REFUSED = re.compile(rb"(?s)(?<=.)HTTP/1\.1 (?:4|50)[0-9]+ (?:(?!HTTP/1\.1 ).)*?connection: close\r\n\r\n[^\r\n]*\n\Z")
_CHUNKS = b"transfer-encoding: chunked\r\n"
_CHUNK = re.compile(rb"([0-9a-f]+)\r\n")
_LENGTH = re.compile(rb"content-length: \d+\r\n")
_LAST = re.compile(rb"connection: close\r\n(?=(?:(?!HTTP/1\.1 )(?s:.))*\Z)")

_GZIP = b"\x1f\x8b\x08"


class Said(NamedTuple):
    """What came back, with the word `x` for a new visitor's cookie; and whether the connection was closed."""

    answer: bytes
    is_closed: bool

    def but_for_its_end(self) -> Said:
        """Without how a broken request that was sent ahead ends the connection: who has answered the one before tells
        what is wrong, who has not yet says with that answer that it is the last."""
        answer = _LAST.sub(b"", _REFUSED.sub(b"", self.answer)) if self.is_closed else self.answer
        return Said(answer, self.is_closed)

    def but_for_its_framing(self) -> Said:
        """A single answer with its body in one piece: what is passed through comes in the chunks of the origin."""
        head, ends, body = self.answer.partition(b"\r\n\r\n")
        head += b"\r\n"
        if _CHUNKS in head:
            whole = b""
            while (chunk := _CHUNK.match(body)) is not None:
                size = int(chunk[1], 16)
                whole, body = whole + body[chunk.end() : chunk.end() + size], body[chunk.end() + size + 2 :]
            body = _inflated(ends + whole).removeprefix(ends) + body
        return Said(_LENGTH.sub(b"", head.replace(_CHUNKS, b""), count=1) + ends + body, self.is_closed)


def _but_now(date: re.Match[bytes]) -> bytes:
    """A Date; `now` for one by the clock of the machine, which only what has no other is given."""
    return b"now" if abs((http_date(date[0]) or 0.0) - time.time()) < 3_600 else date[0]


def _inflated(data: bytes) -> bytes:
    """With what is in gzip as it reads, and without its length: a page that many ask for is packed better in time."""
    before, found, _ = data.partition(_GZIP)
    if not found or _CHUNKS in before.rpartition(b"HTTP/1.1 ")[2]:
        return data
    decoder = zlib.decompressobj(31)
    try:
        plain = decoder.decompress(data[len(before) :])
    except zlib.error:  # broken
        return data
    head, told, last = before.rpartition(b"content-length: ")
    return head + (last.partition(b"\n")[2] if told else last) + plain + _inflated(decoder.unused_data)


class Line(asyncio.Protocol):
    """A client's connection."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.is_closed = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> None:
        self.is_closed = True

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True


class Shop:
    """One of the two. `say` sends pieces on the connection of that number, and waits until nothing more happens. Who
    learns nothing hears the first byte alone, and so knows no request as a whole."""

    def __init__(self, behind: Behind, origin: Origin, log: Path, *, learns: bool) -> None:
        self.behind = behind
        self._origin = origin
        self._log = log
        self._learns = learns
        self._lines: dict[int, Line] = {}
        self._gateway = behind.tailorbird._gateway

    async def say(self, number: int, pieces: Sequence[bytes]) -> Said:
        line = self._lines.get(number)
        if line is None or line.is_closed:
            port = self.behind.listener.port
            _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
            self._lines[number] = line
            await self._settle(line)
        line.heard.clear()
        first = [] if self._learns else [pieces[0][:1]]
        for piece in (*first, pieces[0][len(first) :], *pieces[1:]):
            if not line.is_closed:
                line.transport.write(piece)
            await self._settle(line)
        answer = _DATE.sub(_but_now, _ELSE.sub(rb"\1x", _inflated(bytes(line.heard))))
        is_closed = line.is_closed
        if is_closed or self._waits_for_body():
            line.is_closed = True
            line.transport.abort()
            await self._settle(line)
        return Said(answer, is_closed)

    async def hang_up(self, number: int) -> None:
        """The next that is said on the connection of that number is said on a new one."""
        line = self._lines.pop(number, None)
        if line is not None:
            line.is_closed = True
            line.transport.abort()
            await self._settle(line)

    async def _settle(self, line: Line) -> None:
        """Until all is said that is to be said."""
        still, before = 0, -1
        async with asyncio.timeout(60):
            # A busy system brings a piece a while after it was sent.
            while still < (QUIET if line.heard and not self._waits_for_body() else LONG_QUIET):
                await asyncio.sleep(0)
                is_still = len(line.heard) == before and (self._waits_for_body() or not self._is_busy())
                still, before = still + 1 if is_still else 0, len(line.heard)

    def _waits_for_body(self) -> bool:
        """For the rest of a request."""
        return any(len(each._owed) == 1 and each._phase is Phase.BODY for each in self._connections())

    def _connections(self) -> list[Any]:
        return [each for each in self.behind.listener.server_state.connections if isinstance(each, Conversation)]

    def _is_busy(self) -> bool:
        origins = self.behind.tailorbird._origins
        return (
            any(each._owed for each in self._connections())
            or bool(self._gateway._kept.fetching._tasks)
            or any(limiter.under_way for limiter in origins.limiters.values())
        )

    def told(self) -> list[tuple[object, ...]]:
        """What the origin was asked since the last time, in any order of requests and fields."""
        asked = sorted(
            (seen.method, seen.target, sorted(map(self._named, seen.headers)), seen.body)
            for seen in self._origin.requests
        )
        self._origin.requests.clear()
        return asked

    def _named(self, field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        return field[0], field[1].replace(b":%d" % self._origin.port, b"")

    def forget(self) -> None:
        """What was found before this request is found again."""
        self._gateway.publish(self._gateway._showing.publication)
        self.behind.tailorbird.cookies.forget()

    def forget_all(self) -> None:
        """The one that learns nothing forgets how its origin answers, too, and what pages came before."""
        if self._learns:
            return
        self.forget()
        gateway, transport = self._gateway, self.behind.tailorbird._origins._main
        transport._shapes = HeadShapes()
        transport.known = transport._shapes.known
        gateway._own.asking._mapped.clear()
        gateway._pass_through._handlings.clear()
        gateway._own._reader._slot_maps._forget()

    async def logged(self) -> list[dict[str, Any]]:
        """The lines of the access log, but for what the machine's clock says, the size of a packed page, and what
        nobody could read; in any order, since they stand in that of their times and the clock does not go."""
        accesslog = self.behind.tailorbird._accesslog
        assert accesslog is not None
        await accesslog._write()
        async with asyncio.timeout(20):
            while accesslog._file._done < accesslog._file._given:
                await asyncio.sleep(0.01)
        lines = [json.loads(line) for line in self._log.read_bytes().splitlines()]
        measured = {"ms", "origin_ms", "bytes"}
        kept = [{name: line[name] for name in line.keys() - measured} for line in lines if line["method"]]
        return sorted(kept, key=lambda line: json.dumps(line, sort_keys=True))

    def counted(self, what: str) -> dict[str, float]:
        """A metric, by its one label."""
        return self.behind.tailorbird.metrics.by_value(f"tailorbird_{what}_total")

    async def events(self) -> list[tuple[object, ...]]:
        """All that pages told, in any order; those of visitors whom nobody knows by name are all `new`."""
        arrivals, place = [], ""
        while (found := await self.behind.tailorbird.store.log(place, 10_000))[0]:
            arrivals += found[0]
            place = found[1]
        return sorted(
            (
                one.visitor_id if one.visitor_id.startswith("visitor-") else "new",
                one.event.kind,
                one.event.subject,
                sorted(one.details.items()),
            )
            for one in arrivals
        )


@contextlib.asynccontextmanager
async def both(
    script: Script, rules: Mapping[str, str], folder: Path, *, profiles: Iterable[Profile], **settings: Any
) -> AsyncIterator[tuple[Shop, Shop]]:
    """The one that learns first."""
    known, shops = list(profiles), []
    async with contextlib.AsyncExitStack() as stack:
        for name in ("learned", "other"):
            origin = await stack.enter_async_context(Origin(script))
            behind = Behind(
                origin.url,
                rules,
                folder / name,
                profiles=known,
                recorded_a_second=0,
                access_log=str(folder / f"{name}.log"),
                **{**TIMELESS, "clock": lambda: NOON, **settings},
            )
            shop = Shop(
                await stack.enter_async_context(behind), origin, folder / f"{name}.log", learns=name == "learned"
            )
            shops.append(shop)
        config, bird = shops[1].behind.listener.config, shops[1].behind.tailorbird
        if not config.loaded:  # by the listener, which has not run yet
            config.load()
        config.http_protocol_class = protocols(
            lambda _: None, lambda _, give: False, bird.settings, bird.metrics, accesslog=bird._accesslog
        )
        yield shops[0], shops[1]
