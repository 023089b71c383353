"""A banner's or a card's words on a narrow screen: what is too long for it is broken, and nothing is cut off."""

from __future__ import annotations

import pytest

from proxy.page.fragments import Wrapper, banner
from proxy.page.piece import Piece
from proxy.page.slots import stylesheet
from tests.browser.conftest import Tab

WORD = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
CARD = f'<section class="tb-products"><div class="tb-cards"><div class="tb-card">{WORD}</div></div></section>'
TOO_WIDE = """[...document.querySelectorAll("section, section *")]
    .filter(each => each.getBoundingClientRect().right > innerWidth).map(each => each.outerHTML)"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_word_that_is_wider_than_the_screen_is_broken(tab: Tab) -> None:
    made = banner(Wrapper("Sale"), title=f"{WORD} {WORD}", text=WORD, button=WORD, link="/")
    html = b"".join(part.plain for part in made.parts if isinstance(part, Piece)).decode()
    await tab.page.set_viewport_size({"width": 320, "height": 800})
    await tab.page.set_content(f"<style>{stylesheet([]).decode()}</style>{html}{CARD}")
    assert await tab.page.evaluate(TOO_WIDE) == []
    assert await tab.page.evaluate("document.documentElement.scrollWidth") == 320
