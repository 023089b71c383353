"""What every log of page views promises (`ports.ViewLog`), on the real thing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from proxy.errors import StoreError
from proxy.model import Profile, View
from proxy.ports import ViewLog
from proxy.stores import open_store, open_views

VIEW = View(
    at=1_795_000_000.5,
    version="06877197b355",
    shown={"home.hero": "Änna's 🏔", "all.topbar": ""},
    attributes={"page": "/", "orders": 4.0, "newsletter": True, "segment": frozenset({"VIP", "Trail runners"})},
    unknown=("country",),
    visitor="anna",
    unverified=frozenset({"VIP"}),
)


@pytest.fixture
async def log(url: str) -> AsyncIterator[ViewLog]:
    await open_store(url).aclose()  # makes the file's folder, as `serve` does
    opened = open_views(url)
    yield opened
    await opened.aclose()


def at(number: int, visitor: str = "anna") -> View:
    return msgspec.structs.replace(VIEW, at=float(number), visitor=visitor)


async def test_a_view_comes_back_as_it_was_recorded(log: ViewLog) -> None:
    await log.put_views([VIEW], most=10)
    assert await log.get_views(10) == [VIEW]


async def test_the_last_are_kept_and_given_in_order(log: ViewLog) -> None:
    await log.put_views([at(number) for number in range(5)], most=4)
    await log.put_views([at(5)], most=4)
    assert [view.at for view in await log.get_views(100)] == [2, 3, 4, 5]
    assert [view.at for view in await log.get_views(2)] == [4, 5]


async def test_more_than_a_batch_is_read_and_erased(log: ViewLog) -> None:
    views = [at(number, "ben" if number % 2 else "anna") for number in range(2_500)]
    await log.put_views(views, most=5_000)
    assert await log.get_views(2_400) == views[100:]
    assert await log.erase_views("ben") == 1_250
    assert {view.visitor for view in await log.get_views(5_000)} == {"anna"}


async def test_erasing_a_visitor_leaves_nothing_of_them(log: ViewLog) -> None:
    await log.put_views([at(1), at(2, "ben"), at(3)], most=10)
    assert await log.erase_views("anna") == 2
    assert await log.erase_views("anna") == 0
    assert await log.get_views(10) == [at(2, "ben")]


async def test_a_view_that_was_drawn_by_who_is_erased_has_their_id_and_goes_too(log: ViewLog, url: str) -> None:
    drawn = [msgspec.structs.replace(at(number, "tablet"), bucket_key="anna") for number in (1, 2, 99)]
    await log.put_views([drawn[0], at(3, "ben")], most=10)
    assert await log.erase_views("anna") == 1
    assert await log.get_views(10) == [at(3, "ben")]
    store = open_store(url)
    await store.mark_erased(["anna"], 10.0)
    await log.put_views([drawn[1]], most=10)
    assert await log.get_views(10) == [at(3, "ben")]
    await log.put_views([drawn[2]], most=10)
    assert await log.get_views(10) == [at(3, "ben"), drawn[2]], "what comes later is new"
    await store.aclose()


async def test_a_view_of_who_was_erased_since_does_not_come_in(log: ViewLog, url: str) -> None:
    store = open_store(url)
    await store.mark_erased(["anna"], 10.0)
    await log.put_views([at(9), at(9, "ben"), at(11), at(9, "")], most=10)
    assert {(view.at, view.visitor) for view in await log.get_views(10)} >= {(9, "ben"), (9, "")}
    assert (9, "anna") not in {(view.at, view.visitor) for view in await log.get_views(10)}
    await log.put_views([at(12)], most=10)
    assert (12, "anna") in {(view.at, view.visitor) for view in await log.get_views(10)}, "what comes later is new"
    await store.aclose()


async def test_a_view_too_large_is_not_kept(log: ViewLog) -> None:
    large = msgspec.structs.replace(VIEW, attributes={"search term": "x" * 5_000})
    await log.put_views([large, at(1)], most=10)
    assert await log.get_views(10) == [at(1)]


async def test_views_and_profiles_share_a_store(log: ViewLog, url: str) -> None:
    store = open_store(url)
    await store.put_profiles([Profile("anna", {"orders": 1.0})])
    await log.put_views([VIEW], most=10)
    assert await store.get_profile("anna") is not None
    await store.aclose()


async def test_a_log_that_is_away_is_a_store_error(tmp_path: object) -> None:
    for url in (f"unix://{tmp_path}/nobody-listens", f"sqlite:{tmp_path}/no/such/folder.db"):
        log = open_views(url)
        with pytest.raises(StoreError):
            await log.put_views([VIEW], most=10)
        with pytest.raises(StoreError):
            await log.get_views(10)
        await log.aclose()
        await log.aclose()
