"""Nothing moves in the demo shop's pages while they load on a slow machine, for any of its visitors; the same banner
put in by the browser shows what would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Page, ViewportSize

from tests.browser.conftest import Tab
from tests.running import DEMO, link, running

CPU_SLOWDOWN = 4
INJECTED_AFTER_MS = 500
WINDOW_MS = 1_000
PAGES = ["/", "/c/shoes"]
VISITORS = ["anna", "ben", "cleo", "dan"]
SCREENS = {"desktop": ViewportSize(width=1280, height=720), "phone": ViewportSize(width=390, height=844)}

# Layout Instability API. Every shift counts but those that follow a click or a key press: Cumulative Layout Shift is
# the sum over the worst five seconds, so no shift at all is a CLS of 0.000.
WATCH = """
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const shift of list.getEntries()) {
            const moved = shift.sources.map(source => source.node?.outerHTML?.slice(0, 80));
            if (!shift.hadRecentInput) window.shifts.push(`${shift.value} by ${moved.join(", ")}`);
        }
    }).observe({type: "layout-shift", buffered: true});
"""
# Waits until the page is `window_ms` old, then reads it to its end: lazy pictures load on the way down, so that they
# too have their chance to move something.
READ = """async (window_ms) => {
    await new Promise(resolve => setTimeout(resolve, Math.max(0, window_ms - performance.now())));
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
        scrollTo(0, y);
        await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    }
    await Promise.all([...document.images].map(image => image.decode()));
    await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return window.shifts;
}"""
INJECT = """([html, delay]) => new Promise(resolve => setTimeout(() => {
    document.querySelector("main").insertAdjacentHTML("afterbegin", html);
    resolve();
}, delay))"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.bar("A3")]


@dataclass(frozen=True)
class Demo:
    """The demo's two addresses: the shop through Tailorbird, and the shop alone."""

    personalised: str
    alone: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo() -> AsyncIterator[Demo]:
    async with running(*DEMO, until="Ctrl-C") as printed:
        yield Demo(link(printed, "the shop, personalised"), link(printed, "the shop alone"))


async def become(visitor: str, demo: Demo, tab: Tab) -> None:
    """Takes the visitor's cookies, and nothing that could be in the browser's cache when a page is looked at."""
    await tab.page.context.request.get(f"{demo.personalised}/_tb/demo/as/{visitor}", max_redirects=0)


async def shifts_of(page: Page) -> list[str]:
    """What moved on the page while it loaded and was read."""
    found: list[str] = await page.evaluate(READ, WINDOW_MS)
    return found


async def slow_down(page: Page) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
    await page.add_init_script(WATCH)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize("screen", SCREENS)
async def test_nothing_moves_and_the_console_is_silent(
    screen: str, visitor: str, path: str, demo: Demo, tab: Tab
) -> None:
    await become(visitor, demo, tab)
    await tab.page.set_viewport_size(SCREENS[screen])
    await slow_down(tab.page)
    await tab.page.goto(demo.personalised + path)
    assert await shifts_of(tab.page) == []
    assert tab.complaints == []


# A link whose text has not arrived yet has nothing in it.
EMPTIED = """[...document.querySelectorAll(".tailorbird-demo *")].filter(each => {
    const kept = [...each.childNodes], before = each.getBoundingClientRect();
    each.replaceChildren();
    const after = each.getBoundingClientRect();
    each.replaceChildren(...kept);
    return before.x !== after.x || before.y !== after.y;
}).map(each => each.outerHTML)"""


async def test_the_toolbars_parts_stand_in_their_place_before_their_text_arrives(demo: Demo, tab: Tab) -> None:
    await tab.page.goto(demo.personalised + "/")
    for size in SCREENS.values():
        await tab.page.set_viewport_size(size)
        assert await tab.page.evaluate(EMPTIED) == []


async def test_the_same_banner_put_in_by_the_browser_moves_the_page(demo: Demo, tab: Tab) -> None:
    await become("anna", demo, tab)
    await tab.page.goto(demo.personalised + "/")
    banner = await tab.page.inner_html("[data-slot='home.hero']")
    await slow_down(tab.page)
    await tab.page.goto(demo.alone + "/")
    await tab.page.evaluate(INJECT, [banner, INJECTED_AFTER_MS])
    assert await shifts_of(tab.page) != []
