"""Each page of the studio says where one is, and *Why?* tells its story."""

from __future__ import annotations

import pytest

from proxy.rulebook.compile import load
from tests.studio.test_app import RULES, Shop, browser


async def test_why_tells_the_story_escaped_and_a_bad_page_plainly() -> None:
    rules = RULES + "segments:\n  VIP: {when: {orders: at least 1}}\n  Club: {when: {orders: at least 2}}\n"
    served = load({"a.rules.yaml": rules.encode(), "slots.yaml": b"slots: {home.hero: {}}"}).publication
    async with browser(Shop(publication=served)) as client:
        assert "&lt;winner&gt;" in (await client.get("/why", params={"url": "/sale", "visitor": "v1"})).text
        assert "is not a page" in (await client.get("/why", params={"url": "sale"})).text
        told = (await client.get("/why?url=/&visitor=v1&segment=VIP&segment=Club&device=phone&country=")).text
    assert "for v1, VIP, Club, device phone:" in told
    assert "<option selected>phone</option>" in told
    assert 'name="segment" value="VIP, Club"' in told, "one field that is asked again as it stands"


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/versions", "Versions"),
        ("/plan", "Plan"),
        ("/results", "Results"),
        ("/segments", "Segments"),
        ("/why", "Why?"),
    ],
)
async def test_each_page_has_its_title_and_says_where_one_is(path: str, title: str) -> None:
    async with browser(Shop()) as client:
        page = (await client.get(path)).text
    assert f"<title>{title} · Tailorbird studio</title>" in page
    assert page.count("aria-current") == 1
    assert f'href="{path}" aria-current="page"' in page
