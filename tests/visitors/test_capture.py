"""What pages tell by themselves, through the real listener into a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.catalogue.product_index import ProductIndex
from proxy.http.message import Request
from proxy.model import Arrival, Item, Visitor
from proxy.page.page_subject import PageSubject
from proxy.settings import Settings
from proxy.visitors.capture import Capture, View
from proxy.visitors.view_content import MOST_SHOWN
from proxy.visitors.visitor import Cookies
from tests.visitors.test_journal import NOON, World
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, by_path, ok

PAGE = b"""<!doctype html><html><head><script type="application/ld+json">
{"@type": "Product", "sku": "hoka-1", "brand": "Hoka"}</script></head>
<body><div data-slot="home.hero">ours</div></body></html>"""
LIST = b'<html><body><ul data-list="shoes"></ul></body></html>'
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=600")
PRIVATE = (b"content-type: text/html; charset=utf-8", b"cache-control: private")
RULES = """version: 1
rules:
  - name: Second look
    slot: home.hero
    priority: high
    when: {viewed: {brand: hoka, times: at least 2}}
    show: {banner: {title: Back again}}
  - name: First look
    slot: home.hero
    show: {banner: {title: Welcome}}
"""
FOLDER = {"a.rules.yaml": RULES, "slots.yaml": "slots: {home.hero: {}}"}
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
OPENED = {"user-agent": CHROME, "accept": "text/html,*/*;q=0.8", "sec-fetch-dest": "document"}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Behind]:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as behind:
        yield behind


async def log(shop: Behind, most: int) -> list[Arrival]:
    """The first events of the log, once there are so many."""
    async with asyncio.timeout(30):
        while len(arrivals := (await shop.tailorbird.store.log("", most))[0]) < most:
            await asyncio.sleep(0.005)
    return list(arrivals)


async def test_a_page_that_is_opened_tells_what_it_is_and_what_it_showed(shop: Behind) -> None:
    headers = {**OPENED, **shop.cookies_of("anna"), "referer": "https://www.search.example/"}
    await shop.client.get("/p/hoka?utm_campaign=spring", headers=headers)
    view, product = await log(shop, 2)
    assert (view.visitor_id, view.event.kind, view.event.subject) == ("anna", "page viewed", "/p/hoka")
    assert view.event.shown == ("First look",)
    assert view.details == {
        "referrer": "search.example",
        "campaign": "spring",
        "slot home.hero": "First look",
        "device": "desktop",
    }
    assert [(item.product, item.brand) for item in product.event.items] == [("hoka-1", "Hoka")]


async def test_a_page_with_very_many_banners_tells_of_all_of_them(tmp_path: Path) -> None:
    names = [f"home.s{number:02d}" for number in range(MOST_SHOWN + 2)]
    page = "".join(f'<div data-slot="{name}">ours</div>' for name in names).encode()
    rules = "".join(f"  - {{name: {name}, slot: {name}, show: {{banner: {{title: Hi}}}}}}\n" for name in names)
    folder = {
        "a.rules.yaml": f"version: 1\nrules:\n{rules}",
        "slots.yaml": f"slots: {{{', '.join(f'{name}: {{}}' for name in names)}}}",
    }
    async with Origin(always(ok(page, *HTML))) as origin, Behind(origin.url, folder, tmp_path) as shop:
        await shop.client.get("/", headers={**OPENED, **shop.cookies_of("anna")})
        view, *others = [one.event for one in await log(shop, 3)]
    assert [*view.shown, *(other.subject for other in others)] == names
    assert {other.kind for other in others} == {"banner shown"}


async def test_what_was_seen_counts_on_the_very_next_page(shop: Behind) -> None:
    headers = {**OPENED, **shop.cookies_of("anna")}
    seen = ["Back again" in (await shop.client.get("/p/hoka", headers=headers)).text for _ in range(4)]
    assert seen == [False, False, True, True]


async def test_what_was_seen_on_pages_that_ask_nothing_of_it_counts_on_the_next_that_does(tmp_path: Path) -> None:
    rules = """version: 1
rules:
  - {name: Anybody, slot: home.hero, show: {banner: {title: Welcome}}}
  - {name: Keen, slot: home.back, when: {pages viewed: at least 10}, show: {banner: {title: Back again}}}
"""
    folder = {"a.rules.yaml": rules, "slots.yaml": "slots: {home.hero: {}, home.back: {}}"}
    plain, asking = PAGE.replace(b"Product", b"Page"), PAGE.replace(b"home.hero", b"home.back")
    answers = {b"/": ok(plain, *HTML), b"/back": ok(asking, *HTML)}
    async with Origin(by_path(answers)) as origin, Behind(origin.url, folder, tmp_path, recorded_a_second=0) as shop:
        headers = {**OPENED, **shop.cookies_of("anna"), "accept-encoding": "identity"}
        seen, were_pending = [], []
        for path in (*["/"] * 8, "/back", "/", "/back", "/"):
            seen.append("Back again" in (await shop.client.get(path, headers=headers)).text)
            were_pending.append(bool(shop.tailorbird._profiles.pending.pages))
        assert any(were_pending), "each view was counted at once: this tests nothing"
    assert seen == [*[False] * 10, True, False]


async def test_a_banner_that_was_shown_counts_on_the_very_next_page(tmp_path: Path) -> None:
    rules = (
        "version: 1\nrules:\n  - {name: A, slot: home.hero, limit: at most 2 times, show: {banner: {title: Welcome}}}\n"
    )
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, {**FOLDER, "a.rules.yaml": rules}, tmp_path) as shop,
    ):
        headers = {**OPENED, **shop.cookies_of("ben")}
        seen = ["Welcome" in (await shop.client.get("/", headers=headers)).text for _ in range(4)]
    assert seen == [True, True, False, False]


async def test_a_list_tells_its_name_and_a_search_its_words(tmp_path: Path) -> None:
    async with Origin(always(ok(LIST, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        headers = {**OPENED, **shop.cookies_of("anna")}
        await shop.client.get("/c/shoes?colour=red&page=2", headers=headers)
        await shop.client.get("/search?q=trail+shoes&size=40&utm_source=x", headers=headers)
        told = [(one.event.kind, one.event.subject) for one in await log(shop, 6)]
    assert told == [
        ("page viewed", "/c/shoes"),
        ("list viewed", "shoes"),
        ("list filtered", "colour:red"),
        ("page viewed", "/search"),
        ("searched", "trail shoes"),
        ("list filtered", "size:40"),
    ]


async def test_a_page_that_is_not_stored_tells_too(tmp_path: Path) -> None:
    async with Origin(always(ok(LIST, *PRIVATE))) as origin, Behind(origin.url, FOLDER, tmp_path) as shop:
        await shop.client.get("/account", headers={**OPENED, **shop.cookies_of("anna")})
        assert [one.event.subject for one in await log(shop, 2)] == ["/account", "shoes"]


ADDING = "pages: [{path: /basket/add/*, store: no, forms fill the cart: yes}]"


@pytest.mark.parametrize(
    ("path", "referer", "sent", "status", "product"),
    [
        ("/basket/add/7/", "https://shop.example/p/thing_1/?from=list", {}, 302, "SKU-1"),
        ("/basket/add/SKU-1", "", {}, 200, "SKU-1"),
        ("/basket/add/7/", "https://shop.example/c/things", {}, 302, ""),
        ("/basket/add/SKU-1", "", {}, 403, ""),
        ("/basket/add/SKU-1", "", {"sec-gpc": "1"}, 302, ""),
        ("/basket/add/SKU-1", "", {"user-agent": "Googlebot/2.1"}, 302, ""),
        ("/contact", "https://shop.example/p/thing_1/", {}, 302, ""),
    ],
)
async def test_a_form_puts_a_product_into_the_cart_where_the_operator_says_so(
    tmp_path: Path, path: str, referer: str, sent: dict[str, str], status: int, product: str
) -> None:
    """As in Oscar, whose form on a product's page is sent to `/basket/add/7/` and answered by 302."""
    folder = {**FOLDER, "cache.yaml": ADDING, "products.jsonl": '{"id": "SKU-1", "title": "A", "link": "/p/thing_1/"}'}
    answers = {path.encode(): ok(b"", status=b"%d x" % status), b"/": ok(PAGE.replace(b"Product", b"Page"), *HTML)}
    async with Origin(by_path(answers)) as origin, Behind(origin.url, folder, tmp_path) as shop:
        headers = {**OPENED, **shop.cookies_of("anna")}
        await shop.client.post(path, headers={**headers, "referer": referer, **sent}, follow_redirects=False)
        await shop.client.get("/", headers=headers)
        told = [
            (one.event.kind, *(item.product for item in one.event.items)) for one in await log(shop, 1 + bool(product))
        ]
    assert told == [*[("product added", product)] * bool(product), ("page viewed",)]


@pytest.mark.parametrize("is_in_folder", [True, False])
async def test_the_catalogue_says_what_the_page_does_not(tmp_path: Path, *, is_in_folder: bool) -> None:
    line = '{"id": "hoka-1", "title": "Speedgoat", "link": "/p/hoka", "category": "shoes/trail", "price": "139.95 EUR"}'
    (tmp_path / "products.jsonl").write_text(line + "\n")
    folder = {**FOLDER, "products.jsonl": line} if is_in_folder else FOLDER
    catalogue = "" if is_in_folder else str(tmp_path / "products.jsonl")
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, folder, tmp_path, catalogue=catalogue) as shop,
    ):
        await shop.client.get("/p/hoka", headers={**OPENED, **shop.cookies_of("anna")})
        (item,) = (await log(shop, 2))[1].event.items
    assert (item.category, item.brand, item.price) == ("shoes/trail", "Hoka", 139.95)


@pytest.mark.parametrize(
    ("said", "seen"), [("", 99.95), ('"offers": {"price": 149},', 99.95), ('"offers": {"price": 89},', 89.0)]
)
async def test_the_lower_price_of_page_and_catalogue_was_seen_and_what_was_sold_out_is_none(
    tmp_path: Path, said: str, seen: float
) -> None:
    line = '{"id": "hoka-1", "title": "Speedgoat", "link": "/p/hoka", "price": "139.95 EUR", "sale_price": "99.95 EUR"'
    line += ', "in_stock": false}'
    (tmp_path / "products.jsonl").write_text(line + "\n")
    page = PAGE.replace(b'"@type": "Product",', b'"@type": "Product",' + said.encode())
    assert (page == PAGE) is not bool(said)
    async with (
        Origin(always(ok(page, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, catalogue=str(tmp_path / "products.jsonl")) as shop,
    ):
        await shop.client.get("/p/hoka", headers={**OPENED, **shop.cookies_of("anna")})
        (item,) = (await log(shop, 2))[1].event.items
    assert (item.price, item.quantity) == (seen, 0.0)


async def test_a_page_that_says_nothing_is_its_products_by_the_catalogue(tmp_path: Path) -> None:
    """As in a stock Oscar: no JSON-LD, no `data-product`; and the page is a new one as soon as the catalogue is."""
    file, page = tmp_path / "products.jsonl", PAGE.replace(b"Product", b"Page")
    line = '{{"id": "{}", "title": "Thing", "link": "https://shop.example/p/thing_1/", "price": "11 GBP"}}\n'
    file.write_text(line.format("SKU-1"))
    async with (
        Origin(always(ok(page, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, catalogue=str(file)) as shop,
    ):
        headers = {**OPENED, **shop.cookies_of("anna")}
        for _ in range(3):  # asked of the origin, of the cache, and answered as a repeat
            await shop.client.get("/p/thing_1/", headers=headers)
        told = [(one.event.kind, *one.event.items) for one in await log(shop, 6)]
        assert told == [("page viewed",), ("product viewed", Item("SKU-1", price=11.0))] * 3
        shop.tailorbird._gateway.publish(shop.tailorbird._gateway._showing.publication)
        shop.tailorbird._hub().replace([])
        await shop.client.get("/p/thing_1/", headers=headers)
        await shop.client.get("/", headers=headers)
        assert [one.event.kind for one in (await log(shop, 8))[6:]] == ["page viewed"] * 2


@pytest.mark.parametrize(
    "field",
    [
        {"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"},
        {"sec-gpc": "1"},
        {"dnt": "1"},
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"sec-fetch-dest": "empty"},
        {"sec-fetch-dest": "iframe"},
        {"sec-fetch-dest": "", "accept": "*/*"},
    ],
    ids=["bot", "gpc", "dnt", "prerender", "prefetch", "fetched", "framed", "no page"],
)
async def test_only_a_page_that_somebody_opens_counts(shop: Behind, field: dict[str, str]) -> None:
    cookies = shop.cookies_of("anna")
    await shop.client.get("/", headers={**OPENED, **cookies, **field})
    await shop.client.head("/", headers={**OPENED, **cookies})
    await shop.client.get("/counts", headers={**OPENED, **cookies})
    assert (await log(shop, 2))[0].event.subject == "/counts"


async def test_a_first_page_counts_when_its_visitor_comes_back(shop: Behind) -> None:
    first = await shop.client.get("/landing", headers=OPENED)
    await shop.client.get("/", headers={**OPENED, **shop.cookies_of("anna")})
    assert {one.visitor_id for one in await log(shop, 2)} == {"anna"}
    cookie = first.headers["set-cookie"].partition(";")[0]
    await shop.client.get("/second", headers={**OPENED, "cookie": cookie})
    later = (await log(shop, 6))[2:]
    assert [one.event.subject for one in later if one.event.kind == "page viewed"] == ["/landing", "/second"]
    assert len({one.visitor_id for one in later}) == 1


async def test_capture_can_be_turned_off(tmp_path: Path) -> None:
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, tmp_path, capture=False) as shop:
        await shop.client.get("/", headers={**OPENED, **shop.cookies_of("anna")})
        await shop.tailorbird.journal.aclose()
        assert (await shop.tailorbird.store.log("", 10))[0] == []


async def test_a_fault_of_ours_in_what_a_page_tells_costs_nobody_the_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(ProductIndex):
        def get(self, product_id: str) -> None:
            raise RuntimeError(product_id)

    world = World(tmp_path)
    capture = Capture(world.journal, Cookies("secret" * 8), Settings(), Faulty)
    fields = tuple((name.encode(), value.encode()) for name, value in OPENED.items())
    request = Request(b"GET", b"/p/hoka", b"", b"shop.example", fields)
    capture.note(View(NOON, request, PageSubject(), Visitor("anna")))
    capture.note(View(NOON, request, PageSubject(product=Item("hoka-1")), Visitor("anna")))
    assert "what `/p/hoka` told is lost" in caplog.text
    await world.journal.aclose()
    assert [one.event.kind for one in await world.store.log_of("anna")] == ["page viewed"]
    await world.store.aclose()
