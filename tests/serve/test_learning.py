"""Learning from events: this worker's own at once, everybody's from the log, each once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from proxy.catalogue.rows import RowSpec
from proxy.catalogue.shop import Shop
from proxy.catalogue.shopper import Shopper
from proxy.catalogue.strategies import source
from proxy.conditions.behaviours import BOUGHT, VIEWED
from proxy.model import Arrival, Event, Item, Profile
from proxy.page.fragments import Wrapper
from proxy.page.product_row import product_row
from proxy.personalise import Stock
from proxy.serve.learning import Learning
from proxy.stores import open_store
from tests.catalogue.worlds import PRODUCTS
from tests.wire.memory import remembered
from tests.wire.site import eventually


def order(visitor: str, number: int, *products: str) -> Arrival:
    return Arrival(visitor, Event(float(number), f"{number}", BOUGHT, items=tuple(map(Item, products))))


async def test_own_events_count_at_once_and_only_once(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    shop = Shop(PRODUCTS)
    learning = Learning(store, lambda: Stock(shop))
    learning.hear(await store.apply([order("a", 1, "HOTDOG", "MUSTARD")]))
    assert shop.baskets.bought("HOTDOG") == 1
    await store.apply([order("b", 2, "HOTDOG")])  # another worker's
    while await learning.catch_up():
        pass
    assert shop.baskets.bought("HOTDOG") == 2
    assert not await learning.catch_up()
    await store.aclose()


async def test_what_follows_this_workers_own_events_need_not_be_read(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    shop = Shop(PRODUCTS)
    learning = Learning(store, lambda: Stock(shop))
    reading = asyncio.create_task(learning.catch_up())
    await asyncio.sleep(0)  # and while the log is read, its place moves on
    for number in range(3):
        learning.hear(await store.apply([order("a", number, "HOTDOG")]))
    await reading
    assert not learning._own
    await store.apply([order("b", 7, "HOTDOG")])  # another worker's
    learning.hear(await store.apply([order("a", 8, "HOTDOG")]))
    assert len(learning._own) == 1
    while await learning.catch_up():
        pass
    assert (shop.baskets.bought("HOTDOG"), len(learning._own)) == (5, 0)
    await store.aclose()


async def test_nothing_says_who_it_was_whom_the_log_no_longer_tells_of(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    shop = Shop(PRODUCTS)
    learning = Learning(store, lambda: Stock(shop))
    await store.apply([order("b", 1, "HOTDOG")])  # another worker's, so the log has to be read
    learning.hear(await store.apply([order("qz7-anna", 2, "HOTDOG")]))
    await store.erase(["qz7-anna"], 3.0)
    shop.forget_visits()
    while await learning.catch_up():
        pass
    assert not remembered(learning, [b"qz7-anna"])
    await store.aclose()


async def test_a_worker_that_starts_learns_what_there_is(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    await store.apply([order("a", number, "HOTDOG", "MUSTARD") for number in range(700)])
    shop = Shop(PRODUCTS)
    learning = Learning(store, lambda: Stock(shop))
    while await learning.catch_up():
        pass
    assert shop.baskets.bought("MUSTARD") == 700
    await store.aclose()


async def test_what_goes_with_what_is_made_ready_before_anybody_asks(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    looks = [Event(float(n), f"{n}", VIEWED, items=(Item(id),)) for n, id in enumerate(("HOTDOG", "MUSTARD"))]
    await store.apply([Arrival("a", look) for look in looks])
    shop = Shop(PRODUCTS)
    following = asyncio.create_task(Learning(store, lambda: Stock(shop)).follow())
    await eventually(lambda: len(shop.covisits) == 2 and not shop.covisits._outdated)
    assert shop.covisits._rows.keys() == {"HOTDOG", "MUSTARD"}
    following.cancel()
    await store.aclose()


async def test_what_rows_will_ask_is_worked_out_before_a_page_asks(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    shop = Shop(PRODUCTS)
    row = product_row(Wrapper("Row"))
    stock = Stock(shop, {"row": RowSpec((source("for you now", []),))}, fragments={"row": row})
    held = {"a": Profile("a", history=(order("a", 1, "HOTDOG").event,))}
    learning = Learning(store, lambda: stock, held=held.get)
    learning.hear(await store.apply([order("a", 1, "HOTDOG"), order("b", 1, "HOTDOG")]))
    shopper = held["a"].remembered[Shopper]
    assert isinstance(shopper, Shopper) and len(shopper.memo) == 1
    assert len(held["a"].remembered) == 2  # the shopper, and the row
    await store.aclose()
