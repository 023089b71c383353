"""What the studio may see of the running product, for all workers."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from proxy.errors import RequestError, StoreError
from proxy.httpcache.purge import purge_of
from proxy.model import Arrival, Event
from proxy.ports import MISSED
from proxy.visitors.persona import Persona
from proxy.wiring.desk import UNKNOWN_SECONDS
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON
from tests.wiring.test_tailorbird import ANNA, FOLDER, HTML, PAGE


async def test_a_purge_reaches_what_is_stored(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        await shop.client.get("/")
        done = await shop.tailorbird.desk.purge(purge_of(["/"]))
        assert (done.purged, done.everywhere) == (1, True)
        await shop.client.get("/")
        assert len(origin.requests) == 2


async def test_a_purge_reaches_the_other_workers_and_says_how_many(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tb-") as shared:
        async with (
            Origin(always(ok(PAGE, *HTML))) as origin,
            Behind(origin.url, FOLDER, tmp_path / "a", shared=Path(shared)) as one,
            Behind(origin.url, FOLDER, tmp_path / "b", shared=Path(shared)) as other,
        ):
            for shop in (one, other, one, other):
                await shop.client.get("/")
            assert len(origin.requests) == 2
            done = await one.tailorbird.desk.purge(purge_of(["/"]))
            assert (done.purged, done.workers, done.confirmed, done.everywhere) == (2, 2, 2, True)
            await other.client.get("/")
            assert len(origin.requests) == 3


async def test_when_purges_may_have_passed_by_everything_is_asked_about_again(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        for _ in range(2):
            await shop.client.get("/")
        await shop.tailorbird.bus.request(MISSED)
        answer = await shop.client.get("/")
        assert len(origin.requests) == 2
        assert "fwd=stale" in answer.headers["cache-status"]


async def test_no_page_stays_fresh_until_a_clock_that_was_set_back_has_caught_up(tmp_path: Path) -> None:
    now = [NOON + 86_400.0]
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, clock=lambda: now[0]) as shop,
    ):
        for _ in range(2):
            await shop.client.get("/")
        assert len(origin.requests) == 1
        now[0] = NOON
        async with asyncio.timeout(20):
            while len(origin.requests) < 2:
                await shop.client.get("/")
                await asyncio.sleep(0.02)


async def test_what_changed_of_products_outlives_the_workers_that_were_told(tmp_path: Path) -> None:
    told = {"id": "MAT", "title": "Mat", "link": "/p/MAT", "availability": "out_of_stock"}
    async with Origin(always(ok(PAGE, *HTML))) as origin:
        async with Behind(origin.url, FOLDER, tmp_path) as shop:
            done = await shop.tailorbird.desk.change_products([told, {"id": "HALF"}])
            assert (done.changed, [left.id for left in done.left_out]) == (1, ["HALF"])
        async with Behind(origin.url, FOLDER, tmp_path) as anew:
            found = anew.tailorbird.desk.gateway.stock.shop.products.get("MAT")
    assert found and not found.in_stock


async def test_the_studio_of_one_worker_speaks_for_all(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tb-") as shared:
        settings = {"shared": Path(shared), "profiles": [ANNA], "profile_budget_ms": 10_000.0}
        async with (
            Origin(always(ok(PAGE, *HTML))) as origin,
            Behind(origin.url, FOLDER, tmp_path / "a", **settings) as one,
            Behind(origin.url, FOLDER, tmp_path / "b", **settings) as other,
        ):
            for shop in (one, other, other):
                await shop.client.get("/", headers=shop.cookies_of("anna"))
            state = await one.tailorbird.desk.readiness()
            assert (state.state, state.workers) == ("ready", 2)
            assert len(await one.tailorbird.desk.live()) == 3
            told = await one.tailorbird.desk.metrics_text()
            assert "\ntailorbird_workers 2\n" in told and '\ntailorbird_degraded{cause="store"} 0\n' in told
            async with asyncio.timeout(30):
                while sum((await one.tailorbird.desk.counted("tailorbird_rule_matches_total")).values()) < 3:
                    await asyncio.sleep(0.05)
            assert (await other.client.get("/_tb/readyz")).status_code == 200
            other.tailorbird.desk.stop_accepting()
            assert (await one.tailorbird.desk.readiness()).is_stopping
            gone = await other.client.get("/_tb/readyz")
            assert (gone.status_code, gone.text, gone.headers["cache-control"]) == (503, "stopping\n", "no-store")
            assert (await one.client.head("/_tb/readyz")).status_code == 200


async def test_readiness_tells_that_events_cannot_be_stored_as_long_as_that_is_known(tmp_path: Path) -> None:
    now = [NOON]
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, clock=lambda: now[0]) as shop,
    ):
        desk = shop.tailorbird.desk
        assert (await desk.readiness()).state == "ready"
        await asyncio.to_thread(os.unlink, shop.tailorbird.settings.store.partition(":")[2])
        with pytest.raises(StoreError, match="taken away"):
            await shop.tailorbird.journal.record([Arrival("anna", Event(NOON, "web:1", "purchase"), "web", NOON)], 100)
        ready = await desk.readiness()
        now[0] += UNKNOWN_SECONDS + 1
        assert (await desk.readiness()).state == "ready", "none was tried since"
    assert (ready.state, ready.reasons[0].partition(",")[0]) == ("degraded", "events cannot be stored")


async def test_why_tells_of_a_visitors_profile(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        assert "Known by name" in await why(shop, "/", "anna")
        with pytest.raises(RequestError, match="is not a page"):
            await why(shop, "sale", "anna")


async def why(shop: Behind, url: str, visitor: str = "") -> str:
    desk = shop.tailorbird.desk
    assert desk.publication is not None
    return await desk.why(url, Persona(visitor), desk.publication)


async def test_a_file_is_loaded_and_mended_beside_those_being_served(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        desk, bad = shop.tailorbird.desk, b"rules:\n  - {name: x, slott: home.hero, show: nothing new}\n"
        files = {"x.rules.yaml": bad, "y.rules.yaml": bad.replace(b"x", b"y"), "slots.yaml": b"slots: {home.hero: {}}"}
        assert (await desk.load(files)).publication is None
        assert await desk.mend(files, "x.rules.yaml") == bad.replace(b"slott", b"slot")
        assert desk.publication is not None


CARDS = "".join(f"<li data-product={id}>{id}</li>" for id in "ABC")
LISTS = {"a.rules.yaml": "rules:\n  - {name: C first, listing: search, pin: {product: C}}\n"}


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (f"<ul data-list=search>{CARDS}</ul>", "C: 3 → 1, pinned at 1"),
        ("<p>Nothing was found", "the page has no such list"),
    ],
)
async def test_why_tells_where_each_card_of_the_pages_list_goes(tmp_path: Path, page: str, told: str) -> None:
    async with Origin(always(ok(page.encode(), *HTML))) as origin, Behind(origin.url, LISTS, tmp_path) as shop:
        assert told in await why(shop, "/search?q=a")
        assert origin.requests[0].target == b"/search?q=a" and origin.requests[0].get(b"cookie") is None
        assert not shop.tailorbird.metrics.by_value("tailorbird_requests_total")


async def test_why_says_when_the_shop_does_not_answer(tmp_path: Path) -> None:
    async with Behind("http://127.0.0.1:1", LISTS, tmp_path) as shop:
        assert "where its cards go is not known" in await why(shop, "/search?q=a")


async def test_what_was_shown_is_counted_and_listed(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        await shop.client.get("/", headers=shop.cookies_of("anna"))
        metrics = shop.tailorbird.metrics
    assert metrics.get("tailorbird_rule_matches_total", "Known by name") == 1
    assert [(shown.path, shown.decisions[0].rule) for shown in metrics.live] == [("/", "Known by name")]
