"""What is asked of a real server over HTTP, and how much of it is read."""

from __future__ import annotations

import asyncio

import pytest

from proxy.doctor import shop_client
from proxy.doctor.fetched import FetchedPage
from proxy.doctor.pictures import Shown
from proxy.doctor.shop_client import ShopClient, is_web_address, path_of
from proxy.errors import OriginError
from proxy.settings import Settings
from proxy.upstream.tls import client_tls
from tests.wire.origin import Origin, Wire, always, by_path, ok, once

PAGE = b"<!doctype html><p>Welcome"


async def fetched(shop: ShopClient, cookies: str = "") -> FetchedPage:
    return await asyncio.to_thread(shop.page, cookies)


async def test_a_page_is_asked_for_as_the_proxy_asks_without_the_environments_proxies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with Origin(always(ok(PAGE, b"X-One: 1"))) as origin:
        page = await fetched(ShopClient(origin.url + "/c%C3%A9?page=2", Settings()), "a=1")
        (seen,) = origin.requests
    assert (page.status, page.path, page.body, page.get(b"x-one")) == (200, "/cé", PAGE, "1")
    assert (seen.target, seen.get(b"cookie")) == (b"/c%C3%A9?page=2", b"a=1")
    assert seen.get(b"surrogate-capability") == b'tailorbird="ESI/1.0"'
    assert seen.get(b"via") and b"*/*" in (seen.get(b"accept") or b"")
    assert seen.get(b"x-forwarded-host") is None


async def test_the_shop_is_asked_by_its_public_address() -> None:
    async with Origin(by_path({b"/": ok(PAGE), b"/a.webp": ok(b"", b"Content-Type: image/webp")})) as origin:
        shop = ShopClient(origin.url + "/", Settings(), "https://www.shop.example")
        await fetched(shop)
        await asyncio.to_thread(shop.shown, ["/a.webp"])
        hosts = [(seen.get(b"host"), seen.get(b"x-forwarded-proto")) for seen in origin.requests]
    assert hosts == [(b"www.shop.example", b"https")] * 2


async def test_the_systems_authorities_are_read_once_for_all_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Settings] = []
    monkeypatch.setattr(shop_client, "client_tls", lambda settings: read.append(settings) or client_tls(settings))
    async with Origin(by_path({b"/": ok(PAGE), b"/a.webp": ok(b"", b"Content-Type: image/webp")})) as origin:
        shop = ShopClient(origin.url + "/", Settings())
        await fetched(shop)
        await fetched(shop, "a=1")
        await asyncio.to_thread(shop.shown, ["/a.webp"])
    assert len(origin.requests) == 3 and len(read) == 1


async def test_a_page_is_read_no_further_than_its_limit() -> None:
    async with Origin(always(ok(b" " * 3_000_000))) as origin:
        page = await fetched(ShopClient(origin.url, Settings(max_page_bytes=100_000)))
    assert 100_000 < len(page.body) < 200_000


@pytest.mark.parametrize(
    "answer", [b"HELO\r\n\r\n", b"", ok(PAGE, b"Content-Encoding: gzip")], ids=["no HTTP", "nothing", "no gzip"]
)
async def test_a_shop_that_answers_in_nothing_readable_is_not_told_to_be_away(answer: bytes) -> None:
    async with Origin(once(answer)) as origin:
        with pytest.raises(OriginError) as raised:
            await fetched(ShopClient(origin.url, Settings()))
    assert "`curl -v`" in raised.value.help


async def test_a_body_that_comes_ever_slower_ends_with_the_time_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_client, "TIMEOUT_SECONDS", 0.3)

    async def drip(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            await wire.send(b"x" * 70_000)
            await asyncio.sleep(0.05)

    async with Origin(drip) as origin:
        with pytest.raises(OriginError, match="the body took longer than"):
            await fetched(ShopClient(origin.url, Settings()))


async def test_of_pictures_and_linked_pages_status_and_type_are_told_and_who_does_not_answer() -> None:
    answers = {b"/here.webp": ok(b"RIFF", b"Content-Type: image/WebP; q=1")}
    async with Origin(by_path(answers)) as origin:
        shop = ShopClient(origin.url + "/", Settings())
        shown = await asyncio.to_thread(shop.shown, ["/here.webp", "/gone", "http://127.0.0.1:1/"])
    assert shown["/here.webp"] == Shown(200, "image/webp")
    assert shown["/gone"].status == 404 and shown["http://127.0.0.1:1/"] == Shown(0, "")


async def test_no_more_pictures_are_asked_for_than_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_client, "TIMEOUT_SECONDS", -1.0)
    monkeypatch.setattr(ShopClient, "_answer", lambda self, client, url: Shown(200, "image/webp"))
    assert list(ShopClient("http://shop.example/", Settings()).shown(["/a", "/b", "/c"])) == ["/a"]


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://shop.example/", True),
        ("http://[::1]:8000/x", True),
        ("shop.example", False),
        ("http://[::1/", False),
        ("http://shop.example:99999/", False),
        ("http://shop.example:0/", False),
        ("file:///etc/hosts", False),
    ],
)
def test_a_web_address_has_a_scheme_and_a_host(url: str, is_one: bool) -> None:
    assert is_web_address(url) is is_one


def test_the_path_of_an_address_is_decoded() -> None:
    assert [path_of(url) for url in ("http://x", "http://x/a%20b?c")] == ["/", "/a b"]
