"""What stands in a page's lists, as the shop sends it to a stranger."""

from __future__ import annotations

import pytest

from proxy.errors import OriginError
from proxy.http.message import Request
from proxy.rulebook.compile import load
from proxy.serve.page_lists import PageLists
from proxy.settings import Settings
from proxy.upstream.asking import Asking
from proxy.upstream.origins import Origins
from tests.wire.origin import Origin, always, ok

CARDS = b"<ul data-list=search>" + b"".join(b"<li data-product=%c>x</li>" % id for id in b"ABC") + b"</ul>"
FOLDER = {
    "a.rules.yaml": b"rules:\n  - {name: C first, listing: search, pin: {product: C}}\n",
    "slots.yaml": b"listings: {all: {page: /api/*, json: $.found}}",
}
JSON = b'{"found": [{"id": "B"}, {"id": "A"}]}'


async def lists(url: str, path: bytes, **settings: int) -> dict[str, list[str]]:
    publication = load(FOLDER).publication
    assert publication is not None
    made = Settings(origin=(url,), **settings)  # type: ignore[arg-type]
    origins = Origins(made.origin, made)
    try:
        page = Request(b"GET", path, b"q=a", b"", ((b"cookie", b"sid=1"),))
        found = await PageLists(Asking(origins, made), made).of(page, publication)
    finally:
        await origins.aclose()
    return {name: list(products) for name, products in found.items()}


async def test_the_products_of_each_list_come_in_the_shops_order_as_a_stranger_sees_them() -> None:
    async with Origin(always(ok(CARDS, b"content-type: text/html"))) as origin:
        assert await lists(origin.url, b"/search") == {"listing:search": ["A", "B", "C"]}
        assert origin.requests[0].get(b"cookie") is None
        assert await lists(origin.url, b"/search", max_page_bytes=20) == {}, "a page that is passed on as it comes"


async def test_an_apis_answer_has_lists_too() -> None:
    async with Origin(always(ok(JSON, b"content-type: application/json"))) as origin:
        assert await lists(origin.url, b"/api/search") == {"listing:all": ["B", "A"]}
        assert await lists(origin.url, b"/other") == {}


async def test_a_shop_that_is_away_is_told() -> None:
    with pytest.raises(OriginError):
        await lists("http://127.0.0.1:1", b"/search")
