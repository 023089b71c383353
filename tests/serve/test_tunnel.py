"""WebSockets pass through a real uvicorn to a real WebSocket server, and nothing else does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import trustme
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

from loadtests.stage import held_port
from proxy.metrics import Metrics
from proxy.processes.listener import Listener
from proxy.serve.accesslog import AccessLog
from proxy.serve.tunnel import tunnels
from proxy.settings import Settings
from proxy.upstream.origins import Origins
from tests.wire.origin import Origin, Script, Wire, ok

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


async def plain_app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"plain"})


class Proxy:
    """Uvicorn's own protocol with our tunnels, and what they counted."""

    def __init__(self, *rows: str, **settings: Any) -> None:
        self.metrics = Metrics()
        self.origins = Origins(rows, Settings(**settings))
        self.accesslog = AccessLog.of(Settings(**settings), self.metrics)
        self.tunnels = tunnels(self.origins, Settings(**settings), self.metrics, self.accesslog)
        self.port = 0

    async def __aenter__(self) -> Proxy:
        config = uvicorn.Config(plain_app, ws=cast(Any, self.tunnels), log_config=None)
        self._state = ServerState()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: HttpToolsProtocol(config, self._state, {}), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._server.wait_closed()
        await self.origins.aclose()
        if self.accesslog is not None:
            await self.accesslog.aclose()

    def connect(self, path: str = "/chat", **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", proxy=None, **options)

    def handshake(self, *fields: bytes) -> bytes:
        lines = [b"GET /chat HTTP/1.1", b"Upgrade: websocket", b"Connection: Upgrade", *fields]
        return b"\r\n".join((*lines, b"\r\n"))

    async def ask(self, *fields: bytes) -> bytes:
        """Sends a handshake as raw bytes; everything that comes back until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(self.handshake(*fields))
        try:
            return await reader.read()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def shouting(tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[tuple[str, list[Request]]]:
    """A WebSocket origin that answers in capitals; its URL and the handshakes it saw."""
    seen: list[Request] = []

    async def shout(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.append(socket.request)
        async for message in socket:
            await socket.send(message.upper())

    async with serve(shout, "127.0.0.1", 0, ssl=tls, max_size=None, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield (f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"), seen


def switching_then(*answer: bytes) -> Script:
    async def script(wire: Wire) -> None:
        await wire.request()
        for piece in answer:
            await wire.send(piece)
        await wire.until_closed()

    return script


async def test_messages_pass_both_ways_and_both_ends_close() -> None:
    async with shouting() as (url, seen), Proxy(url) as proxy:
        async with proxy.connect("/chat?room=1") as socket:
            for message in ("hello", "x" * 300_000):
                await socket.send(message)
                assert await socket.recv() == message.upper()
            await socket.send(b"bytes")
            assert await socket.recv() == b"BYTES"
        assert socket.close_code == 1000
        assert seen[0].path == "/chat?room=1"


async def test_the_access_log_has_a_line_of_each_handshake(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with held_port() as nobodys:
        gone = f"/gone=http://127.0.0.1:{nobodys}"
        async with shouting() as (url, _), Proxy(url, gone, access_log=str(path)) as proxy:
            async with proxy.connect("/chat?room=1"):
                pass
            with pytest.raises(InvalidStatus):
                async with proxy.connect("/gone"):
                    pass
    found = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert [(one["target"], one["status"]) for one in found] == [("/chat?room=1", 101), ("/gone", 502)]


async def test_the_handshake_is_rebuilt_by_the_rules_of_forwarding() -> None:
    fields = {
        "Cookie": "session=1; __Host-tb_v=secret; tb_s=x",
        "X-Forwarded-For": "6.6.6.6",
        "X_Visitor_Segment": "vip",
    }
    async with shouting(subprotocols=["chat"]) as (url, seen), Proxy(url) as proxy:
        async with proxy.connect(additional_headers=fields, subprotocols=["chat"]) as socket:
            assert socket.subprotocol == "chat"
        headers = seen[0].headers
        assert headers["Cookie"] == "session=1"
        assert headers["X-Forwarded-For"] == "127.0.0.1"
        assert headers["X-Forwarded-Host"] == f"127.0.0.1:{proxy.port}"
        assert headers["Host"] == url.removeprefix("http://")
        assert headers["Via"] == "1.1 tailorbird"
        assert "X_Visitor_Segment" not in headers


async def test_a_path_of_another_origin_goes_there() -> None:
    async with shouting() as (shop, at_shop), shouting() as (chat, at_chat), Proxy(shop, f"/chat={chat}") as proxy:
        async with proxy.connect("/chat/1"), proxy.connect("/other"):
            pass
        assert ([seen.path for seen in at_chat], [seen.path for seen in at_shop]) == (["/chat/1"], ["/other"])


async def test_over_https_to_the_origin(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    known = str(tmp_path / "authority.pem")
    async with shouting(tls) as (url, _), Proxy(url, origin_ca=known) as proxy, proxy.connect(max_size=None) as socket:
        async with asyncio.timeout(20):
            for said in ("hello", "again", "once more", "x" * 2_000_000, "bye"):
                await socket.send(said)
                assert await socket.recv() == said.upper()


async def test_a_refusal_of_the_origin_is_passed_on_whole() -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(401, "log in first\n" * 10_000)

    async with shouting(process_request=refuse) as (url, _), Proxy(url) as proxy:
        with pytest.raises(InvalidStatus) as caught:
            await proxy.connect(max_size=None).__aenter__()
        assert caught.value.response.status_code == 401
        assert caught.value.response.body == b"log in first\n" * 10_000


async def test_an_origin_that_sees_an_ordinary_request_gives_an_ordinary_answer() -> None:
    script = switching_then(ok(b"a page", b"Set-Cookie: a=1"))
    async with Origin(script) as origin, Proxy(origin.url) as proxy:
        answer = await proxy.ask(b"Host: shop.example", b"Sec-WebSocket-Key: " + KEY)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"set-cookie: a=1" in head
        assert b"connection: close" in head
        assert body == b"a page"


async def test_frames_that_come_with_the_agreement_are_not_lost() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(SWITCHING + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n\x81\x05early")
        await wire.send(b"\x81\x04then")

    async with Origin(script) as origin, Proxy(origin.url) as proxy:
        answer = await proxy.ask(b"Host: shop.example", b"Sec-WebSocket-Key: " + KEY)
        head, _, frames = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert frames == b"\x81\x05early\x81\x04then"


async def test_an_origin_that_is_down_is_a_502_and_counted() -> None:
    async with Origin(switching_then()) as origin:
        pass
    async with Proxy(origin.url) as proxy:
        with pytest.raises(InvalidStatus) as caught:
            await proxy.connect().__aenter__()
        assert caught.value.response.status_code == 502
        assert proxy.metrics.get("tailorbird_origin_errors_total", "refused") == 1


async def test_an_origin_that_does_not_answer_is_a_504() -> None:
    async with Origin(switching_then()) as origin, Proxy(origin.url, first_byte_timeout_ms=30) as proxy:
        got = await proxy.ask(b"Host: shop.example", b"Sec-WebSocket-Key: " + KEY)
        assert got.startswith(b"HTTP/1.1 504 ")
        await origin.has_open(0)


async def test_when_the_visitor_vanishes_the_origin_hears_of_it() -> None:
    agreement = SWITCHING + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
    async with Origin(switching_then(agreement)) as origin, Proxy(origin.url) as proxy:
        asking = asyncio.create_task(proxy.ask(b"Host: shop.example", b"Sec-WebSocket-Key: " + KEY))
        await origin.has_open(1)
        asking.cancel()
        await origin.has_open(0)


async def test_when_the_origin_vanishes_the_visitor_hears_of_it() -> None:
    async def leave(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    async with serve(leave, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Proxy(f"http://127.0.0.1:{port}") as proxy, proxy.connect() as socket:
            await socket.send("hello")
            with pytest.raises(ConnectionClosed):
                await socket.recv()


async def test_a_slow_reader_stops_the_writer_at_the_other_end() -> None:
    """Far more than any buffer is sent at a visitor that does not read; the sender gets stuck, then it all arrives."""
    sent = 0

    async def flood(socket: ServerConnection) -> None:
        nonlocal sent
        for _ in range(400):
            await socket.send(b"x" * 100_000)
            sent += 1

    async with serve(flood, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Proxy(f"http://127.0.0.1:{port}") as proxy, proxy.connect(compression=None, max_queue=1) as socket:
            await _until_it_stands_still(lambda: sent)
            assert 0 < sent < 300
            assert [len(message) async for message in socket] == [100_000] * 400


async def _until_it_stands_still(count: Any) -> None:
    before = -1
    while count() != before:
        before = count()
        await asyncio.sleep(0.1)


async def test_stopping_the_listener_ends_the_tunnels() -> None:
    async with shouting() as (url, _):
        origins = Origins((url,), Settings())
        public = Listener("public", plain_app, "127.0.0.1", 0, websockets=tunnels(origins, Settings(), Metrics()))
        serving = asyncio.create_task(public.listen())
        socket = await connect(public.url.replace("http", "ws"), proxy=None)
        public.stop(gently=False)
        await serving
        with pytest.raises(ConnectionClosed):
            await socket.recv()
