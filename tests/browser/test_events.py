"""The browser module in a real Chromium: what it tells, once each, and to whom it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from proxy.model import Arrival, Event
from tests.browser.chromium import unsteered
from tests.browser.conftest import Tab
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, by_path, ok

PAGE = b"""<!doctype html><html><head><title>x</title><script>window.dataLayer = []</script>
<script src="/_tb/t.js" defer></script></head><body>
<div data-slot="home.hero" style="min-height: 50px">ours</div>
<form data-add-to-cart action="javascript:void(0)"><input name="product" value="hoka-1">
<input name="quantity" value="2"><button>Add</button></form>
<div style="height: 3000px"></div><div data-slot="home.foot" style="min-height: 50px">ours</div></body></html>"""
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=600")
RULES = """version: 1
rules:
  - name: Head
    slot: home.hero
    show: {banner: {title: See this}}
  - name: Foot
    slot: home.foot
    show: {banner: {title: And this}}
"""
FOLDER = {"a.rules.yaml": RULES, "slots.yaml": "slots: {home.hero: {}, home.foot: {}}"}
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    folder = tmp_path_factory.mktemp("shop")
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, folder) as behind:
        yield behind


async def told(shop: Behind, most: int) -> list[tuple[str, str]]:
    """What the module told, kind and subject, once it is so much."""
    async with asyncio.timeout(30):
        while True:
            log = [one for one in (await shop.tailorbird.store.log("", 1_000))[0] if one.source == "browser"]
            if len(log) >= most:
                return [(one.event.kind, one.event.subject) for one in log]
            await asyncio.sleep(0.05)


async def test_what_only_the_browser_knows_is_told_once(shop: Behind, browser: Browser) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        tab = Tab(await context.new_page())
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        await tab.page.goto(shop.url)
        assert await told(shop, 1) == [("banner seen", "Head")]
        await tab.page.get_by_text("See this").click()
        await tab.page.get_by_text("Add", exact=True).click()
        assert (await told(shop, 3))[1:] == [("banner clicked", "Head"), ("product added", "")]
        await tab.page.evaluate("scrollTo(0, 10000)")
        assert (await told(shop, 4))[3] == ("banner seen", "Foot")
        push = "dataLayer.push({event: 'add_to_wishlist', ecommerce: {items: [{item_id: 'hoka-1'}]}})"
        await tab.page.evaluate(f"{push}; history.pushState({{}}, '', '/next')")
        later = (await told(shop, 6))[4:]
        assert sorted(later) == [("page viewed", "/next"), ("product wished for", "")]
        await tab.page.evaluate("tailorbird.track('Size Guide Opened', {size: 40})")
        assert (await told(shop, 7))[6] == ("custom event", "Size Guide Opened")
        visitors = {one.visitor_id for one in (await shop.tailorbird.store.log("", 1_000))[0]}
        assert len(visitors) == 1
        assert tab.complaints == []


async def views_of(shop: Behind, path: str, most: int = 1) -> list[tuple[str, list[str]]]:
    """The views of the page at `path`, once there are so many: who told, and the rules that it showed."""
    async with asyncio.timeout(30):
        while True:
            log = [one for one in (await shop.tailorbird.store.log("", 1_000))[0] if one.event.subject == path]
            if len(log) >= most:
                return [(one.source, sorted(one.event.shown)) for one in log]
            await asyncio.sleep(0.05)


SWAP = """async path => {
    const page = new DOMParser().parseFromString(await (await fetch(path)).text(), "text/html");
    document.body.replaceWith(page.body);
    history.pushState({}, "", path);
}"""
MADE = """async path => {
    document.body.innerHTML = "<div data-slot=home.hero data-tb-raw>ours</div>";
    history.pushState({}, "", path);
    await fetch("/_tb/slots?names=home.hero&path=" + path);
}"""
LATE = """async path => {
    history.pushState({}, "", path);
    await new Promise(data => setTimeout(data, 500));
    document.body.innerHTML = "<div data-slot=home.hero data-tb-raw>ours</div>";
    await fetch("/_tb/slots?names=home.hero&path=" + path);
}"""
AHEAD = """([kind, path]) => {
    const rules = document.createElement("script");
    rules.type = "speculationrules";
    rules.textContent = JSON.stringify({[kind]: [{source: "list", urls: [path], eagerness: "immediate"}]});
    document.head.append(rules);
}"""


async def test_a_page_that_is_swapped_in_is_counted_once_with_what_stands_in_its_slots(
    shop: Behind, browser: Browser
) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        page = await context.new_page()
        await page.goto(shop.url)
        await page.evaluate(SWAP, "/swapped")
        assert await views_of(shop, "/swapped") == [("page", ["Foot", "Head"])]
        await page.evaluate(MADE, "/made")  # as the helpers do
        await views_of(shop, "/made")
        await page.evaluate(LATE, "/late")  # as TanStack Router, whose data comes after the address
        await views_of(shop, "/late")
        await page.evaluate("history.pushState({}, '', '/bare')")
        assert await views_of(shop, "/bare") == [("browser", [])]
        assert await views_of(shop, "/made") == await views_of(shop, "/late") == [("page", ["Head"])]


INTERCEPT = """path => {
    navigation.addEventListener("navigate", event => event.intercept({handler: async () => {
        document.body.innerHTML = "<div data-slot=home.hero>ours</div>";
    }}), {once: true});
    return navigation.navigate(path).finished.then(() => {});
}"""


async def test_a_page_that_a_router_swaps_in_without_push_state_is_counted(shop: Behind, browser: Browser) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        page = await context.new_page()
        await page.goto(shop.url)
        await page.evaluate(INTERCEPT, "/intercepted")
        assert await views_of(shop, "/intercepted") == [("page", ["Head"])]


async def test_a_part_of_the_page_that_a_link_leads_to_is_no_page_but_one_of_a_router_is(
    shop: Behind, browser: Browser
) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        page = await context.new_page()
        await page.goto(shop.url)
        await page.evaluate("location.hash = '#reviews'")
        await page.evaluate("history.replaceState({}, '', '?colour=red#reviews')")
        await page.evaluate("location.hash = '#sizes'")
        await page.evaluate("history.pushState({}, '', location.href)")  # as for a picture that is shown in full
        await page.go_back()
        await page.evaluate("setTimeout(() => tailorbird.track('Later'), 1500)")  # after what would be counted
        seen = [one for one in await told(shop, 2) if one[0] != "banner seen"]
        assert seen == [("custom event", "Later")]
        await page.evaluate("location.hash = '#/tents'")
        assert ("page viewed", "/") in await told(shop, 3)


@pytest.mark.parametrize("kind", ["prefetch", "prerender"])
async def test_a_page_that_was_fetched_ahead_of_time_is_counted_when_it_is_opened(
    browser: Browser, tmp_path: Path, kind: str
) -> None:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path) as shop,
        await browser.new_context(user_agent=CHROME) as context,
    ):
        page = await context.new_page()
        await page.goto(shop.url)
        await page.evaluate(AHEAD, [kind, "/next"])
        async with asyncio.timeout(30):
            while not any(seen.target == b"/next" for seen in origin.requests):
                await asyncio.sleep(0.05)
        await page.evaluate("location.assign('/next')")
        assert await views_of(shop, "/next") == [("page", ["Foot", "Head"])]


PRODUCT = PAGE.replace(
    b"</head>",
    b"""<script>dataLayer.push({event: "view_item", ecommerce: {items: [{item_id: "hoka-1"}]}})</script>
<script type="application/ld+json">{"@type": "Product", "sku": "hoka-1", "name": "Hoka"}</script><script>
if (document.prerendering) document.addEventListener("prerenderingchange", () => tailorbird.track("Was prerendered"))
</script></head>""",
)
PRERENDERED = PAGE.replace(
    b"</head>",
    b"""<script type="speculationrules">{"prerender": [{"source": "list", "urls": ["/p"], "eagerness": "immediate"}]}
</script><script>onload = () => setTimeout(() => location.assign("/p"), 4000)</script></head>""",
)


async def products_viewed(shop: Behind) -> list[str]:
    """Who told that a product was viewed, a while after its page was, so that it may have been told twice."""
    await views_of(shop, "/p")
    await asyncio.sleep(1.5)
    return [one.source for one in await log(shop) if one.event.kind == "product viewed"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("script", [AHEAD, SWAP])
async def test_a_product_whose_page_is_swapped_in_or_fetched_ahead_of_time_is_viewed_once(
    browser: Browser, tmp_path: Path, script: str, known: bool
) -> None:
    folder = FOLDER | (
        {"products.jsonl": '{"id": "hoka-1", "title": "Hoka", "link": "/p", "price": 9}'} if known else {}
    )
    product = PRODUCT if known else PRODUCT.replace(b"ld+json", b"json")  # what pages say is known, too
    async with (
        Origin(by_path({b"/": ok(PAGE, *HTML), b"/p": ok(product, *HTML)})) as origin,
        Behind(origin.url, folder, tmp_path) as shop,
        await browser.new_context(user_agent=CHROME) as context,
    ):
        page = await context.new_page()
        await page.goto(shop.url)
        if script is AHEAD:
            await page.evaluate(AHEAD, ["prefetch", "/p"])
            async with asyncio.timeout(30):
                while not any(seen.target == b"/p" for seen in origin.requests):
                    await asyncio.sleep(0.05)
            await page.evaluate("location.assign('/p')")
        else:
            await page.evaluate(SWAP, "/p")
            await page.evaluate("dataLayer.push({event: 'view_item', ecommerce: {items: [{item_id: 'hoka-1'}]}})")
        assert await products_viewed(shop) == ["page" if known else "browser"]


async def test_a_page_that_was_prerendered_is_counted_once_when_it_is_shown(tmp_path: Path) -> None:
    """In a browser that nobody steers: one that is steered prerenders nothing."""
    pages = {b"/": ok(PRERENDERED, *HTML), b"/p": ok(PRODUCT, *HTML)}
    async with Origin(by_path(pages)) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        async with unsteered(shop.url, CHROME):
            assert await products_viewed(shop) == ["browser"]
        assert await views_of(shop, "/p") == [("page", ["Foot", "Head"])]
        told_by_it = await told(shop, 4)
        assert ("custom event", "Was prerendered") in told_by_it
        assert told_by_it.count(("banner seen", "Head")) == 2


async def test_a_click_that_opens_a_page_in_a_tab_of_its_own_counts_and_a_double_click_once(
    shop: Behind, browser: Browser
) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        page = await context.new_page()
        await page.goto(shop.url)
        link = "<div data-tb-rule=Row data-tb-variant=Row><a href='#x'>Link</a><p>Text</p></div>"
        await page.evaluate(f"document.body.insertAdjacentHTML('afterbegin', `{link}`)")
        before = len([one for one in await log(shop) if is_click(one.event, "Row")])
        for button in ("middle", "right"):
            await page.get_by_text("Link").click(button=button)
            await page.get_by_text("Text", exact=True).click(button=button)
        await page.get_by_text("Link").dblclick()
        await page.evaluate("tailorbird.track('Last')")
        async with asyncio.timeout(30):
            while ("custom event", "Last") not in await told(shop, 1):
                await asyncio.sleep(0.05)
        assert len([one for one in await log(shop) if is_click(one.event, "Row")]) == before + 2


def is_click(event: Event, rule: str) -> bool:
    return (event.kind, event.subject) == ("banner clicked", rule)


async def test_a_click_in_a_row_names_the_product_of_the_card(shop: Behind, browser: Browser) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        page = await context.new_page()
        await page.goto(shop.url)
        row = "<div data-tb-rule=Row data-tb-variant=Row><p data-product=hoka-1>Card <b>hoka</b></p><i>More</i></div>"
        await page.evaluate(f"document.body.insertAdjacentHTML('afterbegin', '{row}')")
        await page.get_by_text("hoka", exact=True).click()
        await page.get_by_text("More", exact=True).click()
        async with asyncio.timeout(30):
            while len(clicks := [one.event for one in await log(shop) if is_click(one.event, "Row")]) < 2:
                await asyncio.sleep(0.05)
    assert [[item.product for item in click.items] for click in sorted(clicks)] == [["hoka-1"], []]


async def log(shop: Behind) -> Sequence[Arrival]:
    return (await shop.tailorbird.store.log("", 1_000))[0]


async def test_whose_browser_says_so_is_told_nothing_of(shop: Behind, browser: Browser) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        page = await context.new_page()
        await page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        await page.goto(shop.url)
        await page.get_by_text("See this").click()
        assert await page.evaluate("typeof tailorbird") == "undefined"
        assert sent == []
