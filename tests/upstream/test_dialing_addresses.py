"""Addresses of a name, with a name server that says what a test wants."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

import pytest

from proxy.upstream import dialing as module
from proxy.upstream.dialing import KEPT_SECONDS, LAST_SECONDS, Addresses

ONE, OTHER = "192.0.2.1", "192.0.2.2"


class NameServer:
    """Says `answer`, or nothing at all for None; an error is raised. `asked` counts."""

    def __init__(self) -> None:
        self.answer: list[str] | OSError | None = [ONE, OTHER]
        self.asked = 0

    async def __call__(self, host: str, port: object, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        self.asked += 1
        await asyncio.sleep(0 if self.answer is not None else 60)
        if isinstance(self.answer, OSError):
            raise self.answer
        return [(2, 1, 6, "", (address, 0)) for address in self.answer or () for _ in range(2)]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", server)
    return server


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock forward."""
    now = [1_000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    def forward(seconds: float) -> None:
        now[0] += seconds

    return forward


def unknown(code: int = socket.EAI_AGAIN) -> OSError:
    return socket.gaierror(code, "Temporary failure in name resolution")


async def test_each_address_is_there_once_and_as_the_name_server_says_now(server: NameServer) -> None:
    addresses = Addresses("shop", "shop")
    assert await addresses.now() == [ONE, OTHER]
    server.answer = [OTHER]
    assert await addresses.now() == [OTHER]


async def test_who_asks_at_the_same_time_shares_the_look_up(server: NameServer) -> None:
    addresses = Addresses("shop", "shop")
    await asyncio.gather(*(addresses.now() for _ in range(9)))
    assert server.asked == 1


async def test_one_who_gives_up_takes_the_look_up_from_nobody(server: NameServer) -> None:
    addresses = Addresses("shop", "shop")
    hasty, other = asyncio.create_task(addresses.now()), asyncio.create_task(addresses.now())
    await asyncio.sleep(0)
    hasty.cancel()
    assert await other == [ONE, OTHER]


async def test_a_name_that_never_had_an_address_is_told(server: NameServer) -> None:
    server.answer = unknown()
    with pytest.raises(socket.gaierror):
        await Addresses("shop", "shop").now()


@pytest.mark.parametrize("answer", [unknown(), None], ids=["fails", "is silent"])
async def test_while_the_name_server_fails_or_is_silent_the_last_addresses_serve_for_some_minutes(
    server: NameServer,
    later: Callable[[float], None],
    answer: OSError | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    addresses = Addresses("shop", "origin `http://shop`")
    await addresses.now()
    server.answer = answer
    later(KEPT_SECONDS - 1)
    assert await addresses.now() == [ONE, OTHER]
    assert ("origin `http://shop` cannot be looked up" in caplog.text) == (answer is not None)
    later(1)
    server.answer = unknown()
    addresses._looking = None
    with pytest.raises(socket.gaierror):
        await addresses.now()


async def test_one_that_did_not_answer_is_asked_last_for_a_while_or_until_it_does(
    server: NameServer, later: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    addresses = Addresses("shop", "shop")
    await addresses.now()
    addresses.ask_last(ONE, "is silent")
    addresses.ask_last(ONE, "is silent")
    assert await addresses.now() == [OTHER, ONE]
    assert caplog.text.count(f"`{ONE}`, an address of shop, is silent") == 1
    later(LAST_SECONDS)
    assert await addresses.now() == [ONE, OTHER]
    addresses.ask_last(ONE, "is silent")
    addresses.answers(ONE)
    assert await addresses.now() == [ONE, OTHER]
    assert f"`{ONE}`, an address of shop, answers again" in caplog.text
