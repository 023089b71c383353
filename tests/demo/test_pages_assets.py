from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from proxy.demo.pages import Assets, static_files

Browser = Callable[[], httpx.AsyncClient]


@pytest.mark.parametrize("path", ["/static/shop.css", "/static/shop.js", "/img/SKU-1042.svg", "/img/hero-sale.svg"])
async def test_a_bare_address_is_kept_for_an_hour_and_can_be_validated(browser: Browser, path: str) -> None:
    async with browser() as anybody:
        first = await anybody.get(path)
        again = await anybody.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert first.headers["cache-control"] == "public, max-age=3600"


async def test_an_address_with_its_fingerprint_is_kept_for_ever(browser: Browser) -> None:
    address = Assets(static_files()).address("/static/shop.css")
    async with browser() as anybody:
        right = await anybody.get(address)
        stale = await anybody.get("/static/shop.css?v=000000000000")
        assert address in (await anybody.get("/")).text
    assert right.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert stale.headers["cache-control"] == "public, max-age=3600"


async def test_media_types_are_exact(browser: Browser) -> None:
    async with browser() as anybody:
        types = [
            (await anybody.get(f"/{path}")).headers["content-type"] for path in ("static/shop.js", "img/BUN-4.svg")
        ]
    assert types == ["text/javascript; charset=utf-8", "image/svg+xml"]


@pytest.mark.parametrize("path", ["/img/nope.svg", "/static/nope", "/static/..%2fshop.py"])
async def test_what_is_not_there_is_a_404(browser: Browser, path: str) -> None:
    async with browser() as anybody:
        assert (await anybody.get(path)).status_code == 404
