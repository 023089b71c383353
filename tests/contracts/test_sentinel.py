"""A store whose master real Sentinels name, and whose replica takes its place."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest
import trustme
from redis.asyncio import Redis

from proxy.errors import StoreError
from proxy.model import Arrival, Event, Profile
from proxy.ports import Store
from proxy.stores import open_store
from proxy.stores.redis_sentinel import LOOK_SECONDS
from proxy.stores.redis_visitor import log_key
from tests.contracts.test_ack import has_replicas
from tests.wire.valkeys import kill, sentinel, valkey

NOON = 1_795_435_200.0
SENTINELS = 3
NOBODY = Profile("anna")


def seen(number: int) -> Arrival:
    return Arrival("anna", Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


async def know_each_other(ports: list[int]) -> None:
    """Until every Sentinel knows the replica and the other Sentinels."""
    for port in ports:
        async with Redis(host="127.0.0.1", port=port) as client, asyncio.timeout(30):
            while True:
                shop = (await client.sentinel_masters())["shop"]
                if (shop["num-slaves"], shop["num-other-sentinels"]) == (1, SENTINELS - 1):
                    break
                await asyncio.sleep(0.05)


async def taken(store: Store, number: int) -> int:
    """Sends an event again until it is acknowledged; how often it was refused."""
    refused = 0
    async with asyncio.timeout(30):
        while True:
            try:
                await store.apply([seen(number)])
                return refused
            except StoreError:
                refused += 1
                await asyncio.sleep(0.05)


async def test_when_the_replica_takes_the_masters_place_the_store_goes_on(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        master = await stack.enter_async_context(valkey(tmp_path / "master", repl_diskless_sync_delay=0))
        replicaof = f"127.0.0.1 {master.port}"
        await stack.enter_async_context(valkey(tmp_path / "replica", replicaof=replicaof))
        async with Redis(host="127.0.0.1", port=master.port) as client:
            await has_replicas(client, 1)
        watching = (sentinel(tmp_path / f"sentinel{number}", "shop", master.port) for number in range(SENTINELS))
        ports = [await stack.enter_async_context(one) for one in watching]
        await know_each_other(ports)
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        store = open_store(f"redis+sentinel://{hosts}/shop/0?ack=replica-if-any")
        stack.push_async_callback(store.aclose)
        assert await taken(store, 1) == 0
        kill(master)
        assert await taken(store, 2) > 0, "meanwhile events are refused, not lost"
        assert {arrival.event.id for arrival in await store.log_of("anna")} == {"web:1", "web:2"}
        profile = await store.get_profile("anna")
        assert profile is not None
        assert len(profile.history) == 2


async def test_sentinels_and_master_may_want_a_password_of_any_signs(tmp_path: Path) -> None:
    password, written = "p@ss/w?rd#%:", "p%40ss%2Fw%3Frd%23%25%3A"
    async with valkey(tmp_path / "master") as master, sentinel(tmp_path / "s", "shop", master.port, password) as port:
        async with Redis(host="127.0.0.1", port=master.port) as client:
            await client.config_set("requirepass", password)
        place = f"redis+sentinel://:{written}@127.0.0.1:{port}/shop/0"
        async with aclosing(open_store(place)) as store:
            with pytest.raises(StoreError, match="sentinel_password"):
                await store.apply([seen(1)])
        async with aclosing(open_store(f"{place}?sentinel_password={written}")) as store:
            assert await taken(store, 1) == 0


def tls_by(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def passing_on(port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Passes what comes on to that port, and back."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError):
            await asyncio.gather(copy(reader, back), copy(there, writer))

    return connected


def naming(master: Callable[[], int]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A Sentinel that knows one master, and says where it is to whoever asks anything."""

    def masters() -> bytes:
        told = {"name": "shop", "ip": "127.0.0.1", "port": str(master()), "flags": "master", "num-other-sentinels": "0"}
        words = [word for pair in told.items() for word in pair]
        return (f"*1\r\n%{len(told)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)).encode()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            for asked in data.upper().split(b"*")[1:]:
                writer.write(masters() if b"SENTINEL" in asked else b"%0\r\n" if b"HELLO" in asked else b"+OK\r\n")
        writer.close()

    return connected


async def test_a_sentinel_that_is_away_is_asked_once_and_then_the_next(tmp_path: Path) -> None:
    asked = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    async with valkey(tmp_path / "master") as master, AsyncExitStack() as stack:
        sentinels = [
            await stack.enter_async_context(await asyncio.start_server(talk, "127.0.0.1", 0))
            for talk in (hang_up, naming(lambda: master.port))
        ]
        hosts = ",".join(f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in sentinels)
        async with aclosing(open_store(f"redis+sentinel://{hosts}/shop/0")) as store:
            assert await taken(store, 1) == 0
    assert asked == 1


async def test_who_is_named_next_is_written_to_while_the_old_master_goes_on_taking_writes(tmp_path: Path) -> None:
    async with valkey(tmp_path / "old") as old, valkey(tmp_path / "new") as new, AsyncExitStack() as stack:
        named = old.port
        watching = await stack.enter_async_context(await asyncio.start_server(naming(lambda: named), "127.0.0.1", 0))
        place = f"redis+sentinel://127.0.0.1:{watching.sockets[0].getsockname()[1]}/shop/0"
        async with aclosing(open_store(place)) as store, Redis(host="127.0.0.1", port=new.port) as client:
            await store.apply([seen(1)])
            assert not await client.exists(log_key("anna"))
            named = new.port
            number = 1
            async with asyncio.timeout(10):
                while not await client.exists(log_key("anna")):
                    number += 1
                    await store.apply([seen(number)])
                    await store.get_profile("anna")
                    await asyncio.sleep(0.05)
                while len((await store.get_profile("anna") or NOBODY).history) == number:  # of the old one
                    await asyncio.sleep(0.05)
            watching.close()
            await asyncio.sleep(LOOK_SECONDS)
            assert await taken(store, number + 1) == 0, "while Sentinels are away, who was named last is believed"


async def test_over_tls_sentinels_and_their_master_are_believed_by_our_authority_alone(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    tls = tls_by(authority)
    for name, each in (("ours.pem", authority), ("other.pem", other)):
        each.cert_pem.write_to_path(str(tmp_path / name))
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(valkey(tmp_path / "master"))
        master = await asyncio.start_server(passing_on(plain.port), "127.0.0.1", 0, ssl=tls)
        naming_it = naming(lambda: int(master.sockets[0].getsockname()[1]))
        watching = await asyncio.start_server(naming_it, "127.0.0.1", 0, ssl=tls)
        for server in (master, watching):
            await stack.enter_async_context(server)
        place = f"rediss+sentinel://127.0.0.1:{watching.sockets[0].getsockname()[1]}/shop/0"
        store = open_store(f"{place}?ssl_ca_certs={tmp_path / 'ours.pem'}")
        stack.push_async_callback(store.aclose)
        assert await taken(store, 1) == 0
        stranger = open_store(f"{place}?ssl_ca_certs={tmp_path / 'other.pem'}")
        stack.push_async_callback(stranger.aclose)
        with pytest.raises(StoreError, match=r"no Sentinel names a master.*your own authority"):
            await stranger.apply([seen(2)])
