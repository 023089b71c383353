"""What every bus promises (`ports.Bus`), on the real thing: Unix sockets in a folder, a real Valkey server."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from proxy.bus import bus_of_machine, bus_of_shop
from proxy.bus import listeners as listeners_module
from proxy.bus import machine as machine_module
from proxy.bus import redis as redis_module
from proxy.bus.local import LocalBus
from proxy.bus.redis import RedisBus
from proxy.errors import OperatorError
from proxy.ports import Bus
from proxy.stores import server_of
from proxy.stores.redis_connecting import client_of
from tests.contracts.conftest import flush

Member = Callable[[], Awaitable[Bus]]
"""Joins one more process to the shop."""

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
async def test_every_process_receives_a_message_and_answers_under_its_name(member: Member) -> None:
    buses, listeners = await joined(member, 3)
    told = await buses[1].request("purge", b"/sale")
    assert told.is_whole
    assert told.live == {bus.name for bus in buses}
    assert told.answers == {bus.name: b"/SALE" for bus in buses}
    assert [listener.messages for listener in listeners] == [[b"/sale"]] * 3
    assert not any(bus.is_alone for bus in buses)


async def test_a_single_process_receives_its_own_messages() -> None:
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
async def test_a_published_message_is_received_once_by_every_process(member: Member) -> None:
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
async def test_parallel_senders_get_their_own_answers(member: Member) -> None:
    buses, _ = await joined(member, 3)
    told = await asyncio.gather(*(buses[number % 3].request("purge", b"m%d" % number) for number in range(60)))
    for number, each in enumerate(told):
        assert each.is_whole
        assert set(each.answers.values()) == {b"M%d" % number}


async def test_topics_are_separate_and_one_without_a_listener_counts_as_handled(member: Member) -> None:
    bus, other = await member(), await member()
    purges, rules = Heard(bus), Heard(bus, "rules")
    await bus.open()
    await other.open()
    told = await other.request("rules", b"version 7")
    assert told.answers == {bus.name: b"VERSION 7", other.name: b""}
    assert (purges.messages, rules.messages) == ([], [b"version 7"])


async def test_a_listener_that_fails_or_is_slow_has_not_handled_the_message(member: Member) -> None:
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
async def test_a_process_that_has_left_is_not_waited_for(member: Member) -> None:
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


# -- of the workers of one machine


@pytest.fixture
def folder() -> Iterator[Path]:
    # A path of its own: pytest's are longer than a socket's path may be.
    with tempfile.TemporaryDirectory(prefix="tb-") as name:
        yield Path(name)


async def test_the_socket_of_a_killed_worker_is_deleted(folder: Path) -> None:
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


async def test_leaving_while_others_are_connected_logs_nothing(folder: Path) -> None:
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


async def test_workers_find_each_other_again_after_their_folder_was_deleted(
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


async def test_a_folder_that_others_may_write_to_is_refused(folder: Path) -> None:
    shared = folder / "tailorbird-1"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(OperatorError, match="not ours alone"):
        await bus_of_machine(shared).open()
    elsewhere = folder / "tailorbird-2"
    elsewhere.symlink_to(folder)
    with pytest.raises(OperatorError, match="not ours alone"):
        await bus_of_machine(elsewhere).open()
