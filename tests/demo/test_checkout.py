from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

Browser = Callable[[], httpx.AsyncClient]

OWN = {"Origin": "http://shop.test"}
ADDRESS = {"name": "Cleo Martens", "email": "cleo@example.com", "street": "Graslei 3", "city": "9000 Ghent"}


async def token_of(browser: httpx.AsyncClient) -> str:
    return str((await browser.get("/cart.json")).json()["token"])


async def test_a_product_is_added_from_a_cached_page_with_the_fetched_token(browser: Browser) -> None:
    async with browser() as cleo:
        form = {"product": "HOTDOG-6", "quantity": "2", "token": await token_of(cleo)}
        answer = await cleo.post("/cart/add", data=form, headers={"Accept": "application/json"})
        assert answer.json() == {"count": 2, "added": "Hot dogs, six"}
        assert (await cleo.get("/cart.json")).json()["count"] == 2
        assert "Hot dogs, six" in (await cleo.get("/cart")).text


async def test_without_the_script_a_form_of_our_own_page_works_too(browser: Browser) -> None:
    async with browser() as cleo:
        answer = await cleo.post("/cart/add", data={"product": "MUSTARD-1"}, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
        assert (await cleo.get("/cart.json")).json()["count"] == 1


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site", **OWN}],
    ids=["no proof", "other site", "sandboxed frame", "cross-site"],
)
@pytest.mark.parametrize("path", ["/cart/add", "/cart/change", "/checkout", "/login", "/logout"])
async def test_a_post_of_another_site_is_refused(browser: Browser, path: str, headers: dict[str, str]) -> None:
    async with browser() as cleo:
        await cleo.post("/cart/add", data={"product": "MUSTARD-1"}, headers=OWN)
        form = {"product": "SKU-1042", "login": "anna", "password": "demo", **ADDRESS}
        answer = await cleo.post(path, data=form, headers=headers)
        assert answer.status_code == 403
        assert answer.headers["cache-control"] == "no-store"
        assert (await cleo.get("/cart.json")).json()["count"] == 1


async def test_another_sessions_token_is_refused_even_from_our_own_page(browser: Browser) -> None:
    async with browser() as cleo, browser() as thief:
        form = {"product": "MUSTARD-1", "token": await token_of(thief)}
        assert (await cleo.post("/cart/add", data=form, headers=OWN)).status_code == 403


async def test_quantities_are_changed_and_lines_taken_out(browser: Browser) -> None:
    async with browser() as cleo:
        token = await token_of(cleo)
        for product in ("MUSTARD-1", "KETCHUP-2"):
            await cleo.post("/cart/add", data={"product": product, "token": token})
        await cleo.post("/cart/change", data={"product": "MUSTARD-1", "quantity": "5", "token": token})
        await cleo.post("/cart/change", data={"product": "KETCHUP-2", "quantity": "0", "token": token})
        page = (await cleo.get("/cart")).text
        assert (await cleo.get("/cart.json")).json()["count"] == 5
    lines = page.partition('<ul class="lines">')[2].partition("</ul>")[0]
    assert "Mustard" in lines
    assert "Ketchup" not in lines
    assert "€10.00" in lines


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"product": "NOPE"}, 404),
        ({"product": "BUN-4"}, 409),
        ({"product": "MUSTARD-1", "quantity": "-1"}, 400),
        ({"product": "MUSTARD-1", "quantity": "many"}, 400),
    ],
)
async def test_what_cannot_be_bought_is_not_added(browser: Browser, form: dict[str, str], status: int) -> None:
    async with browser() as cleo:
        assert (await cleo.post("/cart/add", data=form, headers=OWN)).status_code == status
        assert (await cleo.get("/cart.json")).json()["count"] == 0


async def test_checkout_makes_an_order_that_only_its_buyer_sees(browser: Browser) -> None:
    async with browser() as cleo, browser() as stranger:
        token = await token_of(cleo)
        await cleo.post("/cart/add", data={"product": "HOTDOG-6", "quantity": "3", "token": token})
        assert "Your order" in (await cleo.get("/checkout")).text
        placed = await cleo.post("/checkout", data={**ADDRESS, "token": token})
        address = placed.headers["location"]
        assert re.fullmatch(r"/order/NW-[0-9A-F]{10}", address)
        order = await cleo.get(address)
        assert "Thank you, Cleo Martens" in order.text
        assert "€13.95" in order.text
        assert order.headers["cache-control"] == "private, no-store"
        assert (await cleo.get("/cart.json")).json()["count"] == 0
        assert (await stranger.get(address)).status_code == 404
        assert (await cleo.post("/checkout", data={**ADDRESS, "token": token})).headers["location"] == "/cart"


async def test_an_address_with_problems_comes_back_with_them(browser: Browser) -> None:
    async with browser() as cleo:
        token = await token_of(cleo)
        await cleo.post("/cart/add", data={"product": "HOTDOG-6", "token": token})
        answer = await cleo.post("/checkout", data={**ADDRESS, "email": "cleo", "city": " ", "token": token})
    assert answer.status_code == 422
    assert "does not look like an e-mail address" in answer.text
    assert "Please fill this in" in answer.text
    assert 'value="Cleo Martens"' in answer.text


async def test_an_empty_cart_does_not_reach_the_checkout(browser: Browser) -> None:
    async with browser() as cleo:
        answer = await cleo.get("/checkout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cart")
