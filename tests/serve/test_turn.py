from __future__ import annotations

import gc

import pytest

from proxy.serve.quick_turn import QuickTurn
from proxy.upstream.quick_exchange import PartialAnswer
from tests.serve.test_pass_through import COOKIELESS, HTML, NO_STORE
from tests.wire.origin import Origin, Wire, ok
from tests.wire.served import Served, hear, request


@pytest.mark.parametrize("kind", [b"Content-Type: text/plain", HTML])
async def test_an_idle_client_keeps_nothing_of_its_last_answer(kind: bytes) -> None:
    head, _, body = ok(b"x" * 50_000, NO_STORE, kind).partition(b"\r\n\r\n")

    async def in_two_pieces(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(head + b"\r\n\r\n" + body[:100])
            await wire.send(body[100:])

    async with Origin(in_two_pieces) as origin, Served(origin.url) as served:
        reader, writer = await served.connect()
        for _ in range(6):
            writer.write(request(b"GET", b"/", *COOKIELESS))
            assert (await hear(reader)).body == body
        gc.collect()
        assert [one for one in gc.get_objects() if isinstance(one, QuickTurn | PartialAnswer)] == []
        writer.close()
