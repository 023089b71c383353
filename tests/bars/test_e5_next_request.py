"""From an order to the next request: a pair that was bought is recommended to the next visitor with half of it in the
cart; and in the sample folder hot dogs bring mustard, buns that are sold out never."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.cases import run_cases
from proxy.conditions.behaviours import ADDED, BOUGHT
from proxy.model import Arrival, Event, Item, Profile
from proxy.rulebook.compile import load
from proxy.serve.learning import Learning
from proxy.stores.ruledir import read_folder
from tests.wire.large_shop import catalogue, origin, page, published
from tests.wire.origin import Origin
from tests.wire.site import NOON, Site

AUTUMN = Path(__file__).parent.parent / "cases" / "autumn"
RULES = """
rules:
  - name: Goes with it
    slot: home.row
    show:
      products:
        strategy:
          - bought together with: products in cart
        count: 2
        only: in stock
"""

pytestmark = pytest.mark.bar("E5")


async def test_a_bought_pair_is_on_the_next_page() -> None:
    publication = published(RULES, catalogue(100))
    cart = (Event(NOON - 60, "1", ADDED, items=(Item("SKU-1"),)),)
    async with (
        Origin(origin({b"/cart": page('<div data-slot="home.row">nothing yet</div>')})) as shop,
        Site(shop.url, publication=publication) as site,
    ):
        site.profiles.remember("anna", Profile("anna", history=cart, updated_at=NOON), NOON)
        learning = Learning(site.store, lambda: site.gateway.stock, lambda: NOON)
        before = (await site.get(b"/cart", site.visitor("anna"))).body
        for number in range(2):
            order = Event(NOON - 30 + number, f"o{number}", BOUGHT, items=(Item("SKU-1"), Item("SKU-77")))
            learning.hear(await site.store.apply([Arrival(f"buyer{number}", order)]))
        after = (await site.get(b"/cart", site.visitor("anna"))).body
        assert b"Product number 77" not in before and b"Product number 77" in after
        print("\ntwo orders of a pair, and the next request shows it")


def test_hot_dogs_bring_mustard_and_buns_that_are_sold_out_never() -> None:
    loaded = load(read_folder(AUTUMN))
    assert loaded.publication is not None, loaded.findings
    outcomes = run_cases(loaded.publication, NOON)
    print("\n" + "\n".join(f"{'ok' if o.passed else 'FAIL'}  {o.case.name}" for o in outcomes))
    assert [outcome.passed for outcome in outcomes] == [True, True, True]
