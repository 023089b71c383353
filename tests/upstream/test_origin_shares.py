"""Who asks for slow pages over and over holds half of what an origin is asked at once, and all others are served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.wire.behind import Behind
from tests.wire.origin import Origin, Wire, ok
from tests.wire.site import eventually

AT_ONCE = 8
PRIVATE = b"cache-control: no-store"


class Shop:
    """An origin whose slow pages come when they are let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.slow = self.pages = 0

    async def __call__(self, wire: Wire) -> None:
        while True:
            seen = await wire.request()
            if seen.target.startswith(b"/slow"):
                self.slow += 1
                await self.let_go.wait()
            self.pages += seen.target == b"/page"
            await wire.send(ok(b"a page", PRIVATE if b"private" in seen.target else b"cache-control: max-age=60"))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[tuple[Behind, Shop]]:
    few = {"concurrency_start": AT_ONCE, "max_connections": AT_ONCE, "trusted_proxies": ("127.0.0.1",)}
    answers = Shop()
    async with Origin(answers) as origin, Behind(origin.url, {"a.rules.yaml": "rules: []"}, tmp_path, **few) as behind:
        yield behind, answers


async def get(shop: Behind, path: str, address: str, **fields: str) -> httpx.Response:
    return await shop.client.get(path, headers={"x-forwarded-for": address, **fields})


@pytest.mark.parametrize("kind", ["shared", "private"])
async def test_one_address_that_asks_for_slow_pages_leaves_half_to_others(shop: tuple[Behind, Shop], kind: str) -> None:
    behind, answers = shop
    cookies = {"cookie": "cart=1"} if kind == "private" else {}
    for _ in range(3):  # from the second on the question is known
        assert (await get(behind, "/private", "192.0.2.1", **cookies)).status_code == 200
    tasks = [
        asyncio.create_task(get(behind, f"/slow/{kind}?{number}", "192.0.2.1", **cookies))
        for number in range(3 * AT_ONCE)
    ]
    await eventually(lambda: answers.slow == AT_ONCE // 2)
    for number in range(10):
        assert (await get(behind, f"/page/{kind}?{number}", "192.0.2.2", **cookies)).status_code == 200
    refused = await get(behind, f"/page/{kind}?other", "192.0.2.1", **cookies)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "detail=share" in refused.headers["cache-status"]
    answers.let_go.set()
    statuses = [answer.status_code for answer in await asyncio.gather(*tasks)]
    assert statuses.count(200) >= AT_ONCE // 2 and set(statuses) <= {200, 503}
    assert (await get(behind, f"/page/{kind}?other", "192.0.2.1", **cookies)).status_code == 200


async def test_those_who_wait_for_what_an_address_with_half_is_refused_have_it_fetched_once(
    shop: tuple[Behind, Shop],
) -> None:
    behind, answers = shop
    tasks = [asyncio.create_task(get(behind, f"/slow?{number}", "192.0.2.1")) for number in range(AT_ONCE // 2)]
    await eventually(lambda: answers.slow == AT_ONCE // 2)
    refused = asyncio.create_task(get(behind, "/page", "192.0.2.1"))
    await eventually(lambda: waiting(behind) == 1)
    joined = await asyncio.gather(*(get(behind, "/page", f"192.0.2.{number}") for number in range(2, 9)))
    assert ([each.status_code for each in joined], (await refused).status_code) == ([200] * 7, 503)
    assert answers.pages == 1
    answers.let_go.set()
    await asyncio.gather(*tasks)


def waiting(shop: Behind) -> int:
    return sum(
        int(line.rpartition(" ")[2])
        for line in shop.tailorbird.metrics.as_text().splitlines()
        if line.startswith("tailorbird_origin_waiting{")
    )
