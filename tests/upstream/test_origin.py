"""A request reaches its origin once, and whatever happens to it, its slot comes back."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest
from proxy.settings import Settings
from proxy.upstream.idle import SURE_SECONDS
from proxy.upstream.origin import OriginTransport
from tests.upstream.conftest import body_of
from tests.wire.origin import Origin, Wire, always, in_turn, ok

GET = UpstreamRequest(b"GET", b"/", ((b"host", b"shop.example"),))


def transport_to(origin: Origin, **settings: object) -> OriginTransport:
    return OriginTransport(origin.url, Settings(**settings))  # type: ignore[arg-type]


async def silent(wire: Wire) -> None:
    await wire.request()
    await wire.until_closed()


async def leaves_at_once(wire: Wire) -> None:
    await wire.request()


async def test_one_connection_carries_one_exchange_after_another() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin)
        assert [await body_of(transport) for _ in range(5)] == [b"hello"] * 5
        assert origin.connections == 1
        assert repr(transport) == f"<OriginTransport {origin.url}: 0 active, 1 idle, 0 waiting, at most 64>"
        await transport.aclose()


async def test_the_connection_used_last_is_reused_first() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin)
        await asyncio.gather(body_of(transport), body_of(transport))
        assert origin.connections == 2
        for _ in range(3):
            await body_of(transport)
        assert len({seen.connection for seen in origin.requests[-3:]}) == 1
        await transport.aclose()


async def test_no_more_connections_are_kept_than_are_wanted() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin, max_idle_connections=1)
        await asyncio.gather(*(body_of(transport) for _ in range(3)))
        assert "0 active, 1 idle" in repr(transport)
        await transport.aclose()


async def test_a_cookie_the_origin_sets_is_not_sent_by_the_next_visitor() -> None:
    async with Origin(always(ok(b"hello alice", b"Set-Cookie: session=ALICE"))) as origin:
        transport = transport_to(origin)
        for _ in range(2):
            await body_of(transport)
        assert [seen.get(b"cookie") for seen in origin.requests] == [None, None]
        assert origin.connections == 1
        await transport.aclose()


async def test_an_origin_did_not_connect_late_because_this_process_stood_still() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin, connect_timeout_ms=200)
        fetching = asyncio.create_task(body_of(transport))
        await asyncio.sleep(0)  # it is connecting
        time.sleep(0.6)  # noqa: ASYNC251
        assert await fetching == b"hello"
        await transport.aclose()


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Origin(always(ok(b"direct"))) as origin:
        transport = transport_to(origin)
        assert await body_of(transport) == b"direct"
        await transport.aclose()


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin, idle_connection_seconds=0.02)
        await body_of(transport)
        await origin.has_open(0)
        assert await body_of(transport) == b"hello"
        assert origin.connections == 2
        await transport.aclose()


async def test_an_expired_connection_is_not_reused_even_before_it_is_closed() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin, idle_connection_seconds=0)
        assert [await body_of(transport), await body_of(transport)] == [b"hello"] * 2
        assert origin.connections == 2
        await transport.aclose()


async def test_a_connection_is_closed_before_the_origin_closes_it_where_it_says_when() -> None:
    async with Origin(always(ok(b"hello", b"Keep-Alive: timeout=1, max=100"))) as origin:
        transport = transport_to(origin, idle_connection_seconds=3_600)
        assert [await body_of(transport) for _ in range(4)] == [b"hello"] * 4
        assert origin.connections == 1
        await origin.has_open(0)
        await transport.aclose()


async def test_bytes_nobody_asked_for_cost_the_connection() -> None:
    async def talkative(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"one"))
        await wire.send(ok(b"two"))
        await wire.until_closed()

    async with Origin(talkative) as origin:
        transport = transport_to(origin)
        assert await body_of(transport) == b"one"
        await origin.has_open(0)
        assert await body_of(transport) == b"one"
        await transport.aclose()


@pytest.mark.parametrize("has_tls", [False, True])
async def test_an_answer_that_came_before_its_request_is_not_believed(
    has_tls: bool, authority: trustme.CA, tmp_path: Path
) -> None:
    may_speak = asyncio.Event()
    wires: list[Wire] = []

    async def speaks_unasked(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"one"))
        wires.append(wire)
        await may_speak.wait()

    tls = server_tls(authority, "localhost") if has_tls else None
    known = {"origin_ca": str(tmp_path / "authority.pem")} if has_tls else {}
    async with Origin(in_turn(speaks_unasked, always(ok(b"two"))), tls=tls) as origin:
        transport = transport_to(origin, **known)
        assert await body_of(transport) == b"one"
        wires[0].writer.write(ok(b"evil"))  # it is with the client's system, whose loop has not looked yet
        assert await body_of(transport) == b"two"
        assert origin.connections == 2
        may_speak.set()
        await transport.aclose()


async def test_a_get_is_repeated_once_when_its_reused_connection_died_unheard() -> None:
    async def answers_then_resets(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"first"))
        await wire.request()
        wire.reset()

    async with Origin(in_turn(answers_then_resets, always(ok(b"second")))) as origin:
        transport = transport_to(origin)
        assert await body_of(transport) == b"first"
        assert await body_of(transport) == b"second"
        assert len(origin.requests) == 3
        await transport.aclose()


async def test_a_get_is_not_repeated_for_ever() -> None:
    async def answers_then_resets(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"first"))
        await wire.request()
        wire.reset()

    async def resets(wire: Wire) -> None:
        await wire.request()
        wire.reset()

    async with Origin(in_turn(answers_then_resets, resets)) as origin:
        transport = transport_to(origin)
        await body_of(transport)
        with pytest.raises(OriginError, match="reset"):
            await body_of(transport)
        assert len(origin.requests) == 3
        await transport.aclose()


@pytest.mark.parametrize("method", [b"POST", b"DELETE", b"PUT"])
async def test_a_request_that_may_change_things_is_never_sent_twice(method: bytes) -> None:
    async def answers_then_resets(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"first"))
        await wire.request()
        wire.reset()

    async with Origin(in_turn(answers_then_resets, always(ok(b"second")))) as origin:
        transport = transport_to(origin)
        await body_of(transport)
        with pytest.raises(OriginError) as caught:
            await body_of(transport, UpstreamRequest(method, b"/orders", GET.headers))
        assert caught.value.reason == "reset"
        assert [seen.method for seen in origin.requests] == [b"GET", method]
        await transport.aclose()


async def test_what_may_change_things_is_not_sent_on_a_connection_that_the_origin_may_be_closing() -> None:
    async def closes_as_the_next_comes(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"first"))
        await wire.request()
        wire.reset()

    async with Origin(in_turn(closes_as_the_next_comes, always(ok(b"second")))) as origin:
        transport = transport_to(origin)
        await body_of(transport)
        transport._idle._newest_last[0].idle_since -= SURE_SECONDS
        assert await body_of(transport, UpstreamRequest(b"POST", b"/orders", GET.headers)) == b"second"
        assert origin.connections == 2
        await transport.aclose()


async def test_a_request_whose_connection_was_new_is_not_repeated() -> None:
    async with Origin(leaves_at_once) as origin:
        transport = transport_to(origin)
        with pytest.raises(OriginError, match="without an answer"):
            await body_of(transport)
        assert origin.connections == 1


async def test_more_exchanges_than_connections_wait_their_turn() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin, max_connections=3, max_wait_ms=60_000)
        assert await asyncio.gather(*(body_of(transport) for _ in range(30))) == [b"hello"] * 30
        assert origin.connections == 3
        await transport.aclose()


async def test_waiting_for_a_connection_is_bounded() -> None:
    async with Origin(silent) as origin:
        transport = transport_to(origin, max_connections=1, max_wait_ms=30)
        first = asyncio.create_task(body_of(transport))
        await origin.has_open(1)
        with pytest.raises(OriginError, match="takes no more") as caught:
            await body_of(transport)
        assert (caught.value.reason, caught.value.status) == ("overload", 503)
        assert "1 active, 0 idle, 0 waiting" in repr(transport)
        first.cancel()
        await asyncio.wait([first])
        assert "0 active, 0 idle" in repr(transport)


async def test_a_port_where_nobody_listens_is_refused_with_its_name() -> None:
    async with Origin(silent) as origin:
        pass
    with pytest.raises(OriginError, match=f"origin `{origin.url}` refused the connection") as caught:
        await body_of(transport_to(origin))
    assert (caught.value.reason, caught.value.status) == ("refused", 502)


async def test_a_closed_transport_refuses_work() -> None:
    async with Origin(always(ok(b"hello"))) as origin:
        transport = transport_to(origin)
        await body_of(transport)
        await transport.aclose()
        await origin.has_open(0)
        with pytest.raises(OriginError, match="is closed"):
            await body_of(transport)


# -- https ---------------------------------------------------------------------------------------------------------


def server_tls(authority: trustme.CA, name: str, until: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=until).configure_cert(context)
    return context


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return authority
