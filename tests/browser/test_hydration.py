"""Banners and listings in pages that React, Vue and Svelte render again in the browser, through the whole proxy. The
fixtures are built with the helpers of `docs/helpers/`; their `plain` pages, which do without, are the control."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from click.testing import CliRunner

from proxy.cli.doctor import command as doctor
from tests.browser.conftest import Tab
from tests.running import link, running
from tests.wire.origin import Origin, by_path, ok

FIXTURES = Path(__file__).parent / "fixtures"
BANNER = "Early access is open"
SALE = "The sale is on"
RULES = f"""
version: 1
rules:
  - name: The sale
    slot: home.hero
    priority: high
    when: {{page: /sale}}
    show:
      banner:
        title: {SALE}
  - name: Early access
    slot: home.hero
    show:
      banner:
        title: {BANNER}
  - name: E before all, A behind
    listing: tents
    pin: {{product: E, at: 1}}
    bury: {{product: A, by: to the end}}
"""
ARRANGED = ["Tent E", "Tent B", "Tent C", "Our own tents", "Tent D", "Tent F", "Tent A"]
SEEN = """[...document.querySelectorAll("ul > li")]
    .sort((one, two) => one.getBoundingClientRect().top - two.getBoundingClientRect().top)
    .map(item => item.textContent.split(",")[0])"""
"""What stands there from top to bottom, whatever the order in the document."""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.bar("A11")]
each_framework = pytest.mark.parametrize("framework", ["react", "vue", "svelte"])


def storefront(mode: str) -> Origin:
    """Serves the fixture pages, with the bundles of `mode`: "" for production, ".development"."""
    html, script = b"Content-Type: text/html; charset=utf-8", b"Content-Type: text/javascript"
    pages = {page.name.encode(): page.read_bytes() for page in FIXTURES.glob("*.html")}
    module = b'<script src="/_tb/t.js" defer></script></head>'
    pages |= {b"with-module-" + name: page.replace(b"</head>", module) for name, page in pages.items()}
    answers = {b"/" + name: ok(page, html) for name, page in pages.items()}
    for name in ("react", "vue", "svelte"):
        answers[f"/{name}.js".encode()] = ok((FIXTURES / f"{name}{mode}.js").read_bytes(), script)
    return Origin(by_path(answers))


@pytest_asyncio.fixture(
    scope="module", loop_scope="session", params=["", ".development"], ids=["production", "development"]
)
async def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of Tailorbird in front of the storefront, everybody being shown the banner."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "all.rules.yaml").write_text(RULES)
    (folder / "slots.yaml").write_text("slots: {home.hero: {}}")
    store = f"sqlite:{tmp_path_factory.mktemp('store')}/profiles.db"
    async with storefront(request.param) as origin:
        flags = ["--origin", origin.url, "--rules", str(folder), "--store", store, "--port", "0", "--admin-port", "0"]
        async with running("serve", *flags, until="proxy", TAILORBIRD_SECRET="s" * 32) as printed:
            yield link(printed, "proxy")


@each_framework
async def test_a_slot_by_the_contract_keeps_its_banner_through_hydration_and_rendering_again(
    framework: str, shop: str, tab: Tab
) -> None:
    await tab.page.goto(f"{shop}/{framework}-contract.html")
    before = await tab.page.inner_html("[data-slot='home.hero']")
    await tab.page.click("button")
    await tab.page.get_by_text("Added 1").wait_for()  # the app is alive: it was hydrated, and has rendered again
    assert BANNER in before
    assert await tab.page.inner_html("[data-slot='home.hero']") == before
    assert tab.complaints == []


@each_framework
async def test_a_page_that_a_router_swaps_in_has_its_own_banner(framework: str, shop: str, tab: Tab) -> None:
    calls: list[str] = []
    tab.page.on("request", lambda request: calls.append(request.url))
    await tab.page.goto(f"{shop}/{framework}-contract.html")
    await tab.page.get_by_text("To the sale").click()
    await tab.page.get_by_text(SALE).wait_for()
    await tab.page.get_by_text("Added 0").click()  # rendering again leaves it alone
    await tab.page.get_by_text("Added 1").wait_for()
    assert SALE in await tab.page.inner_html("[data-slot='home.hero']")
    assert [url for url in calls if "/_tb/slots" in url] == [f"{shop}/_tb/slots?names=home.hero&path=%2Fsale"]
    assert tab.complaints == []


@each_framework
async def test_who_comes_back_to_the_first_page_in_the_browser_is_shown_its_banner_again(
    framework: str, shop: str, tab: Tab
) -> None:
    calls: list[str] = []
    tab.page.on("request", lambda request: calls.append(request.url))
    await tab.page.goto(f"{shop}/{framework}-contract.html")
    await tab.page.get_by_text("About us").click()
    await tab.page.wait_for_selector("[data-slot]", state="detached")
    await tab.page.get_by_text("To the start").click()
    await tab.page.get_by_text(BANNER).wait_for()
    assert len([url for url in calls if "/_tb/slots" in url]) == 1, "not when it was opened"
    assert tab.complaints == []


@each_framework
async def test_plain_children_lose_the_banner_and_the_console_says_so(framework: str, shop: str, tab: Tab) -> None:
    served = await tab.page.goto(f"{shop}/{framework}-plain.html")
    assert served is not None
    assert BANNER in await served.text()
    await tab.page.click("button")
    await tab.page.get_by_text("Added 1").wait_for()
    assert BANNER not in await tab.page.inner_html("[data-slot='home.hero']")
    assert tab.complaints != []


@each_framework
async def test_a_listing_stays_in_its_order_through_hydration_and_rendering_again(
    framework: str, shop: str, tab: Tab
) -> None:
    await tab.page.goto(f"{shop}/{framework}-list.html")
    assert await tab.page.evaluate(SEEN) == ARRANGED
    await tab.page.get_by_text("Added 0").click()
    await tab.page.get_by_text("Added 1").wait_for()  # hydrated, and rendered again
    assert await tab.page.evaluate(SEEN) == ARRANGED
    assert (await tab.page.inner_text("ul > li:first-child")).startswith("Tent A, 1 times")  # where the app has it
    await tab.page.get_by_text("More").click()
    await tab.page.get_by_text("Tent G").wait_for()
    assert await tab.page.evaluate(SEEN) == [*ARRANGED, "Tent G"]
    assert tab.complaints == []


@each_framework
async def test_who_sorts_a_listing_in_the_browser_gets_their_order(framework: str, shop: str, tab: Tab) -> None:
    await tab.page.goto(f"{shop}/with-module-{framework}-list.html")
    await tab.page.get_by_text("More").click()  # no sorting: the others stay
    await tab.page.get_by_text("Tent G").wait_for()
    assert await tab.page.evaluate(SEEN) == [*ARRANGED, "Tent G"]
    await tab.page.get_by_text("Last first").click()
    await tab.page.wait_for_function("document.querySelector('ul > li').textContent.startsWith('Tent G')")
    sorted_by_them = ["Tent G", "Tent F", "Tent E", "Our own tents", "Tent D", "Tent C", "Tent B", "Tent A"]
    await tab.page.wait_for_function("!document.querySelector('[data-tb-order]')")
    assert await tab.page.evaluate(SEEN) == sorted_by_them
    assert tab.complaints == []


@each_framework
@pytest.mark.parametrize(("kind", "level"), [("contract", "ok"), ("plain", "warn")])
async def test_doctor_warns_of_the_slot_that_will_be_lost_and_of_no_other(
    framework: str, kind: str, level: str
) -> None:
    async with storefront("") as origin:
        asked = [f"{origin.url}/{framework}-{kind}.html", "--format", "json"]
        result = await asyncio.to_thread(CliRunner().invoke, doctor, asked)
    assert [line["level"] for line in json.loads(result.output) if line["check"] == "hydration"] == [level]
