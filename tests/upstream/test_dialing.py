from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.errors import OriginError
from proxy.http.authority import address_of
from proxy.settings import Settings
from proxy.upstream.connection import Connection
from proxy.upstream.dialing import Dialing
from proxy.upstream.timeouts import Timeouts
from tests.wire.origin import Origin, Wire


def dialing_to(url: str, **settings: int) -> Dialing:
    made = Settings(**settings)
    return Dialing(address_of(url), made, Timeouts(made))


async def test_a_connection_is_open_and_its_end_is_told() -> None:
    lost: asyncio.Queue[Connection] = asyncio.Queue()

    async def script(wire: Wire) -> None:
        """Closes at once."""

    async with Origin(script) as origin:
        connection = await dialing_to(origin.url).dial(lost.put_nowait)
        assert await lost.get() is connection


async def test_why_there_is_no_connection_is_told_by_the_origins_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(OriginError, match=f"origin `{url}` refused the connection") as caught:
        await dialing_to(url).dial(lambda _: None)
    assert caught.value.reason == "refused"


async def test_whatever_goes_wrong_is_told_to_who_waits_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **more: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", fail)
    with pytest.raises(OriginError, match="label too long"):
        await dialing_to("http://shop.example").dial(lambda _: None)


async def test_an_origin_that_does_not_connect_in_time_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            with pytest.raises(OriginError, match=f"origin `{url}` did not connect in time") as caught:
                await dialing_to(url, connect_timeout_ms=30).dial(lambda _: None)
        finally:
            for one in waiting:
                one.close()
    assert (caught.value.reason, caught.value.status) == ("timeout", 504)
