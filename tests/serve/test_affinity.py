"""What was worked out in batch is taken in a little at a time, while pages are answered, and is then what it would have
been at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.catalogue.baskets import Baskets
from proxy.catalogue.covisits import Covisits
from proxy.catalogue.shop import Shop
from proxy.conditions.behaviours import BOUGHT, VIEWED
from proxy.errors import OperatorError
from proxy.model import Arrival, Event, Item
from proxy.personalise import Stock
from proxy.serve import affinity as module
from proxy.serve.affinity import Affinity
from proxy.serve.learning import Learning
from proxy.stores import open_store
from proxy.stores.affinity_engine import BuiltPairs, build, built, built_pairs, duckdb_at, load
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.site import eventually

pytest.importorskip("duckdb")
PRODUCTS = [f"SKU-{number}" for number in range(300)]
RULES = {"a.rules.yaml": "version: 1\nrules: []\n"}
PAGE = ok(b"<p>a page</p>", b"Content-Type: text/html", b"Cache-Control: max-age=600")


def written(folder: Path, name: str = "affinity.parquet", *, step: int = 7) -> Path:
    """Clicks and orders of 600 visits, each product looked at with those a few `step`s on, worked out in batch."""
    lines = [
        f"{visit},{visit}.{place},{PRODUCTS[(visit * 3 + place * step) % len(PRODUCTS)]}"
        for visit in range(600)
        for place in range(8)
    ]
    (folder / "told.csv").write_text("\n".join(["session,at,product", *lines]))
    connection = duckdb_at(256 * 2**20, 1, folder / f"scratch-{name}")
    load(connection, folder / "told.csv")
    load(connection, folder / "told.csv", "orders")
    list(build(connection, folder / f"new-{name}", has_orders=True))
    connection.close()
    return (folder / f"new-{name}").replace(folder / name)


def at_once(path: Path) -> Shop:
    shop = Shop()
    beginning = shop.new_statistics()
    for row in built(path):
        beginning.covisits.add_batch(*row)
    for told in built_pairs(path):
        beginning.take_pairs(*told)
    shop.replace_statistics(beginning)
    return shop


def known(shop: Shop) -> list[object]:
    """What it would recommend after each product, and beside it in a cart."""
    return [
        (shop.covisits.row(each), shop.covisits.clicks(each), shop.baskets.together([each]), shop.baskets.bought(each))
        for each in PRODUCTS
    ]


async def test_between_two_turns_of_the_loop_little_is_taken_in_and_then_it_is_what_it_would_be_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OTHERS_AT_ONCE", 500)
    path, shop = written(tmp_path), Shop()
    done, per_turn = 0, [0]

    def counting(work: Callable[..., None]) -> Callable[..., None]:
        def counted(table: object, *told: Any) -> None:
            nonlocal done
            done += 1 + len(told[1])
            assert not shop.baskets.count, "none of it counts before all of it does"
            work(table, *told)

        return counted

    async def look() -> None:
        nonlocal done
        while True:
            per_turn.append(done)
            done = 0
            await asyncio.sleep(0)

    store = open_store(f"sqlite:{tmp_path / 'store.db'}")
    looking = asyncio.create_task(look())
    with monkeypatch.context() as patch:
        patch.setattr(Covisits, "add_batch", counting(Covisits.add_batch))
        patch.setattr(Baskets, "add_batch", counting(Baskets.add_batch))
        await Affinity(str(path), lambda: shop, Learning(store, lambda: Stock(shop))).take_in(path)
    looking.cancel()
    await store.aclose()
    assert sum(per_turn) > 10 * 500
    assert max(per_turn) < 1.3 * 500
    assert known(shop) == known(at_once(path))


async def test_pages_are_answered_and_events_learnt_while_it_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, go_on = written(tmp_path), threading.Event()

    def slow(path: Path) -> Iterator[BuiltPairs]:
        go_on.wait()
        yield from built_pairs(path)

    monkeypatch.setattr(module, "built_pairs", slow)
    seen = Arrival("anna", Event(10_000.0, "1", VIEWED, items=(Item("SKU-1"),)))
    bought = Arrival("anna", Event(10_001.0, "2", BOUGHT, items=(Item("SKU-1"), Item("SKU-2"))))
    counted = Arrival("anna", Event(1.0, "3", BOUGHT, items=(Item("SKU-1"), Item("SKU-2"))))
    async with Origin(always(PAGE)) as origin, Behind(origin.url, RULES, tmp_path, affinity=str(path)) as site:
        shop = site.tailorbird.desk.gateway.stock.shop
        learning = site.tailorbird._learning
        assert (await site.client.get("/")).content == b"<p>a page</p>"
        learning.hear(await site.tailorbird.store.apply([seen, bought, counted]))
        assert (shop.edition, shop.baskets.bought("SKU-1")) == (1, 2)
        go_on.set()
        await eventually(lambda: shop.edition == 2)
        assert (await site.client.get("/")).content == b"<p>a page</p>"
        expected = at_once(path)
        for arrival in (seen, bought, counted):
            expected.learn(arrival.visitor_id, arrival.event)
        await eventually(lambda: shop.baskets.count == expected.baskets.count)
        assert known(shop) == known(expected)


async def test_what_is_written_again_takes_the_place_of_what_was_and_what_cannot_be_read_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    path = written(tmp_path)
    async with Origin(always(PAGE)) as origin, Behind(origin.url, RULES, tmp_path, affinity=str(path)) as site:
        shop = site.tailorbird.desk.gateway.stock.shop
        await eventually(lambda: shop.edition == 2)
        assert known(shop) == known(at_once(path))
        (tmp_path / "junk").write_bytes(b"junk")
        (tmp_path / "junk").replace(path)
        await asyncio.sleep(0.3)
        written(tmp_path, step=11)
        await eventually(lambda: shop.edition == 3)
        assert known(shop) == known(at_once(path))


async def test_a_worker_does_not_start_without_what_it_is_told_to_take_in(tmp_path: Path) -> None:
    (tmp_path / "junk.parquet").write_bytes(b"junk")
    for name, what in (("nowhere.parquet", "there is no"), ("junk.parquet", "cannot be read")):
        with pytest.raises(OperatorError, match=what):
            async with Behind("http://127.0.0.1:9", RULES, tmp_path, affinity=str(tmp_path / name)):
                pass
