"""A listing of 48 in another order than the shop's: nothing moves while it loads on a slow machine, and the console is
silent; the same pin put in its place by the browser shows what would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.conftest import Tab
from tests.browser.test_layout_shift import SCREENS, shifts_of, slow_down
from tests.wire.behind import Behind
from tests.wire.large_shop import cards
from tests.wire.origin import Origin, by_path, ok

COUNT = 48
HTML = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=600")
SVG = (b"content-type: image/svg+xml", b"cache-control: max-age=600")
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><rect width="300" height="300"/></svg>'
STYLE = (
    "ul { display: grid; grid-template-columns: repeat(auto-fill, 310px); list-style: none; padding: 0 }"
    "img { display: block }"
)
PAGE = (
    f'<!doctype html><html><head><title>Tents</title><link rel="icon" href="data:,"><style>{STYLE}</style></head><body>'
    f'<main><h1>Tents</h1><ul data-list="tents">{"".join(cards(COUNT))}</ul><p>48 tents</p></main></body></html>'
)
PLAIN = PAGE.replace("data-list", "data-lost")
FOLDER = {
    "a.rules.yaml": """
rules:
  - name: Own brand first
    listing: tents
    boost:
      - brand: Ours
        by: a lot
    pin: {product: SKU-47, at: 1}
""",
    "products.jsonl": "\n".join(
        json.dumps({"id": f"SKU-{n}", "title": f"Tent {n}", "link": f"/p/{n}", "brand": "Theirs" if n % 5 else "Ours"})
        for n in range(COUNT)
    ),
}
ORDER = "[...document.querySelectorAll('[data-product]')].map(card => card.dataset.product)"
REORDER = """() => new Promise(resolve => setTimeout(() => {
    const list = document.querySelector("ul");
    list.prepend(list.lastElementChild);
    resolve();
}, 500))"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.bar("E4")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    pages = {b"/tents": ok(PAGE.encode(), *HTML), b"/plain": ok(PLAIN.encode(), *HTML)}
    pictures = {f"/img/SKU-{n}.svg".encode(): ok(PICTURE, *SVG) for n in range(COUNT)}
    folder = tmp_path_factory.mktemp("listing")
    async with Origin(by_path({**pages, **pictures})) as origin, Behind(origin.url, FOLDER, folder) as behind:
        yield behind


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_list_in_another_order_moves_nothing_and_the_console_is_silent(
    screen: str, shop: Behind, tab: Tab
) -> None:
    await tab.page.set_viewport_size(SCREENS[screen])
    await slow_down(tab.page)
    await tab.page.goto(f"{shop.url}/tents")
    order = await tab.page.evaluate(ORDER)
    assert order[:3] == ["SKU-47", "SKU-0", "SKU-5"] and len(set(order)) == COUNT
    assert await shifts_of(tab.page) == []
    assert tab.complaints == []


async def test_the_same_done_by_the_browser_moves_the_page(shop: Behind, tab: Tab) -> None:
    await slow_down(tab.page)
    await tab.page.goto(f"{shop.url}/plain")
    assert (await tab.page.evaluate(ORDER))[0] == "SKU-0"
    await tab.page.evaluate(REORDER)
    assert await shifts_of(tab.page) != []
