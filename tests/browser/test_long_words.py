"""A banner's or a card's words: what is too long for a narrow screen is broken, nothing is cut off, and each text is
read in its own direction, whatever the page's is."""

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
ENDS = """[...document.querySelectorAll('.tb-banner-title, .tb-banner-text, .tb-banner-button')].map(each => {
    const text = each.firstChild, of = at => {
      const range = document.createRange(); range.setStart(text, at); range.setEnd(text, at + 1);
      return range.getBoundingClientRect().left;
    };
    return [of(0), of(text.length - 1)];
})"""

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_word_that_is_wider_than_the_screen_is_broken(tab: Tab) -> None:
    made = banner(Wrapper("Sale"), title=f"{WORD} {WORD}", text=WORD, button=WORD, link="/")
    html = b"".join(part.plain for part in made.parts if isinstance(part, Piece)).decode()
    await tab.page.set_viewport_size({"width": 320, "height": 800})
    await tab.page.set_content(f"<style>{stylesheet([]).decode()}</style>{html}{CARD}")
    assert await tab.page.evaluate(TOO_WIDE) == []
    assert await tab.page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize(("page", "title"), [("ltr", "تخفيضات اليوم!"), ("rtl", "Sale today!")])
async def test_a_text_is_read_in_its_own_direction(tab: Tab, page: str, title: str) -> None:
    made = banner(Wrapper("Sale"), title=title, text=title, button=title, link="/")
    html = b"".join(part.plain for part in made.parts if isinstance(part, Piece)).decode()
    await tab.page.set_content(f'<html dir="{page}"><style>{stylesheet([]).decode()}</style>{html}')
    ends = await tab.page.evaluate(ENDS)
    assert [first > last for first, last in ends] == [page == "ltr"] * 3
    aligned = await tab.page.evaluate("getComputedStyle(document.querySelector('.tb-banner-title')).textAlign")
    assert aligned == ("left" if page == "ltr" else "right")
