from __future__ import annotations

from collections.abc import Callable

import httpx

from proxy.demo.catalogue import load
from proxy.demo.storefront import one_a_department

Browser = Callable[[], httpx.AsyncClient]


async def test_a_listing_is_narrowed_by_its_address(browser: Browser) -> None:
    async with browser() as anybody:
        everything = (await anybody.get("/c/shoes")).text
        red = (await anybody.get("/c/shoes?colour=red")).text
    assert "Fell racer" in everything
    assert "Harbour road shoe" in everything
    assert "Fell racer" in red
    assert "Harbour road shoe" not in red
    assert 'href="/c/shoes">Clear all' in red


async def test_a_listing_that_nothing_fits_says_how_to_go_back(browser: Browser) -> None:
    async with browser() as anybody:
        text = (await anybody.get("/c/shoes?price=0-25")).text
    assert "Nothing fits all of that" in text


async def test_search_shows_what_it_found_and_remembers_the_query_for_this_session_only(browser: Browser) -> None:
    async with browser() as anna, browser() as stranger:
        first = await anna.get("/search", params={"q": "running/trail"})
        second = await anna.get("/search", params={"q": "mustard"})
        theirs = await stranger.get("/search", params={"q": "mustard"})
    assert 'data-product="SKU-1042"' in first.text
    assert "You searched" in second.text
    assert "running/trail" in second.text.replace("&#x2f;", "/")
    assert "You searched" not in theirs.text


async def test_a_query_is_shown_escaped(browser: Browser) -> None:
    async with browser() as anybody:
        text = (await anybody.get("/search", params={"q": '"><script>alert(1)</script>'})).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


async def test_a_sold_out_product_cannot_be_put_into_the_cart_from_its_page(browser: Browser) -> None:
    async with browser() as anybody:
        assert "/cart/add" not in (await anybody.get("/p/BUN-4")).text
        assert "/cart/add" in (await anybody.get("/p/BUN-6")).text


async def test_no_form_of_a_shared_page_holds_a_token(browser: Browser) -> None:
    async with browser() as anybody:
        token = (await anybody.get("/cart.json")).json()["token"]
        text = (await anybody.get("/p/SKU-1042")).text
    assert token not in text
    assert 'name="token"' not in text


def test_a_row_shows_each_department_once() -> None:
    shown = one_a_department(load().items)
    departments = [item.category.partition("/")[0] for item in shown]
    assert len(departments) == len(set(departments)) == 9
