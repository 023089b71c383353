"""An origin over https, and fetches that are given up at any moment."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest
from proxy.upstream.origin import OriginTransport
from tests.authorities import plain_authority
from tests.upstream.test_origin import GET, authority, body_of, server_tls, transport_to
from tests.wire.origin import Origin, Wire, always, ok

__all__ = ["authority"]  # fixtures


async def pieces_of(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def post(*pieces: bytes, length: int | None = None) -> UpstreamRequest:
    return UpstreamRequest(b"POST", b"/orders", GET.headers, pieces_of(pieces), length)


async def test_https_is_verified_and_names_the_host_it_wants(authority: trustme.CA, tmp_path: Path) -> None:
    tls = server_tls(authority, "localhost")
    asked_for = []
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with Origin(always(ok(b"secret")), tls=tls) as origin:
        transport = transport_to(origin, origin_ca=str(tmp_path / "authority.pem"))
        assert [await body_of(transport), await body_of(transport)] == [b"secret"] * 2
        assert asked_for == ["localhost"]
        await transport.aclose()


async def test_an_origin_may_be_asked_by_another_name_than_its_address_has(
    authority: trustme.CA, tmp_path: Path
) -> None:
    tls = server_tls(authority, "shop.example")
    asked_for = []
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with Origin(always(ok(b"secret")), tls=tls) as origin:
        known = str(tmp_path / "authority.pem")
        transport = transport_to(origin, origin_ca=known, origin_name="shop.example")
        assert await body_of(transport) == b"secret"
        assert asked_for == ["shop.example"]
        await transport.aclose()


async def test_an_origin_that_wants_to_know_us_is_shown_our_certificate(authority: trustme.CA, tmp_path: Path) -> None:
    tls = server_tls(authority, "localhost")
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    authority.issue_cert("tailorbird.internal").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "us.pem"))
    async with Origin(always(ok(b"secret")), tls=tls) as origin:
        files = {"origin_ca": str(tmp_path / "authority.pem"), "origin_certificate": str(tmp_path / "us.pem")}
        transport = transport_to(origin, **files)
        assert await body_of(transport) == b"secret"
        await transport.aclose()


@pytest.mark.parametrize("named", ["authority", "certificate"])
async def test_a_plain_authority_of_ones_own_is_believed_and_so_is_the_origins_own_certificate(
    named: str, tmp_path: Path
) -> None:
    authority, tls = plain_authority(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert("localhost")
    certificate.configure_cert(tls)
    trusted = authority.cert_pem if named == "authority" else certificate.cert_chain_pems[0]
    trusted.write_to_path(str(tmp_path / "trusted.pem"))
    async with Origin(always(ok(b"secret")), tls=tls) as origin:
        transport = transport_to(origin, origin_ca=str(tmp_path / "trusted.pem"))
        assert await body_of(transport) == b"secret"
        await transport.aclose()


UNTRUSTED, NAME, RENEW = "TAILORBIRD_ORIGIN_CA", "TAILORBIRD_ORIGIN_NAME", "have the origin's certificate renewed"


@pytest.mark.parametrize(
    ("name", "knows_authority", "year", "wrong", "help"),
    [
        ("localhost", False, 2100, "unable to get local issuer", UNTRUSTED),
        ("other.example", True, 2100, "Hostname mismatch", NAME),
        ("localhost", True, 2001, "certificate has expired", RENEW),
    ],
)
async def test_a_bad_certificate_is_refused_with_what_is_wrong_and_how_to_mend_it(
    authority: trustme.CA, tmp_path: Path, name: str, knows_authority: bool, year: int, wrong: str, help: str
) -> None:
    tls = server_tls(authority, name, datetime(year, 1, 1, tzinfo=UTC))
    async with Origin(always(ok(b"secret")), tls=tls) as origin:
        known = {"origin_ca": str(tmp_path / "authority.pem")} if knows_authority else {}
        with pytest.raises(OriginError) as caught:
            await body_of(transport_to(origin, **known))
        assert caught.value.reason == "certificate"
        assert f"https://localhost:{origin.port}" in str(caught.value)
        assert wrong in str(caught.value)
        assert help in caught.value.help
        assert origin.requests == []


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_body_that_only_the_closing_ends_is_whole_only_if_the_origin_said_so(
    run: Callable[[Coroutine[Any, Any, None]], None], authority: trustme.CA, tmp_path: Path
) -> None:
    bounded, unbounded = ok(b"whole"), b"HTTP/1.1 200 OK\r\n\r\nwhole"

    async def seen(answer: bytes, *, says_so: bool) -> bytes | str:
        async def script(wire: Wire) -> None:
            await wire.request()
            await wire.send(answer)
            if not says_so:
                wire.writer.transport.abort()  # the socket is closed, and no close_notify sent before

        async with Origin(script, tls=server_tls(authority, "localhost")) as origin:
            transport = transport_to(origin, origin_ca=str(tmp_path / "authority.pem"))
            try:
                return await body_of(transport)
            except OriginError as error:
                return error.reason

    async def seen_all() -> None:
        for answer in (bounded, unbounded):
            assert await seen(answer, says_so=True) == b"whole"
        assert await seen(bounded, says_so=False) == b"whole"
        assert await seen(unbounded, says_so=False) == "reset"

    run(seen_all())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("length", [2_000_000, None])
def test_an_upload_in_many_pieces_arrives_whole(
    run: Callable[[Coroutine[Any, Any, None]], None], length: int | None, authority: trustme.CA, tmp_path: Path
) -> None:
    async def uploaded() -> None:
        async with Origin(always(ok(b"taken")), tls=server_tls(authority, "localhost")) as origin:
            transport = transport_to(origin, origin_ca=str(tmp_path / "authority.pem"))
            for _ in range(2):
                assert await body_of(transport, post(*[b"x" * 20_000] * 100, length=length)) == b"taken"
            assert [len(seen.body) for seen in origin.requests] == [2_000_000] * 2
            assert origin.connections == 1
            await transport.aclose()

    run(uploaded())


# -- visitors leave ------------------------------------------------------------------------------------------------


async def answers_in_pieces(wire: Wire) -> None:
    while True:
        await wire.request()
        for piece in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 10\r\n\r\n", b"hello", b"world"):
            await wire.send(piece)
            await asyncio.sleep(0)


async def cancelled_at_any_moment(transport: OriginTransport, chance: random.Random) -> None:
    request = GET if chance.random() < 0.7 else post(b"a" * 10, b"b" * 10)
    task = asyncio.create_task(body_of(transport, request))
    for _ in range(chance.randrange(40)):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def storm(tls: ssl.SSLContext | None, **settings: object) -> None:
    chance = random.Random(7)
    async with Origin(answers_in_pieces, tls=tls) as origin:
        transport = transport_to(origin, max_connections=10, max_wait_ms=60_000, **settings)
        for _ in range(10):
            await asyncio.gather(*(cancelled_at_any_moment(transport, chance) for _ in range(40)))
        assert "0 active" in repr(transport)
        assert "0 waiting" in repr(transport)
        for _ in range(10):
            bodies = await asyncio.gather(*(body_of(transport) for _ in range(10)))
            assert bodies == [b"helloworld"] * 10
        await transport.aclose()
        await origin.has_open(0)


async def test_after_a_storm_of_cancelled_fetches_every_ordinary_one_succeeds() -> None:
    await storm(None)


async def test_after_a_storm_over_https_as_well(authority: trustme.CA, tmp_path: Path) -> None:
    await storm(server_tls(authority, "localhost"), origin_ca=str(tmp_path / "authority.pem"))
