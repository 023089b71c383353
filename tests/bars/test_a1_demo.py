"""The demo as its first user meets it: the command prints links, every page there is answers, and each of the four
visitors is shown a home page of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urljoin

import httpx
import pytest
import pytest_asyncio
import turbohtml

from proxy.page.markup import Markup
from proxy.page.scan import find_slots
from tests.running import DEMO, URL, link, running

pytestmark = [pytest.mark.bar("A1"), pytest.mark.asyncio(loop_scope="module")]

VISITORS = ["anna", "ben", "cleo", "dan"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def printed() -> AsyncIterator[str]:
    async with running(*DEMO, until="Ctrl-C") as printed:
        yield printed


@asynccontextmanager
async def as_visitor(name: str, shop: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the cookies of that visitor, as the toolbar gives them."""
    async with httpx.AsyncClient(base_url=shop, trust_env=False, follow_redirects=True, verify=False) as client:
        await client.get(f"/_tb/demo/as/{name}")
        yield client


def pages_linked_in(page: httpx.Response) -> set[str]:
    """The addresses of the same site that the page links to, without fragments. Listings can be narrowed in
    thousands of ways: one at a time is enough."""
    if not page.headers["content-type"].startswith("text/html"):
        return set()
    links = turbohtml.parse(page.text).select("a[href]")
    targets = {urljoin(str(page.url), str(link.attrs["href"])).partition("#")[0] for link in links}
    site = f"{page.url.scheme}://{page.url.netloc.decode()}/"
    return {target for target in targets if target.startswith(site) and "/_tb/" not in target and "&" not in target}


def hero_of(body: bytes) -> bytes:
    slots = find_slots(Markup(body), path="/")
    assert isinstance(slots, tuple)
    hero = next(slot for slot in slots if slot.name == "home.hero")
    return body[hero.start : hero.end]


async def test_every_printed_link_answers(printed: str) -> None:
    links = URL.findall(printed)
    assert len(links) >= 2 + len(VISITORS)
    for target in links:
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True, verify=False) as client:
            assert (await client.get(target)).status_code == 200, target


async def test_every_page_that_links_lead_to_answers(printed: str) -> None:
    shop = link(printed, "the shop, personalised")
    waiting, known = [shop + "/"], {shop + "/"}
    async with as_visitor("anna", shop) as client:
        while waiting:
            page = await client.get(waiting.pop())
            assert page.status_code == 200, page.url
            found = pages_linked_in(page) - known
            known |= found
            waiting += found
    assert len(known) > 120


async def test_each_of_the_four_visitors_is_shown_another_hero(printed: str) -> None:
    shop = link(printed, "the shop, personalised")
    heroes = set()
    for name in VISITORS:
        async with as_visitor(name, shop) as client:
            heroes.add(hero_of((await client.get("/")).content))
    assert len(heroes) == len(VISITORS)
