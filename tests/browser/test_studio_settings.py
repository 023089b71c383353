"""The studio in a browser that keeps nothing, and opened by an address that says who one is."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Tab
from tests.running import DEMO, link, running

NO_STORAGE = (
    """Object.defineProperty(window, "sessionStorage", {get() { throw new DOMException("", "SecurityError") }})"""
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_what_is_typed_is_answered_in_a_browser_that_keeps_nothing(tab: Tab) -> None:
    await tab.page.add_init_script(NO_STORAGE)
    await answers_what_is_typed(tab, "//")


async def test_what_is_typed_is_answered_at_an_address_with_a_name_and_a_token(tab: Tab) -> None:
    await answers_what_is_typed(tab, "//anna:token@")


async def answers_what_is_typed(tab: Tab, who: str) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        studio, page = link(printed, "the studio").replace("//", who), tab.page
        await page.goto(studio)
        await page.get_by_label("Find a rule").fill("hot dogs")
        await page.get_by_text(re.compile(r"^\d of \d+$")).wait_for()
        await page.goto(f"{studio}/segments")
        await page.get_by_label("A condition").fill("orders: at least 3")
        await page.get_by_text(re.compile(r"^about [\d,]+ visitors?, ")).wait_for()
        await page.goto(f"{studio}/file?name=home.rules.yaml")
        for slip in ("slott", "slotu"):  # the second after what came of the first was kept
            await page.get_by_label("Its text").fill(f"rules:\n  - {{name: First, {slip}: home.hero}}\n")
            await page.get_by_role("status").get_by_text(f'I do not know "{slip}"').wait_for()
        assert tab.complaints == []


async def test_a_phone_does_not_zoom_in_on_a_field_that_is_touched(tab: Tab) -> None:
    small = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
        .filter((each) => parseFloat(getComputedStyle(each).fontSize) < 16).map((each) => each.outerHTML)"""
    async with running(*DEMO, until="Ctrl-C") as printed:
        await tab.page.set_viewport_size({"width": 390, "height": 800})
        for path in ("", "/files", "/file?name=home.rules.yaml", "/segments", "/results", "/why"):
            await tab.page.goto(link(printed, "the studio") + path)
            assert await tab.page.evaluate(small) == []
