"""Who uploads slowly holds half of what an origin is asked at once, and no more: all others are served as ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from proxy.upstream.uploads import FORM_BYTES
from tests.wire.behind import Behind
from tests.wire.origin import Origin, Wire, ok
from tests.wire.site import eventually

AT_ONCE = 8


class Slow:
    """A body that begins, and goes on when it is told to."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x"
        await self.goes_on.wait()
        yield b"y"


async def echo(wire: Wire) -> None:
    while True:
        seen = await wire.request()
        await wire.send(ok(b"%d bytes" % len(seen.body), b"cache-control: no-store"))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Behind]:
    few = {"concurrency_start": AT_ONCE, "max_connections": AT_ONCE, "trusted_proxies": ("127.0.0.1",)}
    async with Origin(echo) as origin, Behind(origin.url, {"a.rules.yaml": "rules: []"}, tmp_path, **few) as behind:
        yield behind


def under_way(shop: Behind) -> int:
    return sum(
        int(line.rpartition(" ")[2])
        for line in shop.tailorbird.metrics.as_text().splitlines()
        if line.startswith("tailorbird_origin_requests{")
    )


def uploads(shop: Behind, slow: list[Slow], by: str = "127.0.0.1") -> list[asyncio.Task[httpx.Response]]:
    fields = {"x-forwarded-for": by}
    return [asyncio.create_task(shop.client.post("/form", content=one, headers=fields)) for one in slow]


async def test_all_else_is_served_beside_as_many_slow_uploads_as_connections(shop: Behind) -> None:
    slow = [Slow() for _ in range(2 * AT_ONCE)]
    tasks = uploads(shop, slow)
    await eventually(lambda: under_way(shop) == AT_ONCE // 2)
    for number in range(20):
        assert (await shop.client.get(f"/page{number}")).status_code == 200
    assert (await shop.client.post("/login", content=b"name=anna")).text == "9 bytes"
    for one in slow:
        one.goes_on.set()
    assert [answer.text for answer in await asyncio.gather(*tasks)] == ["2 bytes"] * len(slow)
    assert under_way(shop) == 0


async def test_a_long_upload_is_refused_while_half_of_all_are_slow_ones_and_taken_when_they_are_gone(
    shop: Behind,
) -> None:
    tasks = uploads(shop, [Slow() for _ in range(AT_ONCE // 2)])
    await eventually(lambda: under_way(shop) == AT_ONCE // 2)
    long = b"x" * (FORM_BYTES + 1)
    refused = await shop.client.post("/picture", content=long)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await eventually(lambda: under_way(shop) == 0)
    assert (await shop.client.post("/picture", content=long)).text == f"{len(long)} bytes"


async def test_one_address_holds_half_of_the_places_so_that_another_may_upload(shop: Behind) -> None:
    tasks = uploads(shop, [Slow() for _ in range(AT_ONCE)], by="192.0.2.1")
    await eventually(lambda: under_way(shop) == AT_ONCE // 4)
    long = b"x" * (FORM_BYTES + 1)
    for number, status in ((1, 503), (2, 200)):
        answer = await shop.client.post("/picture", content=long, headers={"x-forwarded-for": f"192.0.2.{number}"})
        assert answer.status_code == status
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await eventually(lambda: under_way(shop) == 0)
