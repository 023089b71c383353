"""D4: an event, then a page: the segment holds on that very request, each time, on each store; and a window ends at its
second, at read, with nothing done in between."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.conftest import flush, valkey_url
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.site import HTML, PAGE

__all__ = ["valkey_url"]  # a fixture

COUNT = 10_000 if os.environ.get("BAR_FULL") else 200
AT_ONCE = 8
KEY = "6f3a9c0012ab34cd56ef"
DAY = 86_400
FOLDER = {
    "a.rules.yaml": """version: 1
segments:
  Lookers:
    when: {viewed: {category: shoes, times: at least 2, within: 14 days}}
rules:
  - name: Lookers
    slot: home.hero
    when: {segment: Lookers}
    show: {banner: {title: Seen twice}}
""",
    "slots.yaml": "slots: {home.hero: {}}",
}


@pytest.fixture(params=["sqlite", "valkey"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/store.db"
    address: str = request.getfixturevalue("valkey_url")
    await flush(address)
    return address


class Clock:
    now = 1_795_435_200.0

    def __call__(self) -> float:
        return self.now


def view(visitor: str, number: int) -> dict[str, Any]:
    said = {"product_id": f"SKU-{number}", "category": "Shoes > Trail"}
    return {"event": "Product Viewed", "userId": visitor, "messageId": f"{visitor}-{number}", "properties": said}


async def send(shop: Behind, event: dict[str, Any]) -> None:
    answer = await shop.client.post("/_tb/v1/track", json=event, auth=httpx.BasicAuth(KEY, ""))
    assert answer.status_code == 200


async def is_greeted(shop: Behind, visitor: str) -> bool:
    answer = await shop.client.get("/", headers=shop.cookies_of(visitor))
    assert answer.status_code == 200
    return "Seen twice" in answer.text


async def test_a_segment_holds_on_the_next_request(store: str, tmp_path: Path) -> None:
    keys = (f"shop:server:{KEY}",)
    origin = Origin(always(ok(PAGE, HTML, b"Cache-Control: max-age=3600")))
    async with origin, Behind(origin.url, FOLDER, tmp_path, store=store, write_keys=keys) as shop:
        late: list[str] = []
        early: list[str] = []

        async def one(worker: int) -> None:
            for number in range(worker, COUNT, AT_ONCE):
                visitor = f"visitor-{number}"
                await send(shop, view(visitor, 1))
                early.extend([visitor] if await is_greeted(shop, visitor) else [])
                await send(shop, view(visitor, 2))
                late.extend([] if await is_greeted(shop, visitor) else [visitor])

        await asyncio.gather(*(one(worker) for worker in range(AT_ONCE)))
    print(f"{store.partition(':')[0]}: {COUNT - len(late)} of {COUNT} on the next request, {len(early)} before time")
    assert (late, early) == ([], [])


async def test_a_window_ends_at_its_second_at_read(store: str, tmp_path: Path) -> None:
    clock, keys = Clock(), (f"shop:server:{KEY}",)
    began = clock.now
    origin = Origin(always(ok(PAGE, HTML, b"Cache-Control: max-age=31536000")))
    async with origin, Behind(origin.url, FOLDER, tmp_path, store=store, write_keys=keys, clock=clock) as shop:
        await send(shop, view("anna", 1))
        clock.now = began + 5
        await send(shop, view("anna", 2))
        held = {}
        for second in range(14 * DAY - 3, 14 * DAY + 4):
            clock.now = began + second
            held[second - 14 * DAY] = await is_greeted(shop, "anna")
    assert held == {-3: True, -2: True, -1: True, 0: False, 1: False, 2: False, 3: False}
