from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxy.errors import OriginError
from proxy.http.authority import address_of
from proxy.settings import Settings
from proxy.upstream.connection import Connection
from proxy.upstream.dialing import PATIENCE_SECONDS, Dialing
from proxy.upstream.timeouts import Timeouts
from tests.wire.origin import Origin, Wire


def dialing_to(url: str, **settings: int) -> Dialing:
    made = Settings(**settings)
    return Dialing(address_of(url), made, Timeouts(made))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_connection_is_open_and_its_end_is_told(host: str) -> None:
    lost: asyncio.Queue[Connection] = asyncio.Queue()

    async def script(wire: Wire) -> None:
        """Closes at once."""

    async with Origin(script) as origin:
        connection = await dialing_to(origin.url.replace("127.0.0.1", host)).dial(lost.put_nowait)
        assert await lost.get() is connection


async def test_why_there_is_no_connection_is_told_by_the_origins_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(OriginError, match=f"origin `{url}` refused the connection") as caught:
        await dialing_to(url).dial(lambda _: None)
    assert caught.value.reason == "refused"


async def test_that_no_file_is_left_for_a_connection_is_not_laid_on_the_origin() -> None:
    """As when the machine's limit is reached, or was lowered under a running server."""
    dialing = dialing_to("http://127.0.0.1:9")
    with socket.socket() as lowest_free:
        free, (_, most) = lowest_free.fileno(), resource.getrlimit(resource.RLIMIT_NOFILE)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, most))
    try:
        with pytest.raises(OriginError, match="was not asked: Too many open files"):
            await dialing.dial(lambda _: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_whatever_goes_wrong_is_told_to_who_waits_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **more: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", fail)
    with pytest.raises(OriginError, match="label too long"):
        await dialing_to("http://127.0.0.1").dial(lambda _: None)


async def test_an_origin_that_does_not_connect_in_time_is_told() -> None:
    with silent("127.0.0.1") as port:
        url = f"http://127.0.0.1:{port}"
        with pytest.raises(OriginError, match=f"origin `{url}` did not connect in time") as caught:
            await dialing_to(url, connect_timeout_ms=30).dial(lambda _: None)
    assert (caught.value.reason, caught.value.status) == ("timeout", 504)


async def test_a_name_server_that_says_nothing_is_told_from_an_origin_that_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lambda *_, **__: asyncio.sleep(9))
    with pytest.raises(OriginError, match="has no address: no name server says one in time") as caught:
        await dialing_to("http://shop.example", connect_timeout_ms=30).dial(lambda _: None)
    assert (caught.value.reason, caught.value.status) == ("timeout", 504)


@pytest.fixture
async def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`shop.example` has two addresses."""

    async def look_up(host: str, port: object, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        assert host == "shop.example"
        return [(2, 1, 6, "", (f"127.0.0.{last}", 0)) for last in (2, 1)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)


@pytest.mark.usefixtures("named")
async def test_one_silent_address_of_several_costs_the_first_who_asks_a_moment_and_nobody_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with silent("127.0.0.2") as port, socket.create_server(("127.0.0.1", port)):
        dialing = dialing_to(f"http://shop.example:{port}", connect_timeout_ms=20_000)
        begun = time.monotonic()
        for _ in range(2):
            connection = await dialing.dial(lambda _: None)
            assert connection.is_open and time.monotonic() - begun >= PATIENCE_SECONDS
            connection.abort()
            # Nobody would connect in time, if the silent one were asked first.
            monkeypatch.setattr("proxy.upstream.dialing.PATIENCE_SECONDS", 3_600.0)


@pytest.mark.usefixtures("named")
async def test_one_address_of_several_that_refuses_is_no_trouble() -> None:
    async def script(wire: Wire) -> None:
        await wire.reader.read()

    async with Origin(script) as origin:
        connection = await dialing_to(f"http://shop.example:{origin.url.rpartition(':')[2]}").dial(lambda _: None)
        assert connection.is_open
        connection.abort()


@pytest.mark.usefixtures("named")
async def test_several_addresses_none_of_which_connects_are_told_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(OriginError, match=f"origin `http://shop.example:{port}` refused the connection"):
        await dialing_to(f"http://shop.example:{port}", connect_timeout_ms=20_000).dial(lambda _: None)


@contextmanager
def silent(host: str, port: int = 0) -> Iterator[int]:
    """The port of somebody who does not answer whoever connects, since their queue is full."""
    with socket.create_server((host, port), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            yield full.getsockname()[1]
        finally:
            for one in waiting:
                one.close()
