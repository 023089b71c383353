"""Connections whose TLS handshake is not done: they are clients like others."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from proxy.processes.listener import Listener
from proxy.serve import handshake
from proxy.serve.admission import Admission
from proxy.serve.handshake import SecuredServer
from proxy.settings import Settings
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.served import Heard, hear, request
from tests.wire.site import eventually

Serving = Callable[..., AbstractAsyncContextManager["Shop"]]
GET = request(b"GET", b"/")
RULES = {"a.rules.yaml": "version: 1\nrules: []\n"}


class Shop:
    """Tailorbird with a certificate, and those who connect to it."""

    def __init__(self, behind: Behind, trusted: ssl.SSLContext) -> None:
        self.listener: Listener = behind.listener
        self._trusted = trusted
        self._held: list[asyncio.StreamWriter] = []

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self.listener.server_state.connections)

    async def silent(self) -> asyncio.StreamReader:
        """Who connects and says nothing."""
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        self._held.append(self.writer)
        return reader

    async def secured(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Who does all that TLS wants."""
        return await asyncio.open_connection("127.0.0.1", self.listener.port, ssl=self._trusted)

    async def get(self) -> Heard:
        """A request on a connection of its own."""
        reader, writer = await self.secured()
        writer.write(GET)
        heard = await hear(reader)
        writer.transport.abort()
        return heard

    async def upgrade(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The handshake of who was silent last."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        loop, transport = asyncio.get_running_loop(), self.writer.transport
        secured = await loop.start_tls(transport, protocol, self._trusted, server_hostname="127.0.0.1")
        assert secured is not None
        protocol.connection_made(secured)
        return reader, asyncio.StreamWriter(secured, protocol, reader, loop)


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate = tmp_path / "certificate.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)

    @asynccontextmanager
    async def shop(**settings: Any) -> AsyncIterator[Shop]:
        async with (
            Origin(always(ok(b"hello", b"Cache-Control: max-age=60"))) as origin,
            Behind(origin.url, RULES, tmp_path, tls_certificate=str(certificate), **settings) as behind,
        ):
            yield Shop(behind, trusted)

    return shop


async def test_silent_handshakes_give_way_to_active_clients(serving: Serving) -> None:
    async with serving(max_clients=2) as shop:
        silent = [await shop.silent() for _ in range(4)]
        assert (await shop.get()).body == b"hello"
        assert shop.clients <= 2
        assert await silent[0].read() == b""


async def test_clients_that_never_complete_tls_shutdown_give_way(serving: Serving) -> None:
    async with serving(max_clients=1) as shop:
        reader, writer = await shop.secured()
        writer.write(GET)
        assert (await hear(reader)).body == b"hello"
        writer.transport.pause_reading()  # so it does not answer the end of TLS
        assert (await shop.get()).body == b"hello"
        await eventually(lambda: shop.clients == 0)
        writer.transport.abort()


async def test_one_address_has_no_more_handshakes_than_connections(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Admission, "_is_shared", lambda self, address: False)
    async with serving(max_clients_per_address=1) as shop:
        first, second = await shop.silent(), await shop.silent()
        assert await second.read() == b""
        assert shop.clients == 1 and not first.at_eof()


@pytest.mark.parametrize("said", [b"", GET, b"\x16\x03\x01"], ids=["nothing", "no TLS", "half a record"])
async def test_a_handshake_that_fails_or_takes_too_long_ends(
    serving: Serving, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(head_seconds=0.2) as shop:
        reader = await shop.silent()
        shop.writer.write(said)
        await asyncio.wait_for(reader.read(), 9)
        await eventually(lambda: shop.clients == 0)
        assert (await shop.get()).body == b"hello"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_gentle_end_waits_for_handshakes_and_answers_after_them(serving: Serving) -> None:
    async with serving() as shop:
        await shop.silent()
        await eventually(lambda: shop.clients == 1)
        shop.listener.stop(gently=True)
        reader, writer = await shop.upgrade()
        writer.write(GET)
        assert (await hear(reader)).body == b"hello"
        writer.close()


async def test_any_other_end_does_not_wait_for_them(serving: Serving) -> None:
    async with serving() as shop:
        reader = await shop.silent()
        await eventually(lambda: shop.clients == 1)
        shop.listener.stop(gently=False)
        assert await asyncio.wait_for(reader.read(), 9) == b""


class _Full(socket.socket):
    """A listening socket in a process that has no descriptor left, at first."""

    is_full = True

    def accept(self) -> Any:
        if self.is_full:
            self.is_full = False
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_without_descriptors_it_rests_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "FULL_SECONDS", 0.01)
    listening, door = _Full(), Admission(Settings())
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    server = SecuredServer(door, 9, listening, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), asyncio.Protocol, set())
    _, writer = await asyncio.open_connection(*listening.getsockname())
    await eventually(lambda: len(door) == 1)
    assert not listening.is_full
    writer.close()
    await eventually(lambda: len(door) == 0)
    server.close()
    await server.wait_closed()
