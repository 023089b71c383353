"""A row of eight products on a warm page whose visitor has just looked at something else, in a shop of 50,000 (5,000 in
the short form): what the row costs the page, what the event costs off the page's path, and the page beside one with a
banner only, asked in turns. No row is asked for twice between two events, and each page comes first after an event
as often as the other. The short form counts calls, not time."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import replace

import pytest

from proxy.model import Arrival, Profile
from proxy.ports import Applied
from proxy.serve.learning import Learning
from tests.wire.large_shop import CLICK_SECONDS, catalogue, looked, origin, page, published, with_visits
from tests.wire.meter import IS_FULL, UNIT, meter
from tests.wire.origin import Origin
from tests.wire.served import Served, hear, request
from tests.wire.site import NOON

PRODUCTS, VISITS = (50_000, 200_000) if IS_FULL else (5_000, 15_000)
ASKED = 4_000 if IS_FULL else 300
RULES = """
rules:
  - name: For you now
    slot: home.row
    show:
      products:
        title: Look at these
        strategy: [for you now, popular in: everything]
        count: 8
        only: in stock
        never: products in cart
  - name: Autumn
    slot: home.hero
    show:
      banner: {title: Autumn is here, text: And so are we, link: /sale, button: Shop}
"""
PAGES = {b"/row": page('<div data-slot="home.row"></div>'), b"/hero": page('<div data-slot="home.hero"></div>')}


@pytest.mark.bar("E3")
async def test_a_row_follows_every_click_for_less_than_the_page_costs() -> None:
    products = catalogue(PRODUCTS)
    async with Origin(origin(PAGES)) as shop, Served(shop.url, publication=published(RULES, products)) as served:
        site = served.site
        stock = site.gateway.stock
        with_visits(stock.shop, VISITS, PRODUCTS)
        if IS_FULL:
            gc.collect()
            gc.freeze()  # the shop is there to stay; looking through it again and again is no part of a page
        learning = Learning(site.store, lambda: site.gateway.stock, lambda: NOON, site.profiles.held)
        visitors = {f"visitor{n}": Profile(f"visitor{n}", updated_at=NOON) for n in range(50)}
        heard, missing = list[float](), 0
        hits: dict[bytes, list[float]] = {path: [] for path in PAGES}
        took = dict.fromkeys(PAGES, 0.0)
        for path in PAGES:
            await served.get(path)
        reader, writer = await served.connect()
        with meter(time.thread_time) as spent:
            for number in range(ASKED):
                id = f"visitor{number % 50}"
                at = NOON + number * CLICK_SECONDS / 50
                event = looked(f"SKU-{(number * 7919 + number % 50) % PRODUCTS}", at, number)
                profile = replace(visitors[id], history=(*visitors[id].history[-20:], event))
                visitors[id] = profile
                site.profiles.remember(id, profile, NOON)
                before = spent()
                learning.hear(Applied([Arrival(id, event)]))
                heard.append(spent() - before)
                order = list(PAGES) if number % 4 < 2 else list(PAGES)[::-1]
                if number % 2:
                    for path in order:
                        asked = site.request(path, site.visitor(id))
                        before = spent()
                        answer = site.gateway.hit(asked, NOON)
                        hits[path].append(spent() - before)
                        assert answer is not None
                        missing += path == b"/row" and b"".join(answer.chunks).count(b"tb-card-link") < 8
                else:
                    for path in order:
                        before = spent()
                        writer.write(request(b"GET", path, site.visitor(id)))
                        assert (await hear(reader)).status == 200
                        took[path] += spent() - before
        writer.close()
        row, banner, event = map(statistics.median, (*hits.values(), heard))
        ratio = took[b"/hero"] / took[b"/row"]
        print(
            f"\n{PRODUCTS:,} products: a page with the row {row:,.0f}, with a banner {banner:,.0f}, so the row "
            f"{row - banner:,.0f} {UNIT} (medians of {ASKED:,}); event to list {event:,.0f}; "
            f"throughput {ratio:.2f} of the banner's page, client included"
        )
        assert missing == 0
        most_row, most_event, least_ratio = (150, 2_000, 0.5) if IS_FULL else (100, 1_500, 0.2)
        assert row - banner < most_row
        assert event < most_event
        assert ratio >= least_ratio
