"""A page that varies by a field of a proxy is each client's own, also where a connection has learned that the field is
another thing each time."""

from __future__ import annotations

import pytest

from tests.serve.test_protocol_lane import LANE
from tests.wire.origin import Origin, Seen, ok
from tests.wire.served import Served, hear, request
from tests.wire.site import PAGE, SHARED, answering

IN_TURN = [b"EUR", b"USD", b"NOK", b"SEK", b"DKK", b"GBP"] * 5


@pytest.mark.parametrize("page", [PAGE, b"<main>the rest</main>"], ids=["slots", "no slots"])
@pytest.mark.parametrize("forwarded", [("accept", "x-currency"), ("*",)], ids=["named", "all"])
async def test_each_client_of_a_connection_gets_the_page_in_its_own_currency(
    page: bytes, forwarded: tuple[str, ...]
) -> None:
    def say(seen: Seen) -> bytes:
        return ok(page.replace(b"the rest", seen.get(b"x-currency") or b"none"), *SHARED, b"Vary: X-Currency")

    async with (
        Origin(answering(say)) as origin,
        Served(origin.url, publication=LANE, forwarded_fields=forwarded) as served,
    ):
        reader, writer = await served.connect()
        for currency in IN_TURN:
            writer.write(request(b"GET", b"/", served.site.visitor("anna"), (b"X-Currency", currency)))
            assert b"<main>%b</main>" % currency in (await hear(reader)).body
        writer.close()
        assert len(origin.requests) <= len(IN_TURN) / 2
