"""A product stands in its own shop, and its picture at no host that somebody asked the page of."""

from __future__ import annotations

import pytest

from proxy.http.message import Request
from proxy.serve.product_news import link_of, picture_of
from tests.serve.test_product_news import Worker, about, url

__all__ = ["url"]  # fixtures


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://shop.example/p/1?size=2#top", "/p/1?size=2"),
        ("/p/1", "/p/1"),
        ("https://other.example//evil.example/p", "/evil.example/p"),
        ("//evil.example", ""),
        ("javascript:alert(1)", ""),
        ("https://[/p", ""),
        ("", ""),
    ],
)
def test_a_products_address_is_one_of_this_shop(address: str, link: str) -> None:
    assert link_of(address) == link


@pytest.mark.parametrize(
    ("host", "address", "told"),
    [
        (b"evil.test", "https://evil.test/a.jpg?v=2", "/a.jpg?v=2"),
        (b"evil.test:8443", "http://EVIL.test:8443/a.jpg", "/a.jpg"),
        (b"evil.test:8443", "//evil.test//a.jpg", "/a.jpg"),
        (b"[::1]:80", "http://[::1]/a.jpg", "/a.jpg"),
        (b"127.0.0.1", "http://127.0.0.1/a.jpg", "/a.jpg"),
        (b"shop.example", "https://cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        (b"shop.example", "/a.jpg", "/a.jpg"),
        (b"shop.example", "", ""),
        (b"shop.example", "http://[", ""),
    ],
)
def test_a_picture_stands_at_no_host_that_somebody_asked_the_page_of(host: bytes, address: str, told: str) -> None:
    assert picture_of(address, host) == told


async def test_a_request_by_another_host_does_not_set_a_products_picture(url: str) -> None:
    worker = Worker(url, [100.0])
    asked = Request(b"GET", b"/p/mat", b"", b"evil.test", ())
    worker.pages.read(about(image="http://evil.test/mat.jpg", link="http://evil.test/p/mat"), asked)
    worker.pages.take()
    found = worker.hub.get("MAT")
    assert found and (found.link, found.image) == ("/p/mat", "/mat.jpg")
    await worker.pages.aclose()
