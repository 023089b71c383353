"""The studio as an editor sees it: a condition is counted while it is typed, and its slips are told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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


PALE = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3]) return colour;
    }
  };
  const contrast = (element, pseudo) => {
    const both = [numbers(getComputedStyle(element, pseudo).color), behind(element)].map(light);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  };
  const texts = [...document.querySelectorAll("body *")].filter((each) => each.getClientRects().length
    && [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  const hints = [...document.querySelectorAll("[placeholder]")].filter((each) => contrast(each, "::placeholder") < 4.5);
  return [...texts.filter((each) => contrast(each) < 4.5), ...hints].map((each) => each.outerHTML.slice(0, 90));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_texts_stand_out_enough_to_be_read_and_all_fields_have_a_name(scheme: Any, tab: Tab) -> None:
    async with running(*DEMO, until="Ctrl-C") as printed:
        await tab.page.emulate_media(color_scheme=scheme)
        for path in ("/", "/versions", "/plan", "/segments", "/why?url=/"):
            await tab.page.goto(link(printed, "the studio") + path)
            assert await tab.page.evaluate(PALE) == []
            fields = "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
            assert await tab.page.evaluate(f"{fields}.every(field => field.labels.length)")
