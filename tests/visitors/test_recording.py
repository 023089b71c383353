"""What is recorded of page views: what rules asked, what the request alone says, and no name that a banner greets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from proxy.catalogue.rows import RowSpec
from proxy.catalogue.strategies import source
from proxy.metrics import Metrics
from proxy.model import Cap, Fact, Measure, OneOf, Reading, View, measure_name
from proxy.page.fragments import Wrapper
from proxy.page.product_row import product_row
from proxy.rulebook.compile import Publication
from proxy.stores import open_store, open_views
from proxy.visitors.recording import Keeper, Recorder
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON, PAGE, SHARED, Site, eventually, in_segment, published, shown

KEPT = "tailorbird_views_recorded_total"
EVERY = 1e9


def asking(attribute: str) -> Publication:
    return published(shown("Hello {first name|you}", when=Fact(attribute, OneOf(frozenset({"x"})))))


async def recorded(publication: Publication, path: bytes, **settings: object) -> View:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=publication, recorded_a_second=EVERY, **settings) as site,
    ):
        await site.remember("anna", **{"first name": "Anna", "orders": 3.0, "tier": "gold"})
        await site.get(path, site.visitor("anna", "VIP"), (b"accept-language", b"nl-BE"))
        (view,) = site.recorder.take()
        return view


async def test_a_view_tells_what_deciding_it_again_takes() -> None:
    view = await recorded(published(shown("For VIPs", when=in_segment("VIP"))), b"/")
    assert (view.at, view.visitor, view.shown) == (NOON, "anna", {"home.hero": "rule 0"})
    assert view.attributes == {
        "page": "/",
        "visitor": "returning",
        "language": frozenset({"nl", "nl-be"}),
        "segment": frozenset({"VIP"}),
    }
    assert {"country", "device", "campaign", "referrer"} <= set(view.unknown)


async def test_a_page_that_was_shown_before_is_recorded_like_one_that_is_decided_now() -> None:
    publication = published(shown("For VIPs", when=in_segment("VIP")))
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=publication, recorded_a_second=EVERY) as site,
    ):
        for visitor in ("anna", "anna", "bert", "bert"):
            await site.get(b"/", site.visitor(visitor, "VIP"))
        views = list(site.recorder.take())
    assert [view.visitor for view in views] == ["anna", "anna", "bert", "bert"]
    assert all(structs.replace(view, visitor="anna") == views[0] for view in views)


async def test_a_row_without_products_is_recorded_as_deciding_again_gives_it() -> None:
    own, title = shown("Seen")
    asks = {own.variant: RowSpec((source("recently viewed", []),))}
    row = replace(published((own, title), shown("Next", order=1)), asks=asks)
    publication = replace(row, fragments={**row.fragments, own.variant: product_row(Wrapper(own.name))})
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=publication, recorded_a_second=EVERY) as site,
    ):
        assert b"Next" in (await site.get(b"/", site.visitor("anna"))).body
        (view,) = site.recorder.take()
    assert view.shown == {"home.hero": own.name}


async def test_of_the_profile_only_what_rules_ask_is_recorded_and_no_name_in_a_greeting() -> None:
    view = await recorded(asking("tier"), b"/")
    assert view.attributes["tier"] == "gold"
    assert not {"orders", "first name"} & (view.attributes.keys() | set(view.unknown))


async def test_what_a_visitor_typed_is_recorded_only_when_a_rule_asks() -> None:
    assert "search term" not in (await recorded(asking("tier"), b"/?q=my+name")).attributes
    assert (await recorded(asking("search term"), b"/?q=boots")).attributes["search term"] == "boots"


async def test_what_caps_read_is_recorded_too() -> None:
    shows, title = shown("Not often")
    measure = Measure(Reading.COUNT, ("banner shown",))
    capped = replace(shows, caps=(Cap("once", measure, 1.0),))
    view = await recorded(published((capped, title)), b"/")
    assert view.readings == {measure_name(measure): None}


async def test_crawlers_are_not_recorded() -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=published(shown("All")), recorded_a_second=EVERY) as site,
    ):
        for agent in (b"Mozilla/5.0 (compatible; Googlebot/2.1)", b"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"):
            await site.get(b"/", (b"user-agent", agent))
        assert [view.attributes["device"] for view in site.recorder.take()] == ["desktop"]


async def test_it_records_as_many_as_it_may_and_not_more() -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=published(shown("All")), recorded_a_second=4.0) as site,
    ):
        for _ in range(20):
            await site.get(b"/")
        assert len(list(site.recorder.take())) == 4
        site.now += 0.5
        for _ in range(20):
            await site.get(b"/")
        assert len(list(site.recorder.take())) == 2
        site.now += 3_600
        for _ in range(20):
            await site.get(b"/")
        assert len(list(site.recorder.take())) == 4


async def test_nothing_is_recorded_where_it_is_off() -> None:
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=published(shown("All")), recorded_a_second=0.0) as site,
    ):
        await site.get(b"/")
        assert list(site.recorder.take()) == []


async def test_what_is_noted_at_the_end_is_kept_too(tmp_path: Path) -> None:
    url, metrics, recorder = f"sqlite:{tmp_path}/views.db", Metrics(), Recorder(EVERY)
    await open_store(url).aclose()
    log = open_views(url)
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=published(shown("All")), recorded_a_second=EVERY) as site,
    ):
        await site.get(b"/")
        recorder = site.recorder
    task = asyncio.create_task(Keeper(recorder, log, most=10, metrics=metrics).run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await log.get_views(10)) == metrics.get(KEPT, "kept") == 1
    await log.aclose()


async def test_views_that_cannot_be_kept_are_counted_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.visitors.recording.FLUSH_SECONDS", 0.0)
    metrics = Metrics()
    log = open_views(f"sqlite:{tmp_path}/no folder/views.db")
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=published(shown("All")), recorded_a_second=EVERY) as site,
    ):
        task = asyncio.create_task(Keeper(site.recorder, log, most=10, metrics=metrics).run())
        await site.get(b"/")
        await eventually(lambda: metrics.get(KEPT, "lost") == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await log.aclose()


@pytest.mark.parametrize(("asked", "is_recorded"), [("city", True), ("region", False)])
async def test_the_city_of_a_visitor_is_recorded_only_where_a_rule_asks_for_it(asked: str, is_recorded: bool) -> None:
    publication = published(shown("Hello", when=Fact(asked, OneOf(frozenset({"bern"})))))
    places = {"trusted_proxies": ("192.0.2.7",), "city_header": "cf-ipcity", "region_header": "cf-region"}
    async with (
        Origin(always(ok(PAGE, *SHARED))) as origin,
        Site(origin.url, publication=publication, recorded_a_second=EVERY, **places) as site,
    ):
        await site.get(b"/", (b"cf-ipcity", b"Bern"), (b"cf-ipcountry", b"CH"))
        (view,) = site.recorder.take()
    assert (view.attributes.get("city") == "Bern", "city" in view.attributes) == (is_recorded, is_recorded)
    assert (view.attributes["country"], asked in view.unknown) == ("CH", not is_recorded)
