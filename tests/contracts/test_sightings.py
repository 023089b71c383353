"""What every store promises of what pages told of products (`ports.Sightings`), on the real thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from math import inf

import pytest

from proxy.errors import StoreError
from proxy.model import Product, Sighting
from proxy.ports import Sightings
from proxy.stores import open_sightings, open_store

TENT = Product(
    "TENT", "Zelt für 2", "/p/TENT", "camping/tents", "Hilleberg", 129.0, "EUR", "/img/TENT.jpg", 600, 400,
    tags=frozenset({"new", "light"}), sale_price=99.0, sale_until=1_795_000_000.0, prices=(("NOK", 1490.0),),
)  # fmt: skip


@pytest.fixture
async def sightings(url: str) -> AsyncIterator[Sightings]:
    await open_store(url).aclose()  # makes the file's folder, as `serve` does
    opened = open_sightings(url)
    yield opened
    await opened.aclose()


def seen(*ids: str, at: float = 1.0) -> list[Sighting]:
    return [Sighting(id, at, replace(TENT, id=id)) for id in ids]


async def all_of(sightings: Sightings, most: int = 2) -> Sequence[str]:
    ids, after = list[str](), 0
    while True:
        found, place = await sightings.get_sightings(after, most)
        if place == after:
            return ids
        ids, after = [*ids, *(sighting.id for sighting in found)], place


async def test_a_sighting_comes_back_as_it_was_put(sightings: Sightings) -> None:
    told = [Sighting("TENT", 1_795_000_000.5, TENT), Sighting("GONE", 2.0, None)]
    await sightings.put_sightings(told, most=10)
    found, _ = await sightings.get_sightings(0, 10)
    assert found == told and found[0].product and found[0].product.sale_from == -inf


async def test_nothing_was_told_at_first(sightings: Sightings) -> None:
    assert await sightings.get_sightings(0, 10) == ([], 0)
    await sightings.put_sightings([], most=10)
    assert await sightings.get_sightings(0, 10) == ([], 0)


async def test_the_last_word_on_a_product_is_read_by_who_reads_on(sightings: Sightings) -> None:
    await sightings.put_sightings(seen("A", "B", "C"), most=10)
    _, place = await sightings.get_sightings(0, 10)
    await sightings.put_sightings(seen("A", at=2.0), most=10)
    assert await all_of(sightings) == ["B", "C", "A"]
    found, later = await sightings.get_sightings(place, 10)
    assert found == seen("A", at=2.0)
    assert await sightings.get_sightings(later, 10) == ([], later)


async def test_of_one_product_told_twice_at_once_the_last_word_counts(sightings: Sightings) -> None:
    await sightings.put_sightings([*seen("A", "B"), Sighting("A", 3.0, None)], most=10)
    found, _ = await sightings.get_sightings(0, 10)
    assert found == [*seen("B"), Sighting("A", 3.0, None)]


async def test_what_a_page_told_and_what_a_change_made_are_kept_apart(sightings: Sightings) -> None:
    change = Sighting("A", 5.0, TENT, replace(TENT, price=1.0), is_change=True)
    await sightings.put_sightings([*seen("A"), change], most=10)
    found, _ = await sightings.get_sightings(0, 10)
    assert found == [*seen("A"), change]


async def test_those_told_of_last_stay(sightings: Sightings) -> None:
    await sightings.put_sightings(seen(*(f"{n:04}" for n in range(1_200))), most=2_000)
    assert len(await all_of(sightings, most=500)) == 1_200
    await sightings.put_sightings(seen("0000"), most=3)
    assert await all_of(sightings) == ["1198", "1199", "0000"]


async def test_a_closed_store_says_so(url: str) -> None:
    if not url.startswith("sqlite"):
        return  # a client of a server opens another connection
    await open_store(url).aclose()
    opened = open_sightings(url)
    await opened.aclose()
    with pytest.raises(StoreError):
        await opened.get_sightings(0, 1)
