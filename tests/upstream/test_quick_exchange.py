"""What is answered whole is brief; whatever else the origin does is heard by an exchange in its place."""

from __future__ import annotations

import asyncio

import pytest

from proxy.errors import OriginError
from proxy.ports import UpstreamRequest, UpstreamResponse
from proxy.settings import Settings
from proxy.upstream.exchange import Exchange
from proxy.upstream.origin import OriginTransport
from proxy.upstream.plain import Plain
from proxy.upstream.quick_exchange import QuickExchange
from tests.wire.origin import Origin, Script, Wire, ok

GET = UpstreamRequest(b"GET", b"/", ((b"host", b"shop.example"),))
HEAD = b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n"
FINE = ok(b"fine", b"ETag: 1")
LARGE = ok(b"x" * 70_000, b"ETag: 1")
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n"
REST = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Asked(QuickExchange):
    """One that notes what becomes of it."""

    def __init__(self, transport: OriginTransport, seconds: float = 0.0) -> None:
        self.transport = transport
        self.seconds = seconds
        self.told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.was_brief = False

    def buffer_seconds(self, head: Plain) -> float:
        return self.seconds

    def answered(self, head: Plain, body: memoryview) -> None:
        self.was_brief = True
        self.told.set_result(bytes(body))

    def refused(self, error: OriginError) -> None:
        self.told.set_result(error)

    def exchange(self) -> Exchange:
        return self.transport.to_exchange(self, GET, self.told.set_result)


async def body_of(answer: object) -> bytes | str | None:
    """What came of it: a body, why there is none, or that it may be asked for again."""
    if isinstance(answer, UpstreamResponse):
        try:
            return b"".join([piece async for piece in answer.body])
        except OriginError as error:
            return error.reason
    return answer.reason if isinstance(answer, OriginError) else answer  # type: ignore[return-value]


def known_and_then(*pieces: bytes, resets: bool = False, known: bytes = FINE) -> Script:
    """Answers three times alike, then with these pieces."""

    async def script(wire: Wire) -> None:
        for _ in range(3):
            await wire.request()
            await wire.send(known)
        await wire.request()
        for piece in pieces:
            await wire.send(piece)
            for _ in range(5):
                await asyncio.sleep(0)
        if resets:
            wire.reset()
        else:
            await wire.until_closed()

    return script


async def asked(
    script: Script, seconds: float = 0.0, **settings: object
) -> tuple[Asked, bytes | str | None, OriginTransport]:
    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings(**settings))  # type: ignore[arg-type]
        for _ in range(3):
            assert await body_of(await transport.fetch(GET)) == b"fine"
        quick = Asked(transport, seconds)
        assert transport.dispatch(quick, HEAD)
        body = await body_of(await quick.told)
        assert transport.limiter.under_way == 0
        await transport.aclose()
        return quick, body, transport


def patience_ms(comes: bytes | str) -> int:
    """How long the next bytes are waited for: more than any moment of a busy machine, unless they never come."""
    return 300 if comes == "timeout" else 60_000


async def test_a_complete_answer_of_a_known_shape_ends_the_exchange() -> None:
    quick, body, _ = await asked(known_and_then(FINE.replace(b"ETag: 1", b"ETag: 2")))
    assert (quick.was_brief, body) == (True, b"fine")


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [
        ((FINE[:-4], FINE[-4:]), 0),
        ((FINE[:-4], FINE[-4:]), 10),
        ((FINE[:-2], FINE[-2:]), 0),
        ((FINE[:-4], FINE[-4:-2], FINE[-2:]), 0),
        ((FINE[:-2], FINE[-2:-1], FINE[-1:]), 10),
    ],
)
async def test_one_in_pieces_is_brief_where_all_of_it_is_waited_for_or_its_pieces_come_one_behind_the_other(
    pieces: tuple[bytes, ...], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.upstream.quick_exchange.HELD_SECONDS", 10.0)  # a moment of a busy machine
    quick, body, _ = await asked(known_and_then(*pieces), seconds)
    assert (quick.was_brief, body) == (True, b"fine")


@pytest.mark.parametrize(
    ("pieces", "seconds", "is_brief", "comes"),
    [
        ((IN_CHUNKS,), 10, True, b"fine"),
        ((IN_CHUNKS[:-14], IN_CHUNKS[-14:]), 10, True, b"fine"),
        ((IN_CHUNKS,), 0, True, b"fine"),
        ((IN_CHUNKS[:-14], IN_CHUNKS[-14:]), 0, True, b"fine"),
        ((IN_CHUNKS[:-19], IN_CHUNKS[-19:]), 0, True, b"fine"),
        ((IN_CHUNKS[:-2] + b"X-Trailer: 1\r\n\r\n",), 0, False, b"fine"),
        ((IN_CHUNKS.replace(b"2\r\nne", b"11170\r\n" + b"x" * 70_000),), 0, False, b"fi" + b"x" * 70_000),
        ((IN_CHUNKS.replace(b"2\r\nne", b"11170\r\n" + b"x" * 70_000),), 10, True, b"fi" + b"x" * 70_000),
        ((IN_CHUNKS[:-2], b"X-Trailer: 1\r\n\r\n"), 10, False, b"fine"),
        ((IN_CHUNKS[:-2] + b"X-Trailer: 1\r\n\r\n",), 10, False, b"fine"),
        ((IN_CHUNKS + REST,), 10, False, b"fine"),
        ((IN_CHUNKS.replace(b"2\r\nne", b"3\r\nne"),), 10, False, "malformed"),
        ((IN_CHUNKS[:-2],), 0.2, False, "timeout"),
    ],
)
async def test_one_in_chunks_is_brief_where_all_of_it_is_waited_for_or_it_is_small_and_comes_at_once(
    pieces: tuple[bytes, ...], seconds: float, is_brief: bool, comes: bytes | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.upstream.quick_exchange.HELD_SECONDS", 10.0)  # a moment of a busy machine
    script = known_and_then(*pieces, known=IN_CHUNKS)
    quick, body, _ = await asked(script, seconds, between_bytes_timeout_ms=patience_ms(comes))
    assert (quick.was_brief, body) == (is_brief, comes)


@pytest.mark.parametrize(
    ("pieces", "comes"),
    [
        ((FINE[:-2], FINE[-2:] + REST), b"fine"),
        ((FINE[:-4], FINE[-4:] + REST), b"fine"),
        ((FINE[:-2], FINE[-2:-1]), "timeout"),
        ((FINE[:-4],), "timeout"),
    ],
)
async def test_one_that_is_waited_for_and_turns_out_another_is_heard_by_an_exchange(
    pieces: tuple[bytes, ...], comes: bytes | str
) -> None:
    quick, body, _ = await asked(known_and_then(*pieces), 0.2, between_bytes_timeout_ms=patience_ms(comes))
    assert (quick.was_brief, body) == (False, comes)


@pytest.mark.parametrize(
    ("pieces", "comes"),
    [
        ((LARGE[:-2], LARGE[-2:]), b"x" * 70_000),
        ((FINE[:9], FINE[9:]), b"fine"),
        ((FINE[:-2],), "timeout"),
        ((FINE + REST,), b"fine"),
        ((FINE.replace(b"ETag", b"X-New"),), b"fine"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n",), b"fine"),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + FINE,), b"fine"),
        ((FINE.replace(b"ETag: 1", b"ETag: \x01"),), "malformed"),
        ((b"nonsense\r\n\r\n",), "malformed"),
        ((), "timeout"),
        ((FINE[:9],), "timeout"),
    ],
)
async def test_whatever_else_is_heard_by_an_exchange(pieces: tuple[bytes, ...], comes: bytes | str) -> None:
    limits = {"first_byte_timeout_ms": 300, "between_bytes_timeout_ms": 300}
    quick, body, _ = await asked(known_and_then(*pieces), **limits)  # type: ignore[arg-type]
    assert (quick.was_brief, body) == (False, comes)


async def test_the_head_of_a_stream_is_not_held_back_until_its_first_piece_comes() -> None:
    script = known_and_then(IN_CHUNKS[:-19], known=IN_CHUNKS)
    async with Origin(script) as origin:
        transport = OriginTransport(origin.url, Settings())
        for _ in range(3):
            await body_of(await transport.fetch(GET))
        quick = Asked(transport)
        assert transport.dispatch(quick, HEAD)
        answer = await asyncio.wait_for(quick.told, 5)
        assert isinstance(answer, UpstreamResponse)
        await answer.aclose()
        await transport.aclose()


async def test_one_that_dies_unheard_may_be_asked_for_again() -> None:
    assert (await asked(known_and_then(resets=True)))[1] is None


async def test_without_a_warm_connection_one_is_opened_where_there_is_room() -> None:
    async with Origin(known_and_then()) as origin:
        transport = OriginTransport(origin.url, Settings(concurrency_start=1, max_connections=1))
        first, second = Asked(transport), Asked(transport)
        assert transport.dispatch(first, HEAD) and not transport.dispatch(second, HEAD)
        assert await body_of(await first.told) == b"fine"
        assert transport.dispatch(second, HEAD)
        assert await body_of(await second.told) == b"fine"
        assert (origin.connections, transport.limiter.under_way) == (1, 0)
        await transport.aclose()
        assert not transport.dispatch(Asked(transport), HEAD)


async def test_where_nobody_listens_it_is_refused_and_its_slot_comes_back() -> None:
    async with Origin(known_and_then()) as origin:
        pass
    transport = OriginTransport(origin.url, Settings(breaker_failures=2))
    for _ in range(2):
        quick = Asked(transport)
        assert transport.dispatch(quick, HEAD)
        assert await body_of(await quick.told) == "refused"
    assert not transport.dispatch(Asked(transport), HEAD), "it is left alone"
    assert transport.limiter.under_way == 0
    await transport.aclose()
