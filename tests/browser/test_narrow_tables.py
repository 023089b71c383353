"""The studio's tables on a phone: a number, or a version's pill, is not broken letter by letter by what stands beside
it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy import studio
from tests.browser.conftest import Tab

STYLE = (Path(studio.__file__).parent / "static" / "studio.css").read_text(encoding="utf-8")
TABLES = """<main><section><table class="stacks"><tbody><tr><td class="what">Autumn</td><td class="number"><i>24,736</i>
</td><td>9,223, 37.29% <span class="aside">order completed</span></td><td>28 November 2026</td></tr></tbody></table>
<table class="stacks history"><tbody><tr><td>12 <i class="pill live">live</i></td><td class="when">28 Nov 18:27 UTC
</td><td>Maximiliane Mustermann, Marketing</td><td class="what">published</td></tr></tbody></table></section></main>"""
BROKEN = """[...document.querySelectorAll('i')]
    .filter((each) => each.getClientRects().length > 1).map((each) => each.textContent)"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("width", [390, 320])
async def test_numbers_and_pills_stay_whole_and_nothing_is_wider_than_the_screen(tab: Tab, width: int) -> None:
    await tab.page.set_viewport_size({"width": width, "height": 800})
    await tab.page.set_content(f"<style>{STYLE}</style>{TABLES}")
    assert await tab.page.evaluate(BROKEN) == []
    assert await tab.page.evaluate("document.querySelector('section').scrollWidth <= innerWidth")
