"""A site behind a real uvicorn (uvloop, httptools) on loopback, and a client that speaks raw bytes to it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.http.message import Handler
from proxy.processes.listener import Listener
from proxy.rulebook.compile import Publication
from proxy.serve.app import App
from proxy.serve.protocol import protocols
from tests.wire.site import Site


@dataclass
class Heard:
    """An answer, its body without chunk framing and gzip. `is_whole` is False when the connection broke off. `date` is
    that of the answer, in which two may differ that are the same."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    is_whole: bool
    date: bytes | None = field(default=None, compare=False)


class Served:
    """In an `async with`: the application of a new `Site`, listening. `has_lane` False: all through ASGI."""

    def __init__(
        self,
        *rows: str,
        publication: Publication | None = None,
        routes: Mapping[str, Handler] | None = None,
        has_lane: bool = True,
        **settings: Any,
    ) -> None:
        self.site = Site(*rows, publication=publication, **settings)
        self.may_begin = True
        own = {**self.site.gateway.routes, **(routes or {})}
        app = App(
            self.site.gateway,
            own,
            self.site.metrics,
            self.site.settings,
            lambda: self.site.now,
            may_begin=lambda: self.may_begin,
        )
        known = self.site.settings, self.site.metrics
        log = self.site.accesslog
        if has_lane:
            protocol = protocols(
                app.at_once, app.begins, *known, self.site.gateway.repeat_hit, app.start_quick, accesslog=log
            )
        else:
            protocol = protocols(lambda _: None, lambda _, give: False, *known, accesslog=log)
        stop = app.long_polls.stop
        self.listener = Listener("test", app, "127.0.0.1", 0, protocol=protocol, drain_seconds=1, on_stop=stop)

    async def __aenter__(self) -> Served:
        self._serving = asyncio.create_task(self.listener.listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.listener.stop(gently=False)
        await self._serving
        await self.site.__aexit__()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of one's own."""
        return await asyncio.open_connection("127.0.0.1", self.listener.port, limit=1 << 20)

    async def get(self, path: bytes, *headers: tuple[bytes, bytes]) -> Heard:
        """One GET on a connection of its own."""
        reader, writer = await self.connect()
        try:
            writer.write(request(b"GET", path, *headers, (b"Connection", b"close")))
            return await hear(reader)
        finally:
            writer.close()


def request(method: bytes, path: bytes, *headers: tuple[bytes, bytes], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    fields = ((b"Host", b"shop.example"), *headers, *([(b"Content-Length", b"%d" % len(body))] if body else []))
    lines = [b"%b %b HTTP/1.1" % (method, path), *(b": ".join(field) for field in fields)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def hear(reader: asyncio.StreamReader) -> Heard:
    """Reads one answer to a GET or POST."""
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    headers: dict[bytes, bytes] = {}
    for line in head[1:]:
        name, _, value = line.partition(b":")
        key = name.lower()
        headers[key] = headers[key] + b", " + value.strip() if key in headers else value.strip()
    status, date, pieces = int(head[0].split(b" ")[1]), headers.pop(b"date", None), []
    try:
        async for piece in _body(reader, status, headers):
            pieces.append(piece)
    except asyncio.IncompleteReadError as error:
        return Heard(status, headers, b"".join([*pieces, error.partial]), is_whole=False, date=date)
    body = b"".join(pieces)
    is_packed = body and headers.get(b"content-encoding") == b"gzip"
    return Heard(status, headers, gzip.decompress(body) if is_packed else body, is_whole=True, date=date)


async def _body(reader: asyncio.StreamReader, status: int, headers: dict[bytes, bytes]):  # type: ignore[no-untyped-def]
    if status in (204, 304):
        return
    if headers.get(b"transfer-encoding") != b"chunked":
        yield await reader.readexactly(int(headers[b"content-length"]))
        return
    while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
