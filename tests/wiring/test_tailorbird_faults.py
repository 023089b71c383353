"""What runs beside requests outlives a fault, and ends when the server stops."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proxy.ports import ProfileStore
from tests.wire.behind import Behind
from tests.wire.origin import Origin, Seen, Wire, always, ok
from tests.wire.site import answering
from tests.wiring.test_tailorbird import FOLDER, HTML, PAGE


class Stumbling:
    """A store over which one question of a worker's stumbles, once."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store
        self.asked = 0
        self.is_asked_again = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def newest_change(self) -> str:
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("a fault of ours")
        self.is_asked_again.set()
        return await self._store.newest_change()


async def test_what_runs_beside_requests_outlives_a_fault_of_ours(tmp_path: Path) -> None:
    stores: list[Stumbling] = []

    def wrap(store: ProfileStore) -> ProfileStore:
        stores.append(Stumbling(store))
        return stores[0]  # type: ignore[return-value]

    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, wrap=wrap):
        async with asyncio.timeout(30):
            await stores[0].is_asked_again.wait()


async def test_a_poll_for_news_ends_when_the_server_stops(tmp_path: Path) -> None:
    folder = {**FOLDER, "cache.yaml": "pages:\n  - path: /news\n    store: no\n    wait: 1 minute\n"}
    asked = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        asked.set()
        await wire.until_closed()

    async with Origin(script) as origin, Behind(origin.url, folder, tmp_path, drain_seconds=1) as shop:
        polling = asyncio.create_task(shop.client.get("/news"))
        await asked.wait()
        shop.listener.stop(gently=True)
        assert (await polling).status_code == 503


@pytest.mark.parametrize("headers", [{}, {"cookie": "session=1"}])
async def test_an_origin_that_leads_back_here_is_found_out_within_a_few_turns(
    headers: dict[str, str], tmp_path: Path
) -> None:
    shops: list[Behind] = []

    async def leads_back(seen: Seen) -> bytes:
        onward = {name.decode(): value.decode() for name, value in seen.headers if name != b"accept-encoding"}
        answer = await shops[0].client.get(seen.target.decode(), headers=onward)
        return ok(answer.content, status=b"%d Said" % answer.status_code)

    async with Origin(answering(leads_back)) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        shops.append(shop)
        assert (await shop.client.get("/", headers=headers)).status_code == 508
        assert len(origin.requests) < 10
