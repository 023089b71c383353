"""Listings that a router draws in the browser, from data of its own: `/_tb/t.js` puts them in this visitor's order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.conftest import Tab
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

PAGE = b"""<!doctype html><html><head><title>x</title><link rel="icon" href="data:,">
<script src="/_tb/t.js" defer></script></head><body><main id="root"></main><script type="module">
const card = id => `<li data-product="${id}">${id}</li>`;
const cards = ids => ids.map(card).join("");
window.list = (ids, mark = "data-tb-rank") =>
    `<ul data-list="tents" ${mark} style="display: grid">${cards(ids)}</ul>`;
window.go = (path, html) => { history.pushState(null, "", path); document.querySelector("main").innerHTML = html; };
window.draw = (path, ids) => {
    history.pushState(null, "", path);
    document.querySelector("ul").innerHTML = cards(ids);
};
window.ready = true;
</script></body></html>"""
FOLDER = {
    "a.rules.yaml": """version: 1
rules:
  - name: E first
    listing: tents
    when: {page: /tents}
    pin: {product: E, at: 1}
"""
}
SEEN = """[...document.querySelectorAll("ul > li")]
    .sort((one, two) => one.getBoundingClientRect().top - two.getBoundingClientRect().top)
    .map(item => item.textContent).join("")"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    html = (b"content-type: text/html; charset=utf-8", b"cache-control: max-age=600")
    folder = tmp_path_factory.mktemp("listing")
    async with Origin(always(ok(PAGE, *html))) as origin, Behind(origin.url, FOLDER, folder) as behind:
        yield behind


async def opened(shop: Behind, tab: Tab) -> list[str]:
    """Opens the page; the paths that are asked for from then on, each once it was answered."""
    asked: list[str] = []
    tab.page.on("requestfinished", lambda request: asked.append(request.url.removeprefix(shop.url)))
    await tab.page.goto(shop.url)
    await tab.page.wait_for_function("window.ready && window.tailorbird")
    asked.clear()
    return asked


async def test_a_list_that_a_router_draws_is_put_in_order_and_stays_its_pages_own_when_that_sorts_it(
    shop: Behind, tab: Tab
) -> None:
    await opened(shop, tab)
    await tab.page.evaluate("go('/tents', list([...'ABCDEF']))")
    await tab.page.wait_for_function(f"{SEEN} === 'EABCDF'")
    await tab.page.evaluate("document.querySelector('ul').insertAdjacentHTML('beforeend', '<li data-product=G>G</li>')")
    assert await tab.page.evaluate(SEEN) == "EABCDFG", "what is added comes last, and nothing jumps"
    await tab.page.evaluate("document.querySelector('ul').append(document.querySelector('li'))")
    await tab.page.wait_for_function(f"{SEEN} === 'BCDEFGA'")
    assert tab.complaints == []


async def test_a_busy_page_is_laid_out_once_a_frame_for_its_lists(shop: Behind, tab: Tab) -> None:
    await opened(shop, tab)
    await tab.page.evaluate("go('/tents', list([...'ABCDEF']))")
    await tab.page.wait_for_function(f"{SEEN} === 'EABCDF'")
    counted = await tab.page.evaluate("""async () => {
        let count = 0;
        const frame = () => new Promise(requestAnimationFrame), rects = Element.prototype.getClientRects;
        Element.prototype.getClientRects = function () { count += 1; return rects.call(this) };
        await frame();
        const before = count, clock = document.body.appendChild(document.createElement("p"));
        for (let i = 0; i < 50; i++) { clock.innerHTML = `<i>${i}</i>`; await null; }
        await frame();
        return count - before;
    }""")
    assert counted == 1


async def test_results_hear_once_of_the_rule_that_a_drawn_list_met(shop: Behind, tab: Tab) -> None:
    await opened(shop, tab)
    sent: list[str] = []
    tab.page.on("request", lambda request: sent.append(request.post_data or "") if "/v1/batch" in request.url else None)
    async with tab.page.expect_request("**/_tb/v1/batch"):
        await tab.page.evaluate("go('/tents', list([...'ABE']))")
        await tab.page.wait_for_function(f"{SEEN} === 'EAB'")
        await tab.page.evaluate("draw('/tents?page=2', [...'WXE'])")
        await tab.page.wait_for_function(f"{SEEN} === 'EWX'")
    assert "".join(sent).count('{"experiment_name":"E first","variation_name":"E first"}') == 1, sent


async def test_a_list_whose_cards_are_replaced_is_put_in_order_anew(shop: Behind, tab: Tab) -> None:
    await opened(shop, tab)
    await tab.page.evaluate("go('/tents', list([...'ABE']))")
    await tab.page.wait_for_function(f"{SEEN} === 'EAB'")
    await tab.page.evaluate("draw('/tents?page=2', [...'WXE'])")
    await tab.page.wait_for_function(f"{SEEN} === 'EWX'")
    await tab.page.evaluate("document.querySelectorAll('li')[1].dataset.product = 'V'")  # as who reuses elements
    await tab.page.evaluate("draw('/boots', [...'QRE'])")
    await tab.page.wait_for_function(f"{SEEN} === 'QRE'")
    assert tab.complaints == []


async def test_a_list_of_a_page_that_is_kept_hidden_is_not_asked_for_and_has_its_order_when_that_comes_back(
    shop: Behind, tab: Tab
) -> None:
    asked = await opened(shop, tab)
    await tab.page.evaluate("go('/tents', list([...'ABE']))")
    await tab.page.wait_for_function(f"{SEEN} === 'EAB'")
    await tab.page.evaluate("document.querySelector('ul').style.display = 'none'")  # as Next.js does by `Activity`
    shown = "document.querySelector('main').insertAdjacentHTML('beforeend', list([...'QRE']).replace('tents', 'boots'))"
    async with tab.page.expect_response("**/_tb/rank"):
        await tab.page.evaluate(f"history.pushState(null, '', '/boots'); {shown}")
    await tab.page.evaluate("history.back(); document.querySelector('ul').style.display = 'grid'")
    await tab.page.evaluate("document.querySelectorAll('ul')[1].remove()")
    assert await tab.page.evaluate(SEEN) == "EAB"
    assert asked.count("/_tb/rank") == 2


async def test_a_list_without_the_mark_and_one_that_came_in_its_order_are_not_asked_for(shop: Behind, tab: Tab) -> None:
    asked = await opened(shop, tab)
    await tab.page.evaluate("go('/tents', list([...'ABCDEF'], ''))")
    ours = "list([...'CAB']).replace('data-product=\"C\"', 'data-tb-order=\"3\" data-product=\"C\"')"
    await tab.page.evaluate(f"document.querySelector('main').innerHTML += {ours}")
    await tab.page.evaluate("go('/tents', list([...'ABE']))")
    await tab.page.wait_for_function(f"{SEEN} === 'EAB'")
    assert asked.count("/_tb/rank") == 1
