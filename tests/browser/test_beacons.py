"""What the browser module tells where a beacon cannot carry it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.conftest import Tab
from tests.browser.test_events import CHROME, FOLDER, HTML, PAGE, told
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok

LIST = """dataLayer.push({event: "add_to_wishlist", ecommerce: {items: Array(80).fill(
    {item_id: "hoka-1", item_name: "x".repeat(200)})}})"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Behind]:
    folder = tmp_path_factory.mktemp("shop")
    async with Origin(always(ok(PAGE, *HTML))) as origin, Behind(origin.url, FOLDER, folder) as behind:
        yield behind


async def test_what_is_too_much_for_a_beacon_is_told_too(behind: Behind, browser: Browser) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        page = await context.new_page()
        await page.goto(behind.url)
        await page.evaluate(f"for (let list = 0; list < 5; list++) {LIST}")
        assert (await told(behind, 6)).count(("product wished for", "")) == 5


async def test_a_browser_without_beacons_tells_as_much(behind: Behind, browser: Browser) -> None:
    async with await browser.new_context(user_agent=CHROME) as context:
        tab = Tab(await context.new_page())
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        await tab.page.add_init_script("Object.defineProperty(navigator, 'sendBeacon', {value: undefined})")
        await tab.page.goto(behind.url)
        await tab.page.evaluate("tailorbird.track('Without A Beacon')")
        assert ("custom event", "Without A Beacon") in await told(behind, 2)
        assert tab.complaints == []
