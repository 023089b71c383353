"""What pages tell of products: taken in together, shared by the workers of a store, and known again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from proxy.catalogue.product_index import ProductIndex
from proxy.http.message import Request
from proxy.model import Product, Sighting
from proxy.page.page_subject import PageSubject
from proxy.serve.product_news import AGAIN_SECONDS, KEPT_SECONDS, MOST_HEARD, ProductNews
from proxy.stores import open_sightings, open_store


class Worker:
    """One process: its products, and the clock it shares with the others."""

    def __init__(self, url: str, now: list[float], *products: Product) -> None:
        self.hub = ProductIndex(products)
        self.pages = ProductNews(open_sightings(url), lambda: self.hub, lambda: now[0])

    async def step(self, now: list[float]) -> None:
        """A moment later."""
        now[0] += 2.0
        self.pages.take()
        await self.pages.share()

    def tells(self, **changes: object) -> None:
        """A page of a mat passes."""
        self.pages.read(about(**changes), page(b"/p/mat"))


def about(**changes: object) -> PageSubject:
    return PageSubject(
        product_data={"id": "MAT", "title": "Mat", "link": "", "price": 9.5, "currency": "EUR", **changes}
    )


def page(path: bytes) -> Request:
    return Request(b"GET", path, b"", b"shop.example", ())


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    address = f"sqlite:{tmp_path / 'store.db'}"
    store = open_store(address)
    yield address
    await store.aclose()


async def test_what_pages_tell_is_taken_in_together_and_a_moment_apart(url: str) -> None:
    now = [100.0]
    worker = Worker(url, now)
    pages, hub = worker.pages, worker.hub
    pages.read(about(), page(b"/p/mat%20one"))
    pages.read(about(id="TENT"), page(b"/p/tent"))
    pages.read(about(id="a b"), page(b"/p/bad"))
    pages.read(about(id="BAG", link="/\\evil.example"), page(b"/p/bag"))
    assert not len(hub)
    pages.take()
    found = hub.get("MAT")
    assert found and (found.link, found.price) == ("/p/mat%20one", 9.5) and len(hub) == 2
    pages.read(about(id="MUG"), page(b"/p/mug"))
    pages.take()
    assert len(hub) == 2
    now[0] += 2.0
    pages.take()
    assert len(hub) == 3
    pages.read(about(id="CUP"), page(b"/p/cup"))
    now[0] -= 86_400.0
    pages.take()
    assert len(hub) == 4, "the clock was set back"
    await pages.aclose()


async def test_workers_share_what_pages_told_and_one_that_starts_knows_it(url: str) -> None:
    now = [100.0]
    one, other = Worker(url, now), Worker(url, now)
    one.tells()
    await one.step(now)
    await other.step(now)
    await other.step(now)
    assert other.hub.get("MAT") == one.hub.get("MAT") and other.hub.source_of("MAT") == "page"
    other.tells(price=8.5)
    for worker in (other, one, one):
        await worker.step(now)
    found = one.hub.get("MAT")
    assert found and found.price == 8.5
    for worker in (one, other):
        await worker.pages.aclose()
    later = Worker(url, now)
    await later.pages.open()
    assert later.hub.get("MAT") == found
    await later.pages.aclose()


async def test_a_feed_has_the_last_word_in_every_worker(url: str) -> None:
    now = [100.0]
    of_feed = Product("MAT", "Mat of the feed", "/p/mat", price=12.0)
    one, other = Worker(url, now), Worker(url, now, of_feed)
    one.tells()
    other.tells(id="TENT", link="/p/tent")
    for worker in (one, other, one, other, one, other):
        await worker.step(now)
    assert other.hub.get("MAT") is of_feed and other.hub.source_of("MAT") == "catalogue"
    assert one.hub.source_of("TENT") == other.hub.source_of("TENT") == "page"
    for worker in (one, other):
        await worker.pages.aclose()


async def test_a_page_that_is_gone_takes_its_product_along_everywhere(url: str) -> None:
    now = [100.0]
    one, other = Worker(url, now), Worker(url, now)
    one.tells()
    for worker in (one, other, other):
        await worker.step(now)
    other.tells(id="TENT", link="/p/tent")
    other.pages.miss(page(b"/p/mat/reviews"))
    other.pages.miss(Request(b"GET", b"/p/mat", b"", b"not-the-shop.example", ()))
    await other.step(now)
    assert other.hub.get("MAT")
    other.pages.miss(page(b"/p/mat"))
    for worker in (other, one, one):
        await worker.step(now)
        await worker.pages.aclose() if worker is other else None
    assert one.hub.get("MAT") is None and other.hub.get("MAT") is None and one.hub.get("TENT")
    await one.pages.aclose()
    later = Worker(url, now)
    await later.pages.open()
    assert later.hub.get("MAT") is None
    await later.pages.aclose()


async def test_a_page_that_is_gone_is_heard_of_after_somebody_named_many_hosts(url: str) -> None:
    now = [100.0]
    worker = Worker(url, now)
    for number in range(2 * MOST_HEARD):
        worker.pages.read(about(), Request(b"GET", b"/p/mat", b"", b"h%d.example" % number, ()))
    worker.tells()
    await worker.step(now)
    worker.pages.miss(page(b"/p/mat"))
    await worker.step(now)
    assert worker.hub.get("MAT") is None
    await worker.pages.aclose()


async def test_what_is_told_again_and_again_stays_and_what_nobody_tells_goes(url: str) -> None:
    now = [100.0]
    worker = Worker(url, now)
    worker.tells()
    worker.tells(id="MUG", link="/p/mug")
    await worker.step(now)
    now[0] += KEPT_SECONDS - AGAIN_SECONDS / 2
    worker.tells()
    await worker.step(now)
    now[0] += AGAIN_SECONDS
    await worker.pages.aclose()
    later = Worker(url, now)
    await later.pages.open()
    assert [product.id for product in later.hub.products] == ["MAT"]
    await later.pages.aclose()


async def test_a_change_is_known_to_a_worker_that_starts_until_the_catalogue_says_something_else(url: str) -> None:
    now, of_feed, dearer = (
        [100.0],
        Product("MAT", "Mat", "/p/mat", price=12.0),
        Product("MAT", "Mat", "/p/mat", price=13),
    )
    worker = Worker(url, now, of_feed)
    worker.hub.change({"id": "MAT", "availability": "out_of_stock"}, lambda *told: None)
    await worker.pages.keep_changes(["MAT", "NOBODYS"])
    later = Worker(url, now, of_feed)
    await later.pages.open()
    found = later.hub.get("MAT")
    assert found and not found.in_stock
    later.hub.replace([dearer])
    assert later.hub.get("MAT") is dearer
    await later.step(now)
    last = Worker(url, now, of_feed)
    await last.pages.open()
    assert last.hub.get("MAT") is of_feed
    for each in (worker, later, last):
        await each.pages.aclose()


async def test_more_than_one_reading_is_known_again(url: str) -> None:
    now = [100.0]
    worker = Worker(url, now)
    for number in range(800):
        worker.tells(id=f"MAT-{number}", link=f"/p/{number}")
    await worker.step(now)
    await worker.pages.aclose()
    later = Worker(url, now)
    await later.pages.open()
    assert len(later.hub) == 800
    await later.pages.aclose()


async def test_a_store_that_is_away_costs_nothing_but_the_sharing(tmp_path: Path) -> None:
    now = [100.0]
    worker = Worker(f"sqlite:{tmp_path}/no folder/store.db", now)
    await worker.pages.open()
    worker.tells()
    following = asyncio.create_task(worker.pages.follow())
    await asyncio.sleep(0)
    assert worker.hub.get("MAT")
    following.cancel()
    await worker.pages.aclose()


class Stalled:
    """A store that has taken what is asked, and answers nobody."""

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        await asyncio.Event().wait()

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        pass


async def test_a_store_that_stalls_holds_up_neither_start_nor_change_nor_stop() -> None:
    hub = ProductIndex([Product("MAT", "Mat", "/p/mat")])
    hub.change({"id": "MAT", "price": 9.0}, lambda *told: None)
    pages = ProductNews(Stalled(), lambda: hub, lambda: 100.0, patience_seconds=0.01)
    async with asyncio.timeout(30):
        await pages.open()
        await pages.keep_changes(["MAT"])
        await pages.aclose()


class Empty(Stalled):
    """A store in which nothing is found."""

    async def put_sightings(self, sightings: Sequence[Sighting], *, most: int) -> None:
        pass

    async def get_sightings(self, after: int, most: int) -> tuple[list[Sighting], int]:
        return [], after


class Asked(ProductIndex):
    """Products that count how often somebody asks for a change of theirs."""

    times = 0

    def change_of(self, product_id: str) -> tuple[Product | None, Product] | None:
        self.times += 1
        return super().change_of(product_id)


async def test_changes_are_gone_through_when_the_catalogue_is_another_and_not_each_second() -> None:
    hub = Asked()
    pages = ProductNews(Empty(), lambda: hub, lambda: 100.0)
    changed = [f"MAT-{number}" for number in range(100)]
    for id in changed:
        hub.change({"id": id, "title": "Mat", "link": f"/p/{id}", "price": 9.0}, lambda *told: None)
    await pages.keep_changes(changed)
    for _ in range(10):
        await pages.share()
    assert hub.times < 3 * len(changed)
    hub.replace(hub.products)
    before = hub.times
    await pages.share()
    assert hub.times == before + len(changed)
