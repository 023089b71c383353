"""A test origin that speaks raw bytes, so that a test can be as wrong, slow or rude as an origin can be.

    async with Origin(always(ok(b"hello"))) as origin:
        ... fetch origin.url ...
        assert origin.requests[0].get(b"cookie") is None

A script is a coroutine that gets one connection, a `Wire`, and says both ends of the talk. `always`, `by_path` and
`in_turn` make the usual scripts. Everything ends with the `async with`, and a script's own failure is raised there.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Seen:
    """A request as it arrived: names lower-case, chunked bodies decoded. `connection` counts from 0."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    connection: int

    def get(self, name: bytes) -> bytes | None:
        """The value of the field, several joined by a comma; None when absent."""
        values = [value for key, value in self.headers if key == name]
        return b", ".join(values) if values else None


class Wire:
    """One accepted connection."""

    def __init__(self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.origin = origin
        self.reader = reader
        self.writer = writer
        self.number = number

    async def head(self) -> Seen:
        """Reads a request head only; the body stays in the socket. Raises `IncompleteReadError` at the end."""
        lines = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        method, target, _ = lines[0].split(b" ")
        pairs = [line.split(b":", 1) for line in lines[1:]]
        return Seen(method, target, tuple((name.lower(), value.strip()) for name, value in pairs), b"", self.number)

    async def request(self) -> Seen:
        """Reads a whole request and notes it in `origin.requests`."""
        head = await self.head()
        if head.get(b"transfer-encoding") == b"chunked":
            body = await self._chunked()
        else:
            body = await self.reader.readexactly(int(head.get(b"content-length") or 0))
        seen = Seen(head.method, head.target, head.headers, body, self.number)
        self.origin.requests.append(seen)
        return seen

    async def _chunked(self) -> bytes:
        pieces = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            pieces.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readuntil(b"\r\n")
        return b"".join(pieces)

    async def send(self, data: bytes) -> None:
        """Writes and waits for the socket to take it. Raises `ConnectionError` once the other end has left."""
        if self.writer.is_closing():  # on which uvloop's transports raise something else
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> bytes:
        """Whatever else the other end sends, up to its closing; b"" when it only closes."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read()
        return b""

    def half_close(self) -> None:
        """Says that no more will be sent, and goes on reading."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Breaks the connection with RST, unsent and unread bytes lost."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Script = Callable[[Wire], Awaitable[None]]


@dataclass
class Origin:
    """Listens on a free loopback port while in `async with`. `connections` counts those accepted so far, `open`
    those not closed yet."""

    script: Script
    tls: ssl.SSLContext | None = None
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """As for `--origin`."""
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Origin:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self._changed = asyncio.Condition()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failures:
            raise self._failures[0]

    def close(self) -> None:
        """Takes no new connection from now on."""
        self._server.close()

    async def has_open(self, count: int) -> None:
        """Waits until exactly `count` connections are open; not for ever."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: self.open == count)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        wire = Wire(self, reader, writer, self.connections)
        self.connections += 1
        await self._count(+1)
        try:
            await self.script(wire)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other end left: what most scripts wait for
        except asyncio.CancelledError:
            pass  # the test is over
        except Exception as error:
            self._failures.append(error)
        finally:
            writer.close()
            await self._count(-1)

    async def _count(self, change: int) -> None:
        self.open += change
        async with self._changed:
            self._changed.notify_all()


def ok(body: bytes = b"", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer of known length; `fields` as `b"Cache-Control: no-store"`."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def always(answer: bytes) -> Script:
    """Answers every request with the same bytes and keeps the connection."""

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(answer)

    return script


def by_path(answers: Mapping[bytes, bytes]) -> Script:
    """Answers by the target before `?`; anything else is a 404."""

    async def script(wire: Wire) -> None:
        while True:
            path = (await wire.request()).target.partition(b"?")[0]
            await wire.send(answers.get(path, ok(b"no such page", status=b"404 Not Found")))

    return script


def in_turn(*scripts: Script) -> Script:
    """The first connection gets the first script, and so on; the last script serves all that follow."""

    async def script(wire: Wire) -> None:
        await scripts[min(wire.number, len(scripts) - 1)](wire)

    return script


def once(answer: bytes) -> Script:
    """Answers one request and closes."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer)

    return script
