from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from proxy.demo.sessions import COOKIE

Browser = Callable[[], httpx.AsyncClient]


async def token_of(browser: httpx.AsyncClient) -> str:
    return str((await browser.get("/cart.json")).json()["token"])


async def log_in(browser: httpx.AsyncClient, login: str, password: str = "demo") -> httpx.Response:
    form = {"login": login, "password": password, "token": await token_of(browser)}
    return await browser.post("/login", data=form)


@pytest.mark.parametrize("login", ["anna", "ben", "cleo", "dan", "Anna "])
async def test_the_demo_customers_can_log_in(browser: Browser, login: str) -> None:
    async with browser() as customer:
        assert (await log_in(customer, login)).headers["location"] == "/account"
        account = await customer.get("/account")
    assert f"Hello, {login.strip().title()}" in account.text
    assert account.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(("login", "password"), [("anna", "wrong"), ("nobody", "demo"), ("", "")])
async def test_a_wrong_password_says_so_and_opens_nothing(browser: Browser, login: str, password: str) -> None:
    async with browser() as customer:
        answer = await log_in(customer, login, password)
        assert answer.status_code == 422
        assert "do not go together" in answer.text
        assert (await customer.get("/account")).headers["location"] == "/login"


async def test_logging_in_keeps_the_cart_under_a_new_session_id(browser: Browser) -> None:
    async with browser() as anna:
        await anna.post("/cart/add", data={"product": "MUSTARD-1", "token": await token_of(anna)})
        planted = anna.cookies[COOKIE]
        await log_in(anna, "anna")
        assert anna.cookies[COOKIE] != planted
        assert (await anna.get("/cart.json")).json()["count"] == 1
    async with browser() as thief:
        thief.cookies.set(COOKIE, planted)
        assert (await thief.get("/account")).headers["location"] == "/login"
        assert (await thief.get("/cart.json")).json()["count"] == 0


async def test_an_account_lists_its_orders_and_fills_in_the_checkout(browser: Browser) -> None:
    async with browser() as ben:
        await log_in(ben, "ben")
        token = await token_of(ben)
        await ben.post("/cart/add", data={"product": "SKU-1042", "token": token})
        assert 'value="Ben Hartley"' in (await ben.get("/checkout")).text
        address = {"name": "Ben", "email": "ben@example.com", "street": "4 Fell Lane", "city": "Ambleside"}
        number = (await ben.post("/checkout", data={**address, "token": token})).headers["location"]
    async with browser() as elsewhere:
        await log_in(elsewhere, "ben")
        assert number in (await elsewhere.get("/account")).text
        assert (await elsewhere.get(number)).status_code == 200


async def test_logging_out_ends_the_session(browser: Browser) -> None:
    async with browser() as dan:
        await log_in(dan, "dan")
        await dan.post("/logout", data={"token": await token_of(dan)})
        assert (await dan.get("/account")).headers["location"] == "/login"
