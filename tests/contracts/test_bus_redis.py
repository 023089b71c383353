"""The bus over a Redis or Valkey server: broken connections, killed processes, and a server that is away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import pytest
import uvloop
from redis.asyncio import Redis

from proxy.bus import bus_of_machine, bus_of_shop
from proxy.bus.local import LocalBus
from proxy.bus.redis import LIVE, MOST_REQUESTS, REQUESTS, RedisBus
from proxy.errors import StoreError
from proxy.ports import MISSED
from proxy.stores import open_store, server_of
from proxy.stores.redis_connecting import client_of
from tests.contracts.conftest import flush
from tests.contracts.test_bus import Heard
from tests.wire.valkeys import valkey

TRIES = 40


@pytest.fixture
def folder() -> Iterator[Path]:
    # A path of its own: pytest's are longer than a socket's path may be.
    with tempfile.TemporaryDirectory(prefix="tb-") as name:
        yield Path(name)


async def test_messages_sent_while_a_connection_was_broken_are_received_afterwards(valkey_url: str) -> None:
    await flush(valkey_url)
    here, there = RedisBus(partial(client_of, valkey_url)), RedisBus(partial(client_of, valkey_url))
    listener = Heard(there)
    await here.open()
    await there.open()
    sent = set()
    async with Redis.from_url(valkey_url) as client:
        for number in range(10):
            await client.client_kill_filter(_type="normal", skipme=True)
            if not (await here.request("purge", b"%d" % number)).is_cut_off:
                sent.add(b"%d" % number)
    assert sent
    async with asyncio.timeout(10):
        while not sent <= set(listener.messages):
            listener.news.clear()
            await listener.news.wait()
    await here.aclose()
    await there.aclose()


async def test_without_the_server_this_machine_still_receives_and_replies_are_cut_off(folder: Path) -> None:
    near = [bus_of_shop(bus_of_machine(folder), server_of(f"unix://{folder}/nobody")) for _ in range(2)]
    listeners = [Heard(bus) for bus in near]
    for bus in near:
        await bus.open()
    told = await near[0].request("purge", b"/sale")
    assert (told.is_whole, told.is_cut_off) == (False, True)
    assert told.answers == {bus.name: b"/SALE" for bus in near}
    assert [listener.messages for listener in listeners] == [[b"/sale"]] * 2
    for bus in near:
        await bus.aclose()


async def test_a_server_that_is_full_goes_on_telling_everybody(folder: Path) -> None:
    async with valkey(folder) as server, Redis(host="127.0.0.1", port=server.port) as client:
        here, there = (RedisBus(partial(client_of, f"redis://127.0.0.1:{server.port}")) for _ in range(2))
        listener = Heard(there)
        await client.config_set("maxmemory", "1mb")
        for bus in (here, there):
            await bus.open()
        told = await here.request("purge", b"/sale")
        assert told.is_whole and told.answers[there.name] == b"/SALE"
        await here.publish("purge", b"/c/")
        async with asyncio.timeout(10):
            while b"/c/" not in listener.messages:
                listener.news.clear()
                await listener.news.wait()
        for bus in (here, there):
            await bus.aclose()


async def test_why_a_server_takes_no_message_is_told_without_the_message(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with valkey(folder) as server, Redis(host="127.0.0.1", port=server.port) as client:
        bus = RedisBus(partial(client_of, f"redis://127.0.0.1:{server.port}"))
        await bus.open()
        await client.config_set("min-replicas-to-write", 1)
        assert (await bus.request("profiles", b"anna@shop.example")).is_cut_off
        await client.config_set("min-replicas-to-write", 0)
        await bus.aclose()
    (told,) = [record.getMessage() for record in caplog.records if record.name == "tailorbird.bus"]
    assert told.endswith("does not take it: NOREPLICAS Not enough good replicas to write.")


async def test_a_frozen_server_holds_a_sender_for_little_more_than_a_second(
    valkey_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bus = RedisBus(partial(client_of, valkey_url))
    listener = Heard(bus)
    await bus.open()
    async with Redis.from_url(valkey_url) as client:
        process = (await client.info("server"))["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        started = asyncio.get_running_loop().time()
        told = await bus.request("purge", b"/sale")
        waited = asyncio.get_running_loop().time() - started
    finally:
        os.kill(process, signal.SIGCONT)
    assert told.is_cut_off
    assert "the server of the bus does not take it: it is silent" in caplog.text
    assert listener.messages[:1] == [b"/sale"]
    assert waited < 5.0, "the library's own defaults would wait for a minute"
    await bus.aclose()


@asynccontextmanager
async def beside_a_killed_one(url: str) -> AsyncIterator[tuple[RedisBus, Redis, int]]:
    """A process beside one that was killed and is still listed, a client of the server, and the server's time."""
    await flush(url)
    bus = RedisBus(partial(client_of, url))
    Heard(bus)
    await bus.open()
    async with Redis.from_url(url) as client:
        seconds, _ = await client.time()
        await client.zadd(LIVE, {"killed": seconds + 60})
        yield bus, client, seconds
    await bus.aclose()


async def test_a_server_whose_time_is_over_a_moment_before_ours_is_as_one_that_says_nothing(valkey_url: str) -> None:
    async with beside_a_killed_one(valkey_url) as (bus, client, _):
        asking = asyncio.create_task(bus.request("purge", b"/sale"))
        while not asking.done():
            for waiting in await client.client_list():
                if waiting["cmd"] == "blpop" and "b" in waiting["flags"]:
                    await client.client_unblock(int(waiting["id"]))  # its time is over, it is told
            await asyncio.sleep(0.01)
        assert not (await asking).is_whole


async def test_a_killed_process_is_waited_for_once(valkey_url: str) -> None:
    async with beside_a_killed_one(valkey_url) as (bus, client, seconds):
        first, second = await bus.request("purge", b"/sale"), await bus.request("purge", b"/sale")
        started = asyncio.get_running_loop().time()
        for _ in range(10):
            await bus.request("purge", b"/sale")
        waited = asyncio.get_running_loop().time() - started
        await client.zadd(LIVE, {"killed": seconds + 61})
        third = asyncio.create_task(bus.request("purge", b"/sale"))
        await asyncio.sleep(0.1)
        assert not third.done(), "it lives again"
        assert not (await third).is_whole
    assert [told.is_whole for told in (first, second)] == [False, False]
    assert "killed" in second.live - second.answers.keys()
    assert waited < 8.0, "ten sends would have waited ten seconds"


async def test_a_process_cut_off_until_its_position_is_gone_gets_missed(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.bus.redis.LIVE_SECONDS", 0.2)
    await flush(valkey_url)
    async with Redis.from_url(valkey_url) as client:
        await client.acl_setuser("far", enabled=True, passwords="+far", keys="*", commands=["+@all"])
        here = RedisBus(partial(client_of, valkey_url))
        there = RedisBus(partial(client_of, valkey_url, username="far", password="far"))
        missed, purged = Heard(there, MISSED), Heard(there)
        Heard(here)
        await here.open()
        await there.open()
        assert (await here.request("purge", b"/1")).is_whole
        for number in (2, MOST_REQUESTS * 2):
            await client.acl_setuser("far", enabled=False)
            await client.client_kill_filter(user="far")
            while len((await here.request("purge", b"/away")).live) > 1:
                await asyncio.sleep(0.01)
            for _ in range(number):
                await here._add(REQUESTS, MOST_REQUESTS, "purge", b"/more", "")
            assert missed.messages == []
            await client.acl_setuser("far", enabled=True)
            async with asyncio.timeout(20):
                while not (await here.request("purge", b"/back")).live >= {there.name}:
                    await asyncio.sleep(0.01)
        assert purged.messages.count(b"/more") == 2, "the first time its place was still there"
        async with asyncio.timeout(20):
            while not missed.messages:
                missed.news.clear()
                await missed.news.wait()
        await client.acl_deluser("far")
    await here.aclose()
    await there.aclose()


def breaking() -> Iterator[int]:
    """The port of a server that breaks each connection when something is said on it."""
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                heard, _ = server.accept()
                heard.recv(100)
                heard.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                heard.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def test_a_server_that_breaks_connections_as_they_open_counts_as_away() -> None:
    async def says(url: str) -> None:
        bus, store = bus_of_shop(LocalBus(), server_of(url)), open_store(url)
        listener = Heard(bus)
        await bus.open()
        await asyncio.gather(*(bus.publish("purge", b"/sale") for _ in range(TRIES)))
        failed = await asyncio.gather(*(store.get_profile(f"v{n}") for n in range(TRIES)), return_exceptions=True)
        assert {type(error) for error in failed} == {StoreError}
        assert listener.messages == [b"/sale"] * TRIES
        await bus.aclose()
        await store.aclose()

    with contextmanager(breaking)() as port:
        uvloop.run(says(f"redis://127.0.0.1:{port}"))  # which says so in its own way


async def test_who_was_cut_off_just_now_knows_that_others_may_not_be_back_yet(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("LONGEST_BEAT_SECONDS", 0.3), ("LIVE_SECONDS", 1.0), ("BEAT_MS", 20)):
        monkeypatch.setattr(f"proxy.bus.redis.{name}", value)
    async with valkey(folder) as server, asyncio.timeout(60):
        bus = RedisBus(partial(client_of, f"redis://127.0.0.1:{server.port}"))
        Heard(bus)
        await bus.open()
        process = server._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        begun = time.monotonic()
        while bus._beat_at < begun:
            await asyncio.sleep(0.001)
        told = await bus.request("purge", b"/sale")
        assert told.answers == {bus.name: b"/SALE"} and not told.is_whole
        while not (await bus.request("purge", b"/sale")).is_whole:
            await asyncio.sleep(0.05)
        await bus.aclose()


async def test_a_process_that_started_before_its_server_gets_missed(folder: Path) -> None:
    bus = bus_of_shop(LocalBus(), server_of(f"unix://{folder}/s"))
    missed = Heard(bus, MISSED)
    await bus.open()
    assert missed.messages == []
    async with valkey(folder / "data", unixsocket=f"{folder}/s"), asyncio.timeout(20):
        await missed.news.wait()
        assert (await bus.request("purge")).is_whole
    await bus.aclose()


async def test_a_process_that_could_not_start_at_first_receives_later_messages(valkey_url: str) -> None:
    await flush(valkey_url)
    async with Redis.from_url(valkey_url) as client:
        await client.acl_setuser("half", enabled=True, passwords="+half", keys=[REQUESTS, LIVE], commands=["+@all"])
        here = RedisBus(partial(client_of, valkey_url))
        there = RedisBus(partial(client_of, valkey_url, username="half", password="half"))
        missed, told = Heard(there, MISSED), Heard(there, "news")
        await here.open()
        await there.open()
        await client.acl_setuser("half", enabled=True, keys=["*"])
        async with asyncio.timeout(90):
            while there.name not in (await here.request("purge")).live:
                await asyncio.sleep(0.01)
            while not missed.messages:
                missed.news.clear()
                await missed.news.wait()
            while not told.messages:  # again, if the server took longer over one than senders wait
                await here.publish("news", b"/told")
                await asyncio.sleep(0.01)
        await client.acl_deluser("half")
    await here.aclose()
    await there.aclose()
