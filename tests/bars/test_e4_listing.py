"""A listing of 48 cards in another order for each of 200 visitors, in a page and in an API's JSON: only the cards move,
the shopper's own sort is kept, and an answer costs about twice what it alone does, asked in turns. The short form
counts calls, not time."""

from __future__ import annotations

import json
import time
from statistics import median

import pytest
import turbohtml

from proxy.page.lists import MARKER
from tests.wire.large_shop import cards, catalogue, likes, origin, page, published
from tests.wire.meter import IS_FULL, UNIT, meter
from tests.wire.origin import Origin
from tests.wire.served import Served, hear, request
from tests.wire.site import NOON

COUNT, VISITORS = 48, 200
WORDS = " ".join(["What the shop says of it."] * 30)
ROUNDS = 60 if IS_FULL else 3
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
LISTINGS = "{search: {page: /api/search, json: $.results.products, product: sku}}"
ITEMS = [
    f'{{"sku": "SKU-{n}", "title": "Product number {n}", "price": {1 + n % 200}.00, "text": "{WORDS}"}}'
    for n in range(COUNT)
]
JSON = ('{"total": 48.0, "facets": {}, "results": {"products": [\n' + ",\n".join(ITEMS) + "\n]}}").encode()

LEAST = 0.5 if IS_FULL else 0.18
"""Of the throughput without, which is answered like a repeated page."""

each_form = pytest.mark.parametrize(
    ("path", "came"), [(b"/search", LIST), (b"/api/search", JSON)], ids=["page", "json"]
)
pytestmark = pytest.mark.bar("E4")


def order_of(body: bytes) -> list[str]:
    if body.startswith(b"{"):
        return [item["sku"] for item in json.loads(body)["results"]["products"]]
    return [card.attr("data-product") or "" for card in turbohtml.parse(body.decode()).select("[data-product]")]


def without_cards(body: bytes) -> bytes:
    for card in ITEMS if body.startswith(b"{") else cards(COUNT):
        body = body.replace(card.encode(), b"")
    return body


@each_form
async def test_cards_move_and_nothing_else(path: bytes, came: bytes) -> None:
    publication = published(RULES, catalogue(COUNT), LISTINGS)
    async with Origin(origin({path: came})) as shop, Served(shop.url, publication=publication) as served:
        site = served.site
        for n in range(VISITORS):
            site.profiles.remember(f"visitor{n}", likes(f"visitor{n}", n % 40), NOON)
        plain = (await site.get(path + b"?sort=price-up", site.visitor("visitor0"))).body
        assert plain == came  # who sorts, has sorted
        orders = set()
        for n in range(VISITORS):
            got = await site.get(path, site.visitor(f"visitor{n}"))
            order = order_of(got.body)
            assert sorted(order) == sorted(order_of(came)) and order[2] == "SKU-47"
            assert without_cards(got.body) == without_cards(came) and len(got.body) == len(came)
            assert max(abs(order.index(f"SKU-{k}") - k) for k in range(COUNT - 1)) <= 21  # 20, and the pin's
            orders.add(tuple(order))
        assert len(orders) > 30
        print(f"\n{VISITORS} visitors saw {len(orders)} orders of {COUNT} cards; every other byte stayed")


@each_form
async def test_an_answer_with_a_moved_list_costs_about_two_without_at_most(path: bytes, came: bytes) -> None:
    publication = published(RULES, catalogue(COUNT), LISTINGS)
    pages = {path: came, b"/plain": PLAIN if came is LIST else came}
    async with Origin(origin(pages)) as shop, Served(shop.url, publication=publication) as served:
        site = served.site
        for n in range(VISITORS):
            site.profiles.remember(f"visitor{n}", likes(f"visitor{n}", n % 40), NOON)
        for each in pages:
            await served.get(each)
        took: dict[bytes, list[float]] = {each: [] for each in pages}
        reader, writer = await served.connect()
        with meter(time.process_time) as spent:
            for _ in range(ROUNDS):
                for each in pages:
                    before = spent()
                    for n in range(ASKED):
                        writer.write(request(b"GET", each, site.visitor(f"visitor{n % VISITORS}")))
                        assert (await hear(reader)).status == 200
                    took[each].append(spent() - before)
        writer.close()
        usual = {each: median(rounds) / ASKED for each, rounds in took.items()}
        ratio = usual[b"/plain"] / usual[path]
        print(
            f"\neach visitor's order {usual[path]:,.0f} {UNIT}, {path.decode()} alone "
            f"{usual[b'/plain']:,.0f} (client included): {ratio:.2f} of its throughput"
        )
        assert ratio >= LEAST
