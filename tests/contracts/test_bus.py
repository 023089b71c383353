"""What every bus promises (`ports.Bus`), on the real thing: Unix sockets in a folder, a real Valkey server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import struct
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import uvloop
from redis.asyncio import Redis

from proxy.bus import bus_of_machine, bus_of_shop
from proxy.bus import listeners as listeners_module
from proxy.bus import machine as machine_module
from proxy.bus import redis as redis_module
from proxy.bus.local import LocalBus
from proxy.bus.redis import LIVE, MOST_REQUESTS, REQUESTS, RedisBus
from proxy.errors import OperatorError, StoreError
from proxy.ports import MISSED, Bus
from proxy.stores import open_store, server_of
from proxy.stores.redis_connecting import client_of
from tests.contracts.conftest import flush
from tests.wire.valkeys import valkey

Member = Callable[[], Awaitable[Bus]]
"""Joins one more process to the shop."""

TRIES = 40
WAYS = ("machine", "valkey", "both")


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that no busy machine misses, for what is not about them."""
    for module in (listeners_module, machine_module, redis_module):
        monkeypatch.setattr(module, "REPLY_SECONDS", 30.0)
    monkeypatch.setattr(redis_module, "LIVE_SECONDS", 60.0)


class Heard:
    """A listener that notes what it hears, and answers with it in capitals."""

    def __init__(self, bus: Bus, topic: str = "purge") -> None:
        self.messages: list[bytes] = []
        self.news = asyncio.Event()
        bus.listen(topic, self._hear)

    async def _hear(self, payload: bytes) -> bytes:
        self.messages.append(payload)
        self.news.set()
        return payload.upper()


async def made(way: str, folder: Path, valkey: str) -> Bus:
    machine = bus_of_machine(folder)
    return {
        "machine": machine,
        "valkey": RedisBus(partial(client_of, valkey)),
        "both": bus_of_shop(machine, server_of(valkey)),
    }[way]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def member(way: str, valkey_url: str) -> AsyncIterator[Member]:
    await flush(valkey_url)
    members: list[Bus] = []
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:

        async def join() -> Bus:
            members.append(await made(way, Path(folder), valkey_url))
            return members[-1]

        yield join
        for bus in members:
            await bus.aclose()


async def joined(member: Member, count: int) -> tuple[list[Bus], list[Heard]]:
    """So many open members, each with its listener."""
    buses = [await member() for _ in range(count)]
    listeners = [Heard(bus) for bus in buses]
    for bus in buses:
        await bus.open()
    return buses, listeners


@pytest.mark.usefixtures("patience")
async def test_everybody_hears_the_sender_too_and_the_answers_come_by_name(member: Member) -> None:
    buses, listeners = await joined(member, 3)
    told = await buses[1].request("purge", b"/sale")
    assert told.is_whole
    assert told.live == {bus.name for bus in buses}
    assert told.answers == {bus.name: b"/SALE" for bus in buses}
    assert [listener.messages for listener in listeners] == [[b"/sale"]] * 3
    assert not any(bus.is_alone for bus in buses)


async def test_one_alone_hears_itself() -> None:
    bus = LocalBus()
    listener = Heard(bus)
    await bus.open()
    told = await bus.request("purge", b"/sale")
    await bus.publish("purge", b"/new")
    assert told.is_whole
    assert told.answers == {bus.name: b"/SALE"}
    assert listener.messages == [b"/sale", b"/new"]
    assert bus.is_alone
    await bus.aclose()


@pytest.mark.usefixtures("patience")
async def test_what_is_told_is_heard_once_by_everybody(member: Member) -> None:
    buses, listeners = await joined(member, 3)
    for number in range(20):
        await buses[number % 3].publish("purge", b"%d" % number)
    for listener in listeners:
        async with asyncio.timeout(60):
            while len(listener.messages) < 20:
                listener.news.clear()
                await listener.news.wait()
    await asyncio.sleep(0.05)
    assert [sorted(listener.messages, key=int) for listener in listeners] == [[b"%d" % n for n in range(20)]] * 3


@pytest.mark.usefixtures("patience")
async def test_many_who_send_at_once_get_their_own_answers(member: Member) -> None:
    buses, _ = await joined(member, 3)
    told = await asyncio.gather(*(buses[number % 3].request("purge", b"m%d" % number) for number in range(60)))
    for number, each in enumerate(told):
        assert each.is_whole
        assert set(each.answers.values()) == {b"M%d" % number}


async def test_topics_are_apart_and_one_that_nobody_listens_to_is_done(member: Member) -> None:
    bus, other = await member(), await member()
    purges, rules = Heard(bus), Heard(bus, "rules")
    await bus.open()
    await other.open()
    told = await other.request("rules", b"version 7")
    assert told.answers == {bus.name: b"VERSION 7", other.name: b""}
    assert (purges.messages, rules.messages) == ([], [b"version 7"])


async def test_who_fails_or_is_slow_has_not_done_it_and_the_others_have(member: Member) -> None:
    buses = [await member() for _ in range(3)]
    late = asyncio.Event()

    async def fail(_: bytes) -> bytes:
        raise ValueError("no")

    async def wait(_: bytes) -> bytes:
        await late.wait()
        return b"at last"

    good = Heard(buses[0])
    buses[1].listen("purge", fail)
    buses[2].listen("purge", wait)
    for bus in buses:
        await bus.open()
    told = await buses[0].request("purge", b"/sale")
    assert not told.is_whole
    assert told.live - told.answers.keys() == {buses[1].name, buses[2].name}
    assert good.messages == [b"/sale"]
    late.set()


@pytest.mark.usefixtures("patience")
async def test_who_has_left_is_not_waited_for(member: Member) -> None:
    buses, _ = await joined(member, 3)
    await buses[2].aclose()
    await buses[2].aclose()
    told = await buses[0].request("purge", b"/sale")
    assert told.is_whole
    assert told.live == {buses[0].name, buses[1].name}


@pytest.mark.usefixtures("patience")
async def test_a_large_message_arrives_whole(member: Member) -> None:
    buses, listeners = await joined(member, 2)
    large = b"x" * 3_000_000
    assert (await buses[0].request("purge", large)).is_whole
    assert [len(listener.messages[0]) for listener in listeners] == [len(large)] * 2


# -- of one way


@pytest.fixture
def folder() -> Iterator[Path]:
    # A path of its own: pytest's are longer than a socket's path may be.
    with tempfile.TemporaryDirectory(prefix="tb-") as name:
        yield Path(name)


async def test_a_killed_workers_socket_is_swept_away(folder: Path) -> None:
    bus = bus_of_machine(folder)
    Heard(bus)
    await bus.open()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(folder / "dead.sock"))
    dead.listen()
    dead.close()
    assert (await bus.request("purge", b"/sale")).live == {bus.name}
    assert os.listdir(folder) == [f"{bus.name}.sock"]
    await bus.aclose()


async def test_who_leaves_while_others_are_connected_says_nothing_of_it(folder: Path) -> None:
    amiss: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: amiss.append(what))
    here, there = bus_of_machine(folder), bus_of_machine(folder)
    listener = Heard(there)
    await here.open()
    await there.open()
    await here.publish("purge", b"/sale")
    await listener.news.wait()
    await there.aclose()
    await here.aclose()
    await asyncio.sleep(0)
    assert amiss == []


async def test_what_was_sent_while_a_connection_was_broken_is_heard_afterwards(valkey_url: str) -> None:
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


async def test_without_its_server_this_machine_still_hears_and_says_that_others_may_not_have(folder: Path) -> None:
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


async def test_a_frozen_server_holds_a_sender_for_little_more_than_a_second(valkey_url: str) -> None:
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
    assert listener.messages[:1] == [b"/sale"]
    assert waited < 5.0, "the library's own defaults would wait for a minute"
    await bus.aclose()


async def test_who_was_killed_is_waited_for_once(valkey_url: str) -> None:
    await flush(valkey_url)
    bus = RedisBus(partial(client_of, valkey_url))
    Heard(bus)
    await bus.open()
    async with Redis.from_url(valkey_url) as client:
        seconds, _ = await client.time()
        await client.zadd(LIVE, {"killed": seconds + 60})
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
    await bus.aclose()


async def test_who_was_cut_off_until_its_place_was_gone_hears_that_it_may_have_missed_something(
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


def test_connections_that_break_as_they_are_made_are_a_server_that_is_away() -> None:
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


async def test_who_began_before_its_server_hears_that_it_may_have_missed_something(folder: Path) -> None:
    bus = bus_of_shop(LocalBus(), server_of(f"unix://{folder}/s"))
    missed = Heard(bus, MISSED)
    await bus.open()
    assert missed.messages == []
    async with valkey(folder / "data", unixsocket=f"{folder}/s"), asyncio.timeout(20):
        await missed.news.wait()
        assert (await bus.request("purge")).is_whole
    await bus.aclose()


async def test_who_could_not_begin_at_first_hears_what_is_told_later_all_the_same(valkey_url: str) -> None:
    await flush(valkey_url)
    async with Redis.from_url(valkey_url) as client:
        await client.acl_setuser("half", enabled=True, passwords="+half", keys=[REQUESTS, LIVE], commands=["+@all"])
        here = RedisBus(partial(client_of, valkey_url))
        there = RedisBus(partial(client_of, valkey_url, username="half", password="half"))
        missed, told = Heard(there, MISSED), Heard(there, "news")
        await here.open()
        await there.open()
        await client.acl_setuser("half", keys=["*"])
        async with asyncio.timeout(20):
            while there.name not in (await here.request("purge")).live:
                await asyncio.sleep(0.01)
            while not missed.messages:
                missed.news.clear()
                await missed.news.wait()
            await here.publish("news", b"/told")
            while not told.messages:
                told.news.clear()
                await told.news.wait()
        await client.acl_deluser("half")
    await here.aclose()
    await there.aclose()


async def test_workers_whose_folder_is_cleaned_away_find_each_other_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, patience: None
) -> None:
    monkeypatch.setattr(machine_module, "LOOK_SECONDS", 0.02)
    shared = folder / "tailorbird-1"
    here, there = bus_of_machine(shared), bus_of_machine(shared)
    heard = Heard(there)
    Heard(here)
    for bus in (here, there):
        await bus.open()
    async with asyncio.timeout(20):
        while there.name not in here._known:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
        shutil.rmtree(shared)
        assert not (await here.request("purge", b"/1")).is_whole, "nobody can say that all have heard"
        while b"/2" not in heard.messages:
            sent = await here.request("purge", b"/2")
            await asyncio.sleep(0.01)
    assert sent.is_whole and sent.live == {here.name, there.name}
    shutil.rmtree(shared)
    third = bus_of_machine(shared)
    await third.open()
    for bus in (here, there, third):
        await bus.aclose()


async def test_a_folder_that_others_may_write_into_is_no_place_to_be_told_anything(folder: Path) -> None:
    shared = folder / "tailorbird-1"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(OperatorError, match="not ours alone"):
        await bus_of_machine(shared).open()
    elsewhere = folder / "tailorbird-2"
    elsewhere.symlink_to(folder)
    with pytest.raises(OperatorError, match="not ours alone"):
        await bus_of_machine(elsewhere).open()
