"""The studio as an editor sees it: a condition is counted while it is typed, and its slips are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.conftest import Tab
from tests.running import DEMO, link, running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_condition_is_counted_while_it_is_typed(tab: Tab) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        studio = link(printed, "the studio")
        await tab.page.goto(f"{studio}/segments")
        assert "VIP" in await tab.page.inner_text("table")
        await tab.page.get_by_label("A condition").press_sequentially("orders: at least 3", delay=5)
        await tab.page.get_by_text("1 visitor, 25.0%").wait_for()
        await tab.page.get_by_label("A condition").fill("ordrs: at least 3")
        await tab.page.get_by_text('line 1: I do not know "ordrs" in a condition; did you mean "orders"?').wait_for()
        assert tab.complaints == []


RULES = "rules:\n" + "".join(
    f"  - {{name: {name}, slot: home.hero, when: {{orders: at least {number}}}, show: {{banner: {{title: x}}}}}}\n"
    for number, name in enumerate([f"Winter x{number}x" for number in range(20)] + ["Donaudampfschifffahrt" * 9])
)


async def test_a_rule_is_found_among_many_and_none_is_too_long_for_the_screen(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "a.rules.yaml").write_text(RULES)
    (tmp_path / "slots.yaml").write_text("slots: {home.hero: {}}")
    async with running(*DEMO, "--rules", str(tmp_path), until="Ctrl-C") as printed:
        page = tab.page
        await page.goto(link(printed, "the studio"))
        pause = page.get_by_role("button", name="Pause Winter x7x", exact=True)
        for width in (1280, 390):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert await page.evaluate(
                "[...document.querySelectorAll('section')].every(one => one.scrollWidth <= one.clientWidth)"
            )
        await page.get_by_label("Find a rule").fill("winter x7x")
        await page.get_by_text("1 of 21").wait_for()
        assert await page.get_by_role("button", name=re.compile("^Pause Winter")).count() == 1
        await pause.click()
        await page.get_by_role("link", name="Rules").click()
        await page.get_by_role("button", name="Resume Winter x7x", exact=True).wait_for()
        assert await page.get_by_label("Find a rule").input_value() == "winter x7x"
        assert tab.complaints == []
