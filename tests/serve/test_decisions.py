"""Decisions without a page, beside the page: the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import RequestError
from proxy.model import Fact, OneOf
from proxy.serve.decisions import Decided, Decisions, Wanted, page_at
from proxy.visitors.callers import Caller, StatedContext
from tests.wire.large_shop import catalogue, likes
from tests.wire.large_shop import published as loaded
from tests.wire.origin import Origin, always, ok
from tests.wire.site import NOON, PAGE, SHARED, Site, in_segment, published, shown

ONE = "rules:\n  - name: A\n    slot: home.hero\n"
NOBODY = "http://127.0.0.1:1"
RULES = published(
    shown("Hello {first name|VIP}", when=in_segment("vip")),
    shown("On sale", when=Fact("page", OneOf(frozenset({"/sale"}))), order=1),
    shown("For phones", "app.start", when=Fact("device", OneOf(frozenset({"phone"}))), order=2),
)
PHONE = b"user-agent", b"Mozilla/5.0 (iPhone) Mobile"


def deciding(site: Site) -> Decisions:
    return Decisions(site.gateway._showing, site.metrics, lambda: site.now, "decide")


async def decided(
    site: Site,
    *headers: tuple[bytes, bytes],
    slots: tuple[str, ...] = ("home.hero",),
    by: Caller = Caller(),
    **stated: Any,
) -> Decided:
    return await deciding(site).of(Wanted(slots, site.request(b"/_tb/decide", *headers), by, StatedContext(**stated)))


def told(found: Decided) -> list[Any]:
    assert found.shown is not None
    return [json.loads(one.content) if one.content else None for one in found.shown]


async def test_a_slot_says_what_it_shows_on_the_page_of_that_visitor() -> None:
    async with Origin(always(ok(PAGE, *SHARED))) as origin, Site(origin.url, publication=RULES) as site:
        await site.remember("anna", **{"first name": "<Anna>"})
        (banner,) = told(await decided(site, site.visitor("anna", "vip")))
        assert (banner["rule"], banner["title"]) == ("rule 0", "Hello <Anna>")
        assert banner["html"].encode() in (await site.get(b"/", site.visitor("anna", "vip"))).body
        assert told(await decided(site, site.visitor("anna"))) == [None]
        assert site.metrics.get("tailorbird_decisions_asked_total", "decide") == 2


async def test_attributes_from_a_server_count_and_the_servers_own_headers_do_not() -> None:
    anna = Caller("anna", has_key=True, is_server=True)
    async with Site(NOBODY, publication=RULES) as site:
        await site.remember("anna", **{"first name": "Anna"})
        (banner,) = told(await decided(site, by=anna, segments=frozenset({"vip"})))
        assert banner["title"] == "Hello Anna"
        (banner,) = told(await decided(site, by=anna, segments=frozenset({"vip"}), attributes={"first name": "A."}))
        assert banner["title"] == "Hello A."
        assert told(await decided(site, PHONE, slots=("app.start",), by=anna)) == [None]
        assert told(await decided(site, PHONE, slots=("app.start",)))[0]["title"] == "For phones"
        (start,) = told(await decided(site, slots=("app.start",), by=anna, attributes={"device": "phone"}))
        assert start["title"] == "For phones"


async def test_the_page_and_what_its_address_says_count() -> None:
    async with Site(NOBODY, publication=RULES) as site:
        found = told(await decided(site, slots=("home.hero", "app.start"), page="/sale?size=é"))
        assert [banner and banner["title"] for banner in found] == ["On sale", None]
        with pytest.raises(RequestError):
            await decided(site, page="https://elsewhere.example/")


async def test_a_named_visitor_is_known_as_far_as_consent_allows() -> None:
    app = Caller("anon_1", has_key=True)
    rules = loaded(ONE + "    when: {viewed: {category: any}}\n    show: {banner: {title: Welcome back}}\n", [])
    async with Site(NOBODY, publication=rules) as site:
        site.profiles.remember("anon_1", likes("anon_1", 3), NOON)
        assert told(await decided(site, by=app))[0]["title"] == "Welcome back"
        assert told(await decided(site, (b"sec-gpc", b"1"), by=app)) == [None]


async def test_a_row_says_which_products_it_shows() -> None:
    row = ONE.replace("hero", "row") + "    show: {products: {strategy: [{chosen: [SKU-7, SKU-3]}]}}\n"
    rules = loaded(row, catalogue(60))
    async with Site(NOBODY, publication=rules) as site:
        (row,) = told(await decided(site, slots=("home.row",)))
        assert row["products"] == ["SKU-7", "SKU-3"]
        assert all(f'"{id}"' in row["html"] or id in row["html"] for id in row["products"])


async def test_what_fails_in_deciding_costs_nothing_but_the_decision(caplog: pytest.LogCaptureFixture) -> None:
    rules = loaded(
        "rules:\n  - name: A\n    slot: home.hero\n    when: {viewed: {product: x}}\n    show: {banner: {title: A}}\n",
        [],
    )
    async with Site(NOBODY, publication=rules) as site:
        broken = likes("anna", 3)
        site.profiles.remember("anna", type(broken)("anna", history=(None,), updated_at=NOON), NOON)  # type: ignore[arg-type]
        assert await decided(site, by=Caller("anna", has_key=True, is_server=True)) == Decided(None)
        assert site.metrics.get("tailorbird_decide_errors_total") == 1
    assert "home.hero" in caplog.text


async def test_what_is_decided_so_is_no_view_and_lists_are_none_of_it() -> None:
    rules = loaded("rules:\n  - name: A\n    listing: search\n    boost: [{tag: new, by: a lot}]\n", catalogue(5))
    async with Site(NOBODY, publication=rules) as site:
        assert deciding(site).slots == ["home.hero", "home.row"]
        await decided(site, site.visitor("anna"))
        assert not site.metrics.live


def test_a_page_is_named_by_its_address_as_people_write_it() -> None:
    page = page_at(Site(NOBODY).request(b"/_tb/decide", method=b"POST"), "http://shop.example/é/../sale?a=b c")
    assert (page.method, page.path, page.query) == (b"GET", b"/sale", b"a=b%20c")
