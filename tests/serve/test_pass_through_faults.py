"""A fault of ours in what is made of an origin's answer: its client is told, its place given back, and the connection
to the origin, of which nobody knows what was made of it, is not used again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

import pytest

from tests.serve.test_pass_through import FIELDS, HTML, NO_STORE, SLOT, asked
from tests.wire.origin import Origin, Wire, ok
from tests.wire.served import Heard, Served, hear, request
from tests.wire.site import eventually, published, shown

FINE, PAGE = ok(b"abcdef", NO_STORE), ok(SLOT, HTML, NO_STORE)
IN_PIECES = (PAGE[:20], PAGE[20:-5], PAGE[-5:])
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
NAVIGATES = (*FIELDS, (b"Sec-Fetch-Mode", b"navigate"))
TOLD, BROKEN_OFF, GIVEN = "told", "broken off", "given"

Row = tuple[str, str, tuple[bytes, ...]]
# What fails from the last piece on (or, with an empty one, as the origin says nothing or closes), what its client gets,
# and of what pieces.
STRAIGHT: dict[str, Row] = {
    "a whole answer": ("proxy.serve.quick_turn:bypassed", TOLD, (FINE,)),
    "what is logged of a whole answer": ("proxy.serve.turn_log:TurnLog.answer_began", TOLD, (FINE,)),
    "a whole answer that was given": ("proxy.serve.backlog:Backlog.replaced", GIVEN, (FINE,)),
    "what is learnt from a whole answer": ("proxy.upstream.limiter:Limit.note", GIVEN, (FINE,)),
    "a page that came before": ("proxy.serve.slot_maps:SlotMap.filled", TOLD, (PAGE,)),
    "a head of a known shape": ("proxy.upstream.head_shapes:_Known.read", TOLD, (FINE,)),
    "the head of an answer": ("proxy.serve.pass_through:bypassed", TOLD, (FINE[:-5],)),
    "the request of an answer in pieces": ("proxy.http.message:Question.request", TOLD, (FINE[:-5],)),
    "a page that came before, in pieces": ("proxy.serve.slot_maps:SlotMap.filled", TOLD, (PAGE[:-5], PAGE[-5:])),
    "the fields of a page in pieces": ("proxy.http.outgoing:cache_status", TOLD, IN_PIECES),
    "a page in pieces": ("proxy.serve.slot_maps:SlotMap.of", TOLD, IN_PIECES),
    "a page in pieces that was given": ("proxy.serve.backlog:Backlog.replaced", GIVEN, IN_PIECES),
}
EITHER_WAY: dict[str, Row] = {
    "the bytes of an answer": ("proxy.upstream.answer:Answer.feed", TOLD, (FINE[:9], FINE[9:])),
    "early hints": ("proxy.upstream.asking:_tell_mapped", TOLD, (HINTS,)),
    "the rest of a body": ("proxy.serve.backlog:Backlog.replaced", BROKEN_OFF, (FINE[:-5], FINE[-5:-2])),
    "the end of a body": ("proxy.upstream.answer:Answer.end", BROKEN_OFF, (FINE[:-5], b"closes")),
    "the end of an answer that never began": ("proxy.upstream.answer:Answer.end", TOLD, (b"closes",)),
    "an answer that does not come": ("proxy.upstream.exchange:Exchange._what_it_owes", TOLD, (b"",)),
    "a body that does not go on": ("proxy.upstream.exchange:Exchange._what_it_owes", BROKEN_OFF, (FINE[:-5], b"")),
}


class Failing:
    """What fails once it `is_due`."""

    is_due = False

    def __init__(self, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._works: Callable[..., Any] = resolve_name(what)
        monkeypatch.setattr(what.replace(":", "."), lambda *given, **named: self._called(*given, **named))

    def _called(self, *given: Any, **named: Any) -> Any:
        if self.is_due:
            raise ValueError("a fault of ours")
        return self._works(*given, **named)


async def seen_by_its_client(
    failing: Failing, pieces: tuple[bytes, ...], *, has_lane: bool
) -> tuple[Heard | None, list[bytes]]:
    """What the client gets of the fifth answer, None where it is nothing, and others after it."""

    async def script(wire: Wire) -> None:
        while True:
            path = (await wire.request()).target
            if len(origin.requests) != 5:
                await wire.send(PAGE if path == b"/page" else FINE)
                continue
            for piece in pieces[:-1]:
                await wire.send(piece)
                for _ in range(20):
                    await asyncio.sleep(0)
            failing.is_due = True
            if pieces[-1] == b"closes":
                return
            await wire.send(pieces[-1])

    path = b"/page" if b"".join(pieces) == PAGE else b"/"
    origin = Origin(script)
    limits = {"first_byte_timeout_ms": 300, "between_bytes_timeout_ms": 300, "access_log": "/dev/null"}
    rules = published(shown("Hello"))
    async with origin, Served(origin.url, has_lane=has_lane, publication=rules, **limits) as served:
        await asked(served, path, 4, NAVIGATES)
        connections = origin.connections
        reader, writer = await served.connect()
        writer.write(request(b"GET", path, *NAVIGATES))
        try:
            async with asyncio.timeout(10):
                heard = await hear(reader)
        except asyncio.IncompleteReadError as error:
            assert error.partial == b""
            heard = None
        await eventually(lambda: not any(limiter.under_way for limiter in served.site.origins.limiters.values()))
        failing.is_due = False
        after = await asked(served, path, 3, NAVIGATES)
        assert origin.connections == connections + 1
        writer.close()
        return heard, [one.body for one in after]


def outcome(heard: Heard | None) -> str:
    if heard is None or not heard.is_whole:
        return BROKEN_OFF
    return GIVEN if heard.status == 200 else TOLD if heard.status == 502 else str(heard.status)


async def settles(
    row: Row,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    has_lane: bool,
) -> None:
    fault, becomes, pieces = row
    with caplog.at_level(logging.INFO):
        heard, after = await seen_by_its_client(Failing(fault, monkeypatch), pieces, has_lane=has_lane)
    assert outcome(heard) == becomes
    assert len(after) == 3 and all(b"Hello" in body or body == b"abcdef" for body in after)
    told = [record for record in caplog.records if record.exc_info]
    assert [record.name for record in told if record.name != "asyncio"] == ["tailorbird.origin"], caplog.text
    assert "a fault of ours" in caplog.text


@pytest.mark.parametrize("what", STRAIGHT)
async def test_a_fault_on_the_straight_way_is_told_and_costs_its_connection(
    what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await settles(STRAIGHT[what], monkeypatch, caplog, has_lane=True)


@pytest.mark.parametrize("has_lane", [True, False], ids=["straight", "ordinary"])
@pytest.mark.parametrize("what", EITHER_WAY)
async def test_a_fault_on_either_way_is_told_and_costs_its_connection(
    what: str, has_lane: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await settles(EITHER_WAY[what], monkeypatch, caplog, has_lane=has_lane)
