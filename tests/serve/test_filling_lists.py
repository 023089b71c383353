from __future__ import annotations

import re

import pytest

from proxy.personalise import Personalised, filled
from proxy.serve import filling
from tests.wire.large_shop import cards, catalogue, likes, origin, page, published
from tests.wire.origin import Origin
from tests.wire.served import Served
from tests.wire.site import NOON

RULES = """
rules:
  - name: What they like first
    listing: search
    boost: {affinity: brand, by: a lot}
"""
LIST = page('<ul data-list="search">\n' + "\n".join(cards(48)) + "\n</ul>")
NAMES = [f"visitor{number}" for number in range(12)]


async def test_visitors_of_one_order_share_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Personalised] = []

    def counted(*asked: object) -> Personalised:
        made.append(filled(*asked))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(filling, "filled", counted)
    publication = published(RULES, catalogue(48))
    async with Origin(origin({b"/search": LIST})) as shop, Served(shop.url, publication=publication) as served:
        site = served.site
        for number, name in enumerate(NAMES):
            site.profiles.remember(name, likes(name, number % 2), NOON)
        first = [(await served.get(b"/search", site.visitor(name))).body for name in NAMES]
        assert len(set(first)) == 2
        for _ in range(3):
            made.clear()
            assert [(await served.get(b"/search", site.visitor(name))).body for name in NAMES] == first
        assert len(made) <= 2  # the first of each order keeps the list that was made for them
        sorted_by = (await served.get(b"/search?sort=price-up", site.visitor(NAMES[1]))).body
        assert sorted_by not in first
        assert (await served.get(b"/search", site.visitor(NAMES[1]))).body == first[1]


async def test_cards_that_are_named_by_the_addresses_of_their_pages_stand_in_the_same_order() -> None:
    """As where a shop cannot be changed, and its cards say nothing but where they lead."""
    listings = "{search: {page: /search, selector: ul, product: href}}"
    unmarked = LIST.replace(b'data-list="search"', b"").replace(b"data-product=", b"data-x=")
    seen = []
    for body, said in ((LIST, ""), (unmarked, listings)):
        publication = published(RULES, catalogue(48), said)
        async with Origin(origin({b"/search": body})) as shop, Served(shop.url, publication=publication) as served:
            served.site.profiles.remember("anna", likes("anna", 1), NOON)
            answer = await served.get(b"/search", served.site.visitor("anna"))
            seen.append(re.findall(rb"/p/(SKU-\d+)", answer.body))
    assert seen[0] == seen[1] != re.findall(rb"/p/(SKU-\d+)", LIST)


TRIED = """
experiments:
  - name: What they like first
    listing: search
    variants:
      - {name: control, show: nothing new}
      - {name: liked, boost: {affinity: brand, by: a lot}}
"""


async def test_visitors_of_one_arm_share_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Personalised] = []

    def counted(*asked: object) -> Personalised:
        made.append(filled(*asked))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(filling, "filled", counted)
    publication = published(TRIED.replace("affinity: brand", "brand: Brand 30"), catalogue(48))
    async with Origin(origin({b"/search": LIST})) as shop, Served(shop.url, publication=publication) as served:
        first = [(await served.get(b"/search", served.site.visitor(name))).body for name in NAMES]
        assert len(set(first)) == 2 and len(made) <= 4
        made.clear()
        assert [(await served.get(b"/search", served.site.visitor(name))).body for name in NAMES] == first
        assert len(made) <= 1, "of the first in an arm the list was made for them alone"


async def test_who_share_a_page_have_met_the_same_of_an_experiment() -> None:
    """Who knows of no brand sees one page in either arm, and so met neither; their page is not that of who did."""
    publication = published(TRIED, catalogue(48))
    async with Origin(origin({b"/search": LIST})) as shop, Served(shop.url, publication=publication) as served:
        site, seen = served.site, dict[str, set[tuple[bytes, bool]]]()
        for name in NAMES[:6]:
            site.profiles.remember(name, likes(name, 1), NOON)
        for _ in range(3):
            for name in NAMES:
                body = (await served.get(b"/search", site.visitor(name))).body
                assert site.metrics.live
                seen.setdefault(name, set()).add((body, bool(site.metrics._live[-1][2].unmet)))
    assert all(len(one) == 1 for one in seen.values())
    known, unknown = ({entry for name in names for entry in seen[name]} for names in (NAMES[:6], NAMES[6:]))
    assert {is_unmet for _, is_unmet in known} == {False} and len(known) == 2
    ((body, is_unmet),) = unknown
    assert is_unmet and body in {one for one, _ in known}
