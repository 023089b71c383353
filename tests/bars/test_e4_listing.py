"""A listing of 48 cards in another order for each of 200 visitors: only the cards move, the shopper's own sort is kept,
and the page costs less than twice what the page alone does, asked in turns."""

from __future__ import annotations

import os
import time

import pytest
import turbohtml

from proxy.page.lists import MARKER
from tests.wire.large_shop import cards, catalogue, likes, origin, page, published
from tests.wire.origin import Origin
from tests.wire.served import Served, hear, request
from tests.wire.site import NOON

COUNT, VISITORS = 48, 200
ROUNDS = 60 if os.environ.get("BAR_FULL") else 6
ASKED = 200
RULES = """
rules:
  - name: What they like first
    listing: search
    boost:
      - affinity: brand
        by: a lot
      - tag: none of ours
        by: a little
    pin: {product: SKU-47, at: 3}
"""
LIST = page(f'<ul {MARKER}="search">\n' + "\n".join(cards(COUNT)) + "\n</ul>")
PLAIN = LIST.replace(MARKER.encode(), b"data-lost")

pytestmark = pytest.mark.bar("E4")


def order_of(body: bytes) -> list[str]:
    return [card.attr("data-product") or "" for card in turbohtml.parse(body.decode()).select("[data-product]")]


def without_cards(body: bytes) -> bytes:
    for card in cards(COUNT):
        body = body.replace(card.encode(), b"")
    return body


async def test_cards_move_and_nothing_else() -> None:
    publication = published(RULES, catalogue(COUNT))
    pages = {b"/search": LIST, b"/plain": PLAIN}
    async with Origin(origin(pages)) as shop, Served(shop.url, publication=publication) as served:
        site = served.site
        for n in range(VISITORS):
            site.profiles.remember(f"visitor{n}", likes(f"visitor{n}", n % 40), NOON)
        plain = (await site.get(b"/search?sort=price-up", site.visitor("visitor0"))).body
        assert plain == LIST  # who sorts, has sorted
        orders = set()
        for n in range(VISITORS):
            got = await site.get(b"/search", site.visitor(f"visitor{n}"))
            order = order_of(got.body)
            assert sorted(order) == sorted(order_of(LIST)) and order[2] == "SKU-47"
            assert without_cards(got.body) == without_cards(LIST) and len(got.body) == len(LIST)
            assert max(abs(order.index(f"SKU-{k}") - k) for k in range(COUNT - 1)) <= 21  # 20, and the pin's
            orders.add(tuple(order))
        assert len(orders) > 30
        print(f"\n{VISITORS} visitors saw {len(orders)} orders of {COUNT} cards; every other byte stayed")


async def test_a_page_with_a_moved_list_costs_less_than_two_without() -> None:
    publication = published(RULES, catalogue(COUNT))
    pages = {b"/search": LIST, b"/plain": PLAIN}
    async with Origin(origin(pages)) as shop, Served(shop.url, publication=publication) as served:
        site = served.site
        for n in range(VISITORS):
            site.profiles.remember(f"visitor{n}", likes(f"visitor{n}", n % 40), NOON)
        for path in pages:
            await served.get(path)
        took = dict.fromkeys(pages, 0.0)
        reader, writer = await served.connect()
        for _ in range(ROUNDS):
            for path in pages:
                started = time.process_time()
                for n in range(ASKED):
                    writer.write(request(b"GET", path, site.visitor(f"visitor{n % VISITORS}")))
                    assert (await hear(reader)).status == 200
                took[path] += time.process_time() - started
        writer.close()
        each = {path: seconds / ROUNDS / ASKED * 1e6 for path, seconds in took.items()}
        ratio = each[b"/plain"] / each[b"/search"]
        print(
            f"\neach visitor's order {each[b'/search']:,.0f} us, the page alone {each[b'/plain']:,.0f} us of CPU "
            f"(client included): {ratio:.2f} of its throughput"
        )
        assert ratio >= 0.5
