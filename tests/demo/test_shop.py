from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

import proxy.demo.shop

Browser = Callable[[], httpx.AsyncClient]

SHARED = ["/", "/c/shoes", "/c/shoes/trail", "/c/food?colour=red&sort=price-up", "/sale", "/p/SKU-1042", "/p/BUN-4"]
PRIVATE = ["/cart", "/cart.json", "/login", "/search", "/search?q=running/trail"]


@pytest.mark.parametrize("path", SHARED + PRIVATE)
async def test_every_page_answers(browser: Browser, path: str) -> None:
    async with browser() as anybody:
        assert (await anybody.get(path)).status_code == 200


async def test_every_link_and_picture_on_the_shared_pages_leads_somewhere(browser: Browser) -> None:
    async with browser() as anybody:
        found: set[str] = set()
        for path in SHARED:
            found |= set(re.findall(r'(?:href|src)="(/[^"]*)"', (await anybody.get(path)).text))
        answers = {address: (await anybody.get(address.replace("&amp;", "&"))).status_code for address in sorted(found)}
    assert len(found) > 100
    assert {address for address, status in answers.items() if status != 200} == {"/account"}
    assert answers["/account"] == 303


@pytest.mark.parametrize("path", SHARED)
async def test_a_shared_page_is_the_same_bytes_for_two_different_sessions(browser: Browser, path: str) -> None:
    async with browser() as anna, browser() as stranger:
        token = (await anna.get("/cart.json")).json()["token"]
        await anna.post("/cart/add", data={"product": "MUSTARD-1", "token": token})
        await anna.post("/login", data={"login": "anna", "password": "demo", "token": token})
        hers, theirs = await anna.get(path), await stranger.get(path)
    assert hers.content == theirs.content
    assert hers.headers["cache-control"].startswith("public, max-age=60")
    assert hers.headers["etag"] == theirs.headers["etag"]
    assert not hers.headers["etag"].startswith("W/")
    assert "set-cookie" not in hers.headers
    assert "vary" not in hers.headers


@pytest.mark.parametrize("path", PRIVATE)
async def test_a_private_page_says_so(browser: Browser, path: str) -> None:
    async with browser() as anybody:
        headers = (await anybody.get(path)).headers
    assert headers["cache-control"] in ("private, no-store", "private, no-cache")
    assert headers["vary"] == "Cookie"


async def test_a_visitor_who_has_the_page_gets_a_304(browser: Browser) -> None:
    async with browser() as anybody:
        first = await anybody.get("/")
        again = await anybody.get("/", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]


async def test_campaign_parameters_change_nothing_in_a_page(browser: Browser) -> None:
    async with browser() as anybody:
        plain = await anybody.get("/c/shoes")
        campaign = await anybody.get("/c/shoes?utm_campaign=spring&gclid=1")
    assert plain.content == campaign.content


async def test_an_unknown_address_is_a_404_that_nobody_stores(browser: Browser) -> None:
    async with browser() as anybody:
        for path in ("/nope", "/p/NOPE", "/c/nope", "/c/shoes/", "/order/NW-0000000000"):
            answer = await anybody.get(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
            assert "This path leads nowhere" in answer.text


@pytest.mark.parametrize("path", [*SHARED, *PRIVATE, "/nope", "/static/shop.css"])
async def test_every_answer_carries_the_safety_headers(browser: Browser, path: str) -> None:
    async with browser() as anybody:
        headers = (await anybody.get(path)).headers
    assert "unsafe" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


class Inlined(HTMLParser):
    """Collects what a strict CSP would refuse, and pictures that would move the page."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.unsized: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or "style" in given or any(name.startswith("on") for name in given):
            self.refused.append(self.get_starttag_text() or tag)
        if tag == "script" and not given.get("src"):
            self.refused.append(tag)
        if tag == "img" and not {"width", "height", "alt"} <= given.keys():
            self.unsized.append(self.get_starttag_text() or tag)


@pytest.mark.parametrize("path", [*SHARED, "/cart", "/login", "/search?q=trail", "/nope"])
async def test_no_page_has_an_inline_script_or_style_or_an_unsized_picture(browser: Browser, path: str) -> None:
    async with browser() as anybody:
        page = Inlined()
        page.feed((await anybody.get(path)).text)
    assert page.refused == []
    assert page.unsized == []


@pytest.mark.parametrize(
    ("path", "slots"),
    [
        ("/", ["all.topbar", "home.hero", "home.row"]),
        ("/c/shoes/trail", ["all.topbar", "category.banner"]),
        ("/p/SKU-1042", ["all.topbar", "product.extras"]),
        ("/cart", ["all.topbar", "cart.extras"]),
        ("/search?q=trail", ["all.topbar", "search.banner"]),
    ],
)
async def test_pages_mark_their_slots(browser: Browser, path: str, slots: list[str]) -> None:
    async with browser() as anybody:
        assert re.findall(r'data-slot="([^"]+)"', (await anybody.get(path)).text) == slots


@pytest.mark.parametrize(("path", "name"), [("/c/food", "category"), ("/search?q=trail", "search"), ("/sale", "sale")])
async def test_listings_mark_their_products(browser: Browser, path: str, name: str) -> None:
    async with browser() as anybody:
        text = (await anybody.get(path)).text
    listing = text.partition(f'data-list="{name}"')[2].partition("</ul>")[0]
    assert len(re.findall(r'<li class="card" data-product="[A-Z0-9-]+">', listing)) >= 15


async def test_the_shop_knows_nothing_of_who_stands_in_front_of_it(browser: Browser) -> None:
    async with browser() as anybody:
        for path in [*SHARED, *PRIVATE, "/static/shop.css", "/static/shop.js"]:
            assert not re.search("tailorbird|_tb", (await anybody.get(path)).text, re.IGNORECASE)


def test_the_shop_imports_nothing_of_the_proxy() -> None:
    entry = Path(proxy.demo.shop.__file__)
    seen, todo = set(), {entry}
    while todo:
        path = todo.pop()
        seen.add(path.name)
        for module in re.findall(r"^from proxy\.(\S+) import|^import proxy", path.read_text("utf-8"), re.MULTILINE):
            assert module.startswith("demo"), f"{path.name} imports proxy.{module}"
            todo |= {entry.parent / f"{module.split('.')[1]}.py"} if "." in module else set()
        todo |= {
            entry.parent / f"{name}.py"
            for name in re.findall(r"^from proxy\.demo import (\w+)", path.read_text("utf-8"), re.MULTILINE)
        }
        todo = {path for path in todo if path.name not in seen}
    assert {"checkout.py", "answers.py", "sessions.py"} <= seen
    assert "visitors.py" not in seen
