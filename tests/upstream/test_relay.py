"""What is written when: with a client that takes so much and no more, and an origin that is told to wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.errors import OriginError
from proxy.http.message import Response
from proxy.serve.turn import Turn
from proxy.settings import DEFAULTS
from proxy.upstream.relay import CLIENT_LEFT, Ready, Relay, written_at_once
from tests.wire.origin import Origin, Wire, always, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import eventually

LENGTH = (b"content-length", b"6")
DATE = (b"date", b"Sat, 28 Nov 2026 18:00:00 GMT")
OK = b"HTTP/1.1 200 OK\r\ndate: Sat, 28 Nov 2026 18:00:00 GMT\r\n"


class Narrow:
    """A transport that keeps what it was given until `take`."""

    def __init__(self) -> None:
        self.kept = b""
        self.sent = b""
        self.is_closed = False

    def writelines(self, pieces: list[bytes]) -> None:
        self.kept += b"".join(pieces)

    def get_write_buffer_size(self) -> int:
        return len(self.kept)

    def take(self) -> None:
        self.sent, self.kept = self.sent + self.kept, b""

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


class Patient:
    """An origin that notes whether it is to wait."""

    def __init__(self) -> None:
        self.waits: list[bool] = []

    def pipe_to(self, sink: Any) -> None:
        self.sink = sink

    def pause(self) -> None:
        self.waits.append(True)

    def resume(self) -> None:
        self.waits.append(False)


class Ends:
    """A relay and its two ends."""

    def __init__(self, response: Response, method: str = "GET", *, is_kept: bool = True) -> None:
        self.client, self.origin, self.written = Narrow(), Patient(), 0
        self.outcomes: list[BaseException | None] = []
        self.turn = Turn()
        self.turn.keep_alive = is_kept
        self.relay = Relay(
            self.turn, self.client, response, self.origin, self._count, self._end, is_head=method == "HEAD"
        )

    def _count(self, size: int) -> None:
        self.written += size

    def _end(self, relay: Relay, error: BaseException | None) -> None:
        assert relay is self.relay
        self.outcomes.append(error)


async def test_a_head_goes_with_the_first_piece_and_is_counted() -> None:
    ends = Ends(Response(200, (DATE, (b"a", b"b"), LENGTH)))
    assert ends.client.kept == b""
    ends.relay.take([b"abcdef"])
    ends.relay.end([], None)
    assert ends.client.kept == OK + b"a: b\r\ncontent-length: 6\r\n\r\nabcdef"
    assert (ends.written, ends.outcomes) == (len(ends.client.kept), [None])


async def test_what_has_no_length_is_chunked_and_ends_only_when_it_is_whole() -> None:
    whole, broken = Ends(Response(200, ())), Ends(Response(200, ()), is_kept=False)
    error = OriginError("gone", reason="reset")
    for ends, outcome in ((whole, None), (broken, error)):
        ends.relay.take([b"abc"])
        ends.relay.end([], outcome)
    assert whole.client.kept.endswith(b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert broken.client.kept.endswith(b"connection: close\r\n\r\n3\r\nabc\r\n")
    assert (whole.outcomes, broken.outcomes) == ([None], [error])


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
async def test_an_answer_that_has_no_body_gets_none(method: str, status: int) -> None:
    ends = Ends(Response(status, ()), method)
    ends.relay.take([b"abc"])
    ends.relay.end([], None)
    assert ends.client.kept.endswith(b"\r\n\r\n") and b"abc" not in ends.client.kept + b"chunked"


async def test_a_slow_client_makes_the_origin_wait_and_little_is_held_for_it() -> None:
    ends = Ends(Response(200, ((b"content-length", b"300000"),)))
    ends.relay.take([b"x" * 200_000])
    ends.relay.take([b"y" * 100_000])
    assert (ends.client.get_write_buffer_size(), ends.origin.waits) == (DEFAULTS.client_buffer_bytes, [True])
    ends.relay.end([], None)
    while not ends.outcomes:
        assert ends.client.get_write_buffer_size() <= DEFAULTS.client_buffer_bytes
        ends.client.take()
        ends.relay.flow()
    assert (ends.client.sent + ends.client.kept).endswith(b"x" * 200_000 + b"y" * 100_000)


async def test_a_client_that_has_caught_up_lets_the_origin_go_on() -> None:
    ends = Ends(Response(200, ()))
    ends.relay.take([b"x" * 100_000])
    for _ in range(2):
        ends.client.take()
        ends.relay.flow()
    assert ends.origin.waits == [True, False]


async def test_the_end_is_told_once_whatever_comes_after_it() -> None:
    whole, left = Ends(Response(200, ())), Ends(Response(200, ()))
    left.relay.leave()
    for ends in (whole, left):
        ends.relay.take([b"abc"])
        for _ in range(2):
            ends.relay.end([], None)
        ends.relay.leave()
        ends.relay.flow()
    assert whole.outcomes == [None]
    assert [type(error) for error in left.outcomes] == [OriginError]
    assert (left.turn.disconnected, left.client.kept) == (True, b"")


async def test_more_than_the_client_has_room_for_is_cut_where_its_room_ends() -> None:
    ends = Ends(Response(200, ((b"content-length", b"250000"),)))
    sent = [b"a" * 50_000, memoryview(b"b" * 100_000), b"c" * 100_000]
    for piece in sent:
        ends.relay.take([piece])
    ends.relay.end([], None)
    while not ends.outcomes:
        assert ends.client.get_write_buffer_size() == DEFAULTS.client_buffer_bytes
        ends.client.take()
        ends.relay.flow()
    assert (ends.client.sent + ends.client.kept).partition(b"\r\n\r\n")[2] == b"".join(sent)
    assert ends.written == len(ends.client.sent + ends.client.kept)


@pytest.mark.parametrize(
    ("response", "room", "is_kept", "written"),
    [
        (Response(200, (DATE, LENGTH)), 100, True, OK + b"content-length: 6\r\n\r\nabcdef"),
        (
            Response(200, (DATE, (b"a", b"b"), LENGTH)), 150, False,
            OK + b"a: b\r\ncontent-length: 6\r\nconnection: close\r\n\r\nabcdef",
        ),
        (Response(200, (DATE, LENGTH)), len(OK + b"content-length: 6\r\n\r\nabcde"), True, b""),
        (Response(200, ((b"a", b"content-length: 6"),)), 100, True, b""),
        (Response(304, (LENGTH,)), 100, True, b""),
    ],
)  # fmt: skip
def test_what_is_all_there_is_written_at_once_if_there_is_room_for_it_and_it_says_how_long_it_is(
    response: Response, room: int, is_kept: bool, written: bytes
) -> None:
    client = Narrow()
    size = written_at_once(client, response, [b"abc", memoryview(b"def")], room, is_kept=is_kept)
    assert (size, client.kept) == (len(written), written)


def test_what_is_stored_is_not_copied_for_a_slow_client() -> None:
    body, ends = b"x" * 200_000, Ends(Response(200, (LENGTH,)))
    Ready(body).pipe_to(ends.relay)
    held = [piece for piece in ends.relay._waiting if len(piece) > 1_000]
    assert held and all(isinstance(piece, memoryview) and piece.obj is body for piece in held)


# -- through the whole listener

ASSET = ok(b"x" * 300_000, b"Cache-Control: no-store")


async def test_what_is_not_kept_comes_through_in_one_piece_or_many_and_the_connection_lives_on() -> None:
    async def script(wire: Wire) -> None:
        while True:
            seen = await wire.request()
            if seen.target == b"/chunked":
                await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n")
                for _ in range(3):
                    await wire.send(b"3\r\nabc\r\n")
                await wire.send(b"0\r\n\r\n")
            else:
                await wire.send(ASSET)

    async with Origin(script) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for path, body in ((b"/long", b"x" * 300_000), (b"/chunked", b"abc" * 3), (b"/long", b"x" * 300_000)):
            writer.write(request(b"GET", path, (b"Cookie", b"a=b")))
            call_guarded = await hear(reader)
            assert (call_guarded.status, call_guarded.body, call_guarded.is_whole) == (200, body, True)
        writer.close()


async def test_an_origin_that_breaks_off_breaks_the_clients_connection() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nCache-Control: no-store\r\n\r\nabc")

    async with Origin(script) as origin, Served(origin.url) as served:
        call_guarded = await served.get(b"/x.bin", (b"Cookie", b"a=b"))
        assert (call_guarded.body, call_guarded.is_whole) == (b"abc", False)


async def test_a_client_that_leaves_ends_the_exchange() -> None:
    async with (
        Origin(always(ok(b"x" * (32 << 20), b"Cache-Control: no-store"))) as origin,
        Served(origin.url) as served,
    ):
        reader, writer = await served.connect()
        writer.write(request(b"GET", b"/big", (b"Cookie", b"a=b")))
        await reader.readexactly(100_000)
        writer.close()
        await asyncio.wait_for(origin.has_open(0), 9)
        await eventually(lambda: not served.listener.server_state.tasks)


async def test_nothing_is_written_to_a_client_that_has_just_gone() -> None:
    ends = Ends(Response(200, (LENGTH,)))
    ends.client.close()
    ends.relay.take([b"abc"])
    assert ends.client.kept == b""
    assert [getattr(error, "reason", "") for error in ends.outcomes] == [CLIENT_LEFT]


@pytest.mark.parametrize("has_lane", [True, False])
async def test_a_stream_begins_at_once_whenever_its_first_piece_comes(has_lane: bool) -> None:
    head_is_there = asyncio.Event()

    async def script(wire: Wire) -> None:
        while True:
            is_last = (await wire.request()) and len(wire.origin.requests) == 5
            await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            if is_last:
                await head_is_there.wait()
            await wire.send(b"3\r\nabc\r\n0\r\n\r\n")

    async with Origin(script) as origin, Served(origin.url, has_lane=has_lane) as served:
        reader, writer = await served.connect()
        for _ in range(4):
            writer.write(request(b"GET", b"/events", (b"Cookie", b"a=b")))
            assert (await hear(reader)).body == b"abc"
        writer.write(request(b"GET", b"/events", (b"Cookie", b"a=b")))
        assert b"text/event-stream" in await reader.readuntil(b"\r\n\r\n")
        head_is_there.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\nabc\r\n0\r\n\r\n"
        writer.close()
