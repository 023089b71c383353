"""When an origin is left alone for a while, and when not."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest
from proxy.settings import Settings
from proxy.upstream.origin import OriginTransport
from tests.upstream.conftest import body_of
from tests.wire.origin import Origin, Wire, always, in_turn, ok


def transport_to(origin: Origin, **settings: object) -> OriginTransport:
    return OriginTransport(origin.url, Settings(**settings))  # type: ignore[arg-type]


async def silent(wire: Wire) -> None:
    await wire.request()
    await wire.until_closed()


async def test_an_origin_that_keeps_failing_is_left_alone_for_a_while() -> None:
    async with Origin(silent) as origin:
        pass
    transport = transport_to(origin)
    reasons = []
    for _ in range(7):
        with pytest.raises(OriginError) as caught:
            await body_of(transport)
        reasons.append(caught.value.reason)
    assert reasons == ["refused"] * 5 + ["left-alone"] * 2


async def test_requests_that_an_origin_drops_together_as_a_process_of_it_ends_do_not_make_it_be_left_alone() -> None:
    dropped, heard = asyncio.Barrier(6), itertools.count()

    async def script(wire: Wire) -> None:
        await wire.request()
        if next(heard) < dropped.parties:
            await dropped.wait()
        else:
            await wire.send(ok(b"by another"))

    async with Origin(script) as origin:
        transport = transport_to(origin)
        lost = await asyncio.gather(*(body_of(transport) for _ in range(dropped.parties)), return_exceptions=True)
        assert [isinstance(each, OriginError) and each.reason for each in lost] == ["reset"] * dropped.parties
        assert await body_of(transport) == b"by another"


@pytest.mark.parametrize("begins", [False, True])
async def test_who_asks_again_and_again_for_a_page_that_breaks_does_not_make_it_be_left_alone(begins: bool) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()

    async with Origin(script) as origin:
        transport = transport_to(origin)
        for customers, is_open in ((["one"] * 9, False), (["two", "one", "two", "one"], True)):
            for customer in customers:
                await _fails(transport, customer, begins)
            assert transport.breaker.is_open is is_open


async def _fails(transport: OriginTransport, customer: str, begins: bool) -> None:
    asked = UpstreamRequest(b"POST", b"/", (), head=b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", customer=customer)
    if not begins:
        with pytest.raises(OriginError):
            await transport.fetch(asked)
        return
    told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    assert transport.begins(asked, told.set_result)
    assert isinstance(await told, OriginError)


@pytest.mark.parametrize("begins", [False, True])
async def test_when_an_origin_does_not_answer_its_other_kept_connections_are_not_waited_for(begins: bool) -> None:
    """As when its machine is gone without a word: the next request looks where its name leads now."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(ok(b"hello"))
        await silent(wire)

    async with Origin(script) as origin:
        transport = transport_to(origin, first_byte_timeout_ms=200, change_timeout_ms=200)
        await asyncio.gather(*(body_of(transport) for _ in range(3)))
        assert "3 idle" in repr(transport)
        await _fails(transport, "", begins)
        assert "0 idle" in repr(transport)
        await transport.aclose()


async def hung_up(wire: Wire) -> None:
    await wire.request()


async def test_that_an_origin_is_left_alone_and_answers_again_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with Origin(in_turn(*[hung_up] * 4, always(ok(b"hello")))) as origin:
        transport = transport_to(origin, breaker_failures=2, breaker_seconds=0.0)
        for _ in range(4):
            with pytest.raises(OriginError) as caught:
                await body_of(transport)
        assert transport.breaker.is_open and transport.breaker.failure == str(caught.value)
        await body_of(transport)
        assert not transport.breaker.is_open
        told = [record.getMessage() for record in caplog.records if record.name == "tailorbird.origin"]
        assert told == [f"{caught.value}; it is asked only now and then", f"origin `{origin.url}` answers again"]
