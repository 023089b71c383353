"""What `POST /_tb/rank` costs for lists of 48 and of 1,000 products, each request another visitor's, beside a handler
of the same worker that decodes the same JSON and sends it back, asked in turns. The short form counts calls, not
time."""

from __future__ import annotations

import json
import time
from statistics import median

import msgspec
import pytest

from proxy.http.body import read_body
from proxy.http.message import Request, Response
from tests.wire.large_shop import catalogue, likes, published
from tests.wire.meter import IS_FULL, UNIT, meter
from tests.wire.served import Served, hear, request
from tests.wire.site import NOON

NOBODY = "http://127.0.0.1:1"
VISITORS = 200
ROUNDS = 30 if IS_FULL else 2
ASKED = {48: 100, 1_000: 10}
MOST_TIMES = {48: 5.0, 1_000: 18.0} if IS_FULL else {48: 8.0, 1_000: 100.0}
"""How many times what the echo costs a list may cost: 1,000 products are looked up, weighed, sorted and explained."""
RULES = published(
    """
rules:
  - name: What they like first
    listing: search
    when: {search term: tent}
    boost:
      - affinity: brand
        by: a lot
      - tag: none of ours
        by: a little
    bury: {out of stock: yes, by: to the end}
    pin: {product: SKU-47, at: 3}
""",
    catalogue(1_000),
)

pytestmark = pytest.mark.bar("E9")


async def echo(asked: Request) -> Response:
    """The same JSON, read and written."""
    body = msgspec.json.encode(msgspec.json.decode(await read_body(asked, 1 << 20)))
    return Response(200, ((b"content-length", b"%d" % len(body)),), (body,))


@pytest.mark.parametrize("count", ASKED)
async def test_a_list_is_ranked_within_some_times_what_sending_it_back_costs(count: int) -> None:
    body = json.dumps({"products": [f"SKU-{n}" for n in range(count)], "listing": "search", "query": "tent"}).encode()
    async with Served(NOBODY, publication=RULES, routes={"/_tb/echo": echo}) as served:
        for n in range(VISITORS):
            served.site.profiles.remember(f"visitor{n}", likes(f"visitor{n}", n % 40), NOON)
        reader, writer = await served.connect()
        took: dict[bytes, list[float]] = {b"/_tb/echo": [], b"/_tb/rank": []}
        with meter(time.process_time) as spent:
            for turn in range(ROUNDS * 2 * ASKED[count]):
                path = (b"/_tb/echo", b"/_tb/rank")[turn // ASKED[count] % 2]
                before = spent()
                writer.write(request(b"POST", path, served.site.visitor(f"visitor{turn % VISITORS}"), body=body))
                heard = await hear(reader)
                took[path].append(spent() - before)
                assert heard.status == 200 and (path == b"/_tb/echo" or b'"rule":"What they' in heard.body)
        writer.close()
    echoed, ranked = (median(times) for times in took.values())
    print(
        f"\n{count} products: {ranked:,.0f} {UNIT} a request, "
        f"the echo {echoed:,.0f} (client included): {ranked / echoed:.1f} times"
    )
    assert ranked / echoed <= MOST_TIMES[count]
