"""The origin goes down, then the profile store too, under load and with a warm cache of pages that go stale at once:
every page is still served, and personalised from what is known: the profile while it can be had, then what is
remembered of it, and always the segments a signed cookie names."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import StoreError
from proxy.model import Profile
from proxy.ports import ProfileStore
from tests.wire.behind import BUYERS_AND_VIPS, Behind
from tests.wire.origin import Origin, always, ok

PAGE = b'<html><body><div data-slot="home.hero">ours</div></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=1", b'etag: "1"')
PATHS = [f"/page-{number}" for number in range(50)]
BUYERS = [f"buyer-{number}" for number in range(50)]
SECONDS = 60.0 if os.environ.get("BAR_FULL") else 2.0
SHOPPERS = 8
BUYER, VIP, NOBODY = "Good to see you again", "For our VIPs", "ours"


class Breaking:
    """A store that fails at once while it `is_down`."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store
        self.is_down = False

    def __getattr__(self, name: str) -> Any:
        return self._call if self.is_down else getattr(self._store, name)

    async def _call(self, *_: Any) -> Any:
        raise StoreError("the store is down")

    async def is_ready(self) -> bool:
        return not self.is_down and await self._store.is_ready()

    async def aclose(self) -> None:
        await self._store.aclose()


@dataclass(frozen=True)
class Visit:
    """What a visitor saw, and the answer's status and Cache-Status."""

    kind: str
    status: int
    saw: str
    said: str


KINDS = ("buyer", "stranger with a VIP's cookie", "stranger")


class Crowd:
    """Buyers, whom the store knows; strangers whom it does not, every second one with a VIP's cookie."""

    def __init__(self, shop: Behind) -> None:
        self._shop = shop
        self._count = 0

    async def visits(self, seconds: float) -> list[Visit]:
        """What `SHOPPERS` at a time see for so long, and until every buyer came."""
        ends, enough = time.perf_counter() + seconds, len(KINDS) * len(BUYERS)
        visits: list[Visit] = []

        async def shop() -> None:
            while time.perf_counter() < ends or len(visits) < enough:
                visits.append(await self._visit())

        await asyncio.gather(*(shop() for _ in range(SHOPPERS)))
        return visits

    async def _visit(self) -> Visit:
        self._count += 1
        kind, path = KINDS[self._count % 3], PATHS[self._count % len(PATHS)]
        visitor = BUYERS[self._count % len(BUYERS)] if kind == "buyer" else f"stranger-{self._count}"
        cookies = self._shop.cookies_of(visitor, ["VIP"] if kind == KINDS[1] else [])
        answer = await self._shop.client.get(path, headers=cookies)
        saw = next((words for words in (BUYER, VIP, NOBODY) if words in answer.text), "")
        return Visit(kind, answer.status_code, saw, answer.headers.get("cache-status", ""))


def seen(visits: list[Visit]) -> dict[str, set[str]]:
    """What each kind of visitor was shown."""
    return {kind: {visit.saw for visit in visits if visit.kind == kind} for kind in KINDS}


@pytest.mark.bar("B12")
async def test_cached_pages_outlive_the_origin_and_the_store(tmp_path: Path) -> None:
    stores: list[Breaking] = []

    def wrap(store: ProfileStore) -> ProfileStore:
        stores.append(Breaking(store))
        return stores[0]  # type: ignore[return-value]

    profiles = [Profile(buyer, {"orders": 3.0}) for buyer in BUYERS]
    origin = Origin(always(ok(PAGE, *HTML)))
    async with origin, Behind(origin.url, BUYERS_AND_VIPS, tmp_path, profiles=profiles, wrap=wrap) as shop:
        crowd = Crowd(shop)
        up = await crowd.visits(SECONDS / 2)
        assert {request.target.decode() for request in origin.requests} == set(PATHS)

        await origin.__aexit__()
        without_origin = await crowd.visits(SECONDS)
        stores[0].is_down = True
        without_both = await crowd.visits(SECONDS)

    for name, visits in (("up", up), ("no origin", without_origin), ("no origin, no store", without_both)):
        print(f"\nB12: {name}: {len(visits)} pages, {dict(Counter(visit.status for visit in visits))}")
        assert {visit.status for visit in visits} == {200}
        assert seen(visits) == {KINDS[0]: {BUYER}, KINDS[1]: {VIP}, KINDS[2]: {NOBODY}}
    assert all("; ttl=-" in visit.said for visit in without_both)
