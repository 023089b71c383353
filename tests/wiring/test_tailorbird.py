"""The parts, joined: what a visitor gets through the public listener, and what the studio hears of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from proxy.errors import OperatorError
from proxy.httpcache.purge import purge_of
from proxy.model import Profile
from proxy.rulebook.pauses import Pause, What
from proxy.settings import Settings
from proxy.stores.history import Action
from proxy.stores.versions import Versions
from proxy.visitors.persona import Persona
from proxy.wiring import Tailorbird
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, by_path, ok
from tests.wire.site import answering

PAGE = b'<html><head></head><body><div data-slot="home.hero">ours</div></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=60")
RULES = """version: 1
rules:
  - name: Known by name
    slot: home.hero
    when: {first name: any}
    show: {banner: {title: "Hello {first name|you}"}}
"""
FOLDER = {
    "a.rules.yaml": RULES,
    "slots.yaml": "slots: {home.hero: {}}",
    "attributes.yaml": "attributes: {first name: text}",
}
ROW = """version: 1
rules:
  - name: What we have
    slot: home.row
    show: {products: {title: What we have, strategy: {popular in: everything}}}
"""
ANNA = Profile("anna", {"first name": "Anna"})


def told(id: str, name: str) -> bytes:
    """A product's page, as a shop's template makes it."""
    offer = {"@type": "Offer", "price": 129, "priceCurrency": "EUR", "availability": "https://schema.org/InStock"}
    thing = {"@type": "Product", "sku": id, "name": name, "image": f"/img/{id}.jpg", "offers": offer}
    return f'<html><head><script type="application/ld+json">{json.dumps(thing)}</script></head></html>'.encode()


async def until(condition: object) -> None:
    """Waits for something the watch over the folder brings about."""
    async with asyncio.timeout(30):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_how_long_an_origin_takes_is_told(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        for path in ("/", "/", "/other"):
            await shop.client.get(path)
        told = shop.tailorbird.metrics.as_text()
    of = f'{{origin="{origin.url}"'
    assert f'tailorbird_origin_seconds_bucket{of},le="+Inf"}} 2\n' in told
    assert float(told.partition(f"tailorbird_origin_seconds_sum{of}}} ")[2].split()[0]) > 0


async def test_a_profile_in_the_store_shows_on_a_page_fetched_once(tmp_path: Path) -> None:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop,
    ):
        stranger = await shop.client.get("/")
        anna = await shop.client.get("/", headers=shop.cookies_of("anna"))
    assert stranger.content == PAGE
    assert "Hello Anna" in anna.text
    assert len(origin.requests) == 1
    assert origin.requests[0].get(b"cookie") is None


async def test_a_shop_without_a_feed_has_rows_of_what_its_pages_tell(tmp_path: Path) -> None:
    folder = {"a.rules.yaml": ROW, "slots.yaml": "slots: {home.row: {}}"}
    pages = by_path(
        {
            b"/": ok(b'<html><body><div data-slot="home.row">ours</div></body></html>', *HTML),
            b"/p/tent": ok(told("TENT", "Tent"), *HTML),
            b"/p/rope": ok(told("ROPE", "Rope"), HTML[0], b"cache-control: private"),
            b"/p/mat": ok(told("MAT", "Mat"), *HTML, b"vary: accept-language"),
        }
    )
    async with Origin(pages) as origin:
        async with Behind(origin.url, folder, tmp_path) as shop:
            assert "Tent" not in (await shop.client.get("/")).text
            for path in ("/p/rope", "/p/mat", "/p/tent"):
                await shop.client.get(path)
            async with asyncio.timeout(20):
                while "Tent" not in (row := (await shop.client.get("/")).text):
                    await asyncio.sleep(0.05)
            desk = shop.tailorbird.desk
            assert desk.publication is not None
            assert "known from its page" in await desk.why("/", Persona(), desk.publication)
        async with Behind(origin.url, folder, tmp_path) as anew:
            assert 'src="/img/TENT.jpg"' in (await anew.client.get("/")).text
    assert 'href="/p/tent"' in row and "129" in row and 'src="/img/TENT.jpg"' in row
    assert "Rope" not in row and "Mat" not in row  # what one visitor, or some, were told
    assert [sum(one.target == path for one in origin.requests) for path in (b"/", b"/p/tent")] == [2, 1]


async def test_a_page_that_is_gone_takes_its_product_off_every_row(tmp_path: Path) -> None:
    folder = {"a.rules.yaml": ROW, "slots.yaml": "slots: {home.row: {}}"}
    pages = {
        b"/": ok(b'<html><body><div data-slot="home.row">ours</div></body></html>', *HTML),
        b"/p/tent": ok(told("TENT", "Tent"), *HTML),
    }
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with (
        Origin(answering(lambda seen: pages.get(seen.target, gone))) as origin,
        Behind(origin.url, folder, tmp_path) as shop,
    ):
        await shop.client.get("/p/tent")
        hub = shop.tailorbird._gateway.stock.shop.products
        await until(lambda: hub.get("TENT"))
        del pages[b"/p/tent"]
        await shop.tailorbird.desk.purge(purge_of(["/p/tent"]))
        assert (await shop.client.get("/p/tent")).status_code == 404
        await until(lambda: not hub.get("TENT"))
        assert "Tent" not in (await shop.client.get("/")).text


async def test_a_saved_rule_is_live_and_a_broken_one_is_not(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        first = shop.tailorbird.desk.publication
        shop.write("a.rules.yaml", RULES.replace("Hello", "Good day"))
        await until(lambda: shop.tailorbird.desk.publication is not first)
        assert "Good day Anna" in (await shop.client.get("/", headers=shop.cookies_of("anna"))).text

        good = shop.tailorbird.desk.publication
        shop.write("a.rules.yaml", RULES.replace("home.hero", "home.heroo"))
        await until(lambda: shop.tailorbird.desk.findings)
        assert shop.tailorbird.desk.publication is good
        assert "Good day Anna" in (await shop.client.get("/", headers=shop.cookies_of("anna"))).text


async def test_a_rule_is_live_once_an_import_brings_its_attribute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.serve.rules.LATER_SECONDS", 0.01)
    folder = {name: text for name, text in FOLDER.items() if name != "attributes.yaml"}
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, folder, tmp_path) as shop:
        assert [finding.code for finding in shop.tailorbird.desk.findings] == ["R101"]
        await shop.tailorbird.store.put_profiles([ANNA])
        await until(lambda: shop.tailorbird.desk.publication)
        async with asyncio.timeout(30):  # a worker hears within a second of what others store
            while "Hello Anna" not in (await shop.client.get("/", headers=shop.cookies_of("anna"))).text:
                await asyncio.sleep(0.01)
        counts = shop.tailorbird.metrics.by_value("tailorbird_rules_reloads_total")
    assert counts == {"refused": 1, "live": 1}


async def test_a_catalogue_that_is_gone_stops_no_rule(tmp_path: Path) -> None:
    catalogue = tmp_path / "products.jsonl"
    catalogue.write_text('{"id": "A-1", "title": "Mug", "link": "/p/A-1"}\n')
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, catalogue=str(catalogue)) as shop,
    ):
        catalogue.unlink()
        for greeting in ("Good day", "Good evening"):
            before = shop.tailorbird.desk.publication
            shop.write("a.rules.yaml", RULES.replace("Hello", greeting))
            await until(lambda: shop.tailorbird.desk.publication is not before)  # noqa: B023


async def test_without_rules_every_page_is_the_origins_own(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, {}, tmp_path) as shop:
        assert (await shop.client.get("/")).content == PAGE
        assert shop.tailorbird.desk.publication is None
        assert shop.tailorbird.desk.findings


async def test_a_pause_shows_the_pages_own_at_once_and_nobody_gets_a_cookie(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA]) as shop:
        versions, anna = Versions(shop.rules), shop.cookies_of("anna")
        assert "Hello Anna" in (await shop.client.get("/", headers=anna)).text
        assert "set-cookie" in (await shop.client.get("/")).headers
        for pause in (Pause(What.RULE, "Known by name"), Pause(What.SLOT, "home.hero"), Pause(What.EVERYTHING)):
            versions.pause([pause], author="Mia", now=1.0)
            await until(lambda: shop.tailorbird.desk.publication.rules[0].paused)
            assert (await shop.client.get("/", headers=anna)).content == PAGE
            assert shop.tailorbird.metrics.live[-1].decisions[0].detail == "paused"
            assert "\ntailorbird_rules_paused 1\n" in await shop.tailorbird.desk.metrics_text()
            shop.client.cookies.clear()
            assert ("set-cookie" in (await shop.client.get("/")).headers) is not shop.tailorbird.desk.publication.is_off
            versions.resume([pause], author="Mia", now=1.0)
            await until(lambda: not shop.tailorbird.desk.publication.rules[0].paused)
        assert "Hello Anna" in (await shop.client.get("/", headers=anna)).text


async def test_in_published_mode_a_saved_rule_waits_until_it_is_published(tmp_path: Path) -> None:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA], rules_mode="published") as shop,
    ):
        assert (await shop.client.get("/", headers=shop.cookies_of("anna"))).content == PAGE
        Versions(shop.rules).publish(
            {name: text.encode() for name, text in FOLDER.items()},
            author="Mia",
            message="first",
            now=1.0,
            action=Action.PUBLISHED,
        )
        await until(lambda: shop.tailorbird.desk.publication)
        assert "Hello Anna" in (await shop.client.get("/", headers=shop.cookies_of("anna"))).text


async def test_once_a_button_has_published_or_gone_back_the_next_page_shows_it(tmp_path: Path) -> None:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, rules_mode="published") as shop,
    ):
        desk = shop.tailorbird.desk
        await desk.publish("Mia", "first")
        assert [rule.name for rule in desk.publication.rules] == ["Known by name"]
        shop.write("a.rules.yaml", RULES.replace("Known by name", "Known"))
        await desk.publish("Mia", "renamed")
        assert [rule.name for rule in desk.publication.rules] == ["Known"]
        await desk.roll_back(1, "Mia")
        assert [rule.name for rule in desk.publication.rules] == ["Known by name"]


async def test_each_good_state_of_a_saved_folder_is_in_the_history(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        versions = Versions(shop.rules)
        await until(lambda: versions.live() == 1)
        shop.write("a.rules.yaml", RULES.replace("home.hero", "home.heroo"))
        await until(lambda: shop.tailorbird.desk.findings)
        shop.write("a.rules.yaml", RULES.replace("Hello", "Good day"))
        await until(lambda: versions.live() == 2)
        assert versions.files(1) == {name: text.encode() for name, text in FOLDER.items()}


def test_settings_that_make_no_sense_are_told_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no origin"):
        Tailorbird(Settings(secret="a-secret-for-tests-long-enough", store=f"sqlite:{tmp_path}/shop.db"))
    assert not list(tmp_path.iterdir())
