"""The demo's cart as its first user fills it: hot dogs bring mustard, and out-of-stock buns never."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Response

from tests.browser.conftest import Tab
from tests.browser.test_events import CHROME
from tests.running import DEMO, link, running

EXTRAS = "[data-slot='cart.extras']"

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.bar("E5")]


async def test_hot_dogs_in_the_cart_bring_mustard_and_never_buns_that_are_sold_out(browser: Browser) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        shop = link(printed, "the shop, personalised")
        async with await browser.new_context(user_agent=CHROME) as context:
            tab = Tab(await context.new_page())
            tab.page.on("console", tab.hear)
            await context.request.get(f"{shop}/_tb/demo/as/cleo", max_redirects=0)
            assert "RELISH-1" not in await shown(tab, shop)  # nor anything else that hot dogs alone bring
            await tab.page.goto(f"{shop}/p/HOTDOG-6")
            async with tab.page.expect_response(tells_of_the_cart) as told:
                await tab.page.locator("main [data-add-to-cart] button").first.click()
            assert (await (await told.value).json()) == {"success": True}
            await tab.page.get_by_text("Hot dogs, six is in your cart").wait_for()
            row = await shown(tab, shop)
            assert "RELISH-1" in row and "MUSTARD-1" in row and "BUN-4" not in row and "HOTDOG-6" not in row
            assert tab.complaints == []


def tells_of_the_cart(answer: Response) -> bool:
    """Of banners that were seen another tells, before."""
    return "/_tb/v1/batch" in answer.url and "Product Added" in (answer.request.post_data or "")


async def shown(tab: Tab, shop: str) -> str:
    await tab.page.goto(f"{shop}/cart")
    return await tab.page.inner_html(EXTRAS)
