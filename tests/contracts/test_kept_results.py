"""Results for the studio, counted by a process of its own, from every kind of store."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.audience.results import ALL, ORDER
from proxy.audience.stored_results import FRESH_SECONDS, PackedResults, StoredResults
from proxy.bus import bus_of_machine
from proxy.model import Arrival, Event
from proxy.ports import Bus, Store
from proxy.rulebook.compile import Publication, load
from proxy.serve.results import KeptResults
from proxy.stores import open_store
from tests.running import PATIENCE_SECONDS

NOON = 1_795_435_200.0
RULES = b"rules: [{name: Hero, slot: home.hero, show: {banner: {title: x}}}]"


@dataclass
class Clock:
    """A moment that a test sets."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publication() -> Publication:
    loaded = load({"a.rules.yaml": RULES, "slots.yaml": b"slots: {home.hero: {}}"})
    assert loaded.publication is not None, loaded.findings
    return loaded.publication


@pytest.fixture
async def kept(url: str, clock: Clock) -> AsyncIterator[KeptResults]:
    async with aclosing(KeptResults(url, bus_of_machine(None), clock)) as kept:
        yield kept


def visit(visitor_id: str, at: float = NOON - 60) -> list[Arrival]:
    view = Event(at, "page:1", "page viewed", "/", shown=("Hero",))
    order = Event(at + 5, "shop:1", ORDER, value=12.0)
    details: dict[str, str | float | bool] = {"slot home.hero": "Hero"}
    return [Arrival(visitor_id, view, "page", at, details=details), Arrival(visitor_id, order, "shop", at)]


async def test_all_visitors_are_counted_or_those_of_some_days_apart(
    store: Store, kept: KeptResults, publication: Publication
) -> None:
    await store.apply([*visit("anna"), *visit("ben", NOON - 9 * 86_400)])
    all_time = await kept.look(publication, 0, "", PATIENCE_SECONDS)
    assert all_time.stored and all_time.stored.at == NOON and not all_time.is_counting
    hero = all_time.stored.results.comparisons()["Hero"].groups[ALL]
    assert (all_time.stored.results.visitors, hero.visitors, hero.converted[ORDER], hero.money.total) == (2, 2, 2, 24.0)
    assert all_time.stored.results.parts_of("Hero") == {}
    week = await kept.look(publication, 7, "past", PATIENCE_SECONDS)
    assert week.stored and week.stored.results.comparisons()["Hero"].groups[ALL].visitors == 1
    assert week.stored.results.parts_of("Hero")["new"].groups[ALL].visitors == 1


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[tuple[str, Store]]:
    """A store in a file, by its address: for what does not depend on the kind of store."""
    url = f"sqlite:{tmp_path}/profiles.db"
    async with aclosing(open_store(url)) as store:
        yield url, store


async def test_what_was_counted_is_kept_for_a_minute_and_shown_while_it_is_counted_again(
    file: tuple[str, Store], publication: Publication, clock: Clock
) -> None:
    url, store = file
    await store.apply(visit("anna"))
    async with aclosing(KeptResults(url, bus_of_machine(None), clock)) as kept:
        counted = await kept.look(publication, 0, "", PATIENCE_SECONDS)
        await store.apply(visit("cleo"))
        assert await kept.look(publication, 0, "", PATIENCE_SECONDS) == counted
        clock.now += 1_000.0
        stale = await kept.look(publication, 0, "", PATIENCE_SECONDS)
        assert stale.stored == counted.stored and stale.is_counting
        while (again := await kept.look(publication, 0, "", PATIENCE_SECONDS)).is_counting:
            await asyncio.sleep(0.05)
    assert again.stored and again.stored.at == clock.now
    assert again.stored.results.comparisons()["Hero"].groups[ALL].visitors == 2


async def test_a_caller_that_does_not_wait_hears_that_results_are_being_counted(
    kept: KeptResults, publication: Publication
) -> None:
    looked = await kept.look(publication, 0, "", 0)
    assert (looked.stored, looked.is_counting, looked.problem) == (None, True, "")
    await kept.aclose()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while children():  # its process goes with it: uvloop has killed it, and reaps it next
            await asyncio.sleep(0.01)


def children() -> list[str]:
    """The processes that count for this one."""
    found = list[str]()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # another thread of this process has just ended
            found += (thread / "children").read_text().split()
    return [id for id in found if b"proxy.serve.results" in Path(f"/proc/{id}/cmdline").read_bytes()]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tb-") as folder:  # a socket's path must be short
        yield Path(folder)


async def test_what_one_worker_counted_the_others_need_not_count(
    file: tuple[str, Store], publication: Publication, clock: Clock, folder: Path
) -> None:
    url, store = file
    await store.apply(visit("anna"))
    buses: list[Bus] = [bus_of_machine(folder), bus_of_machine(folder)]
    one, other = (KeptResults(url, bus, clock) for bus in buses)
    for bus in buses:
        await bus.open()
    try:
        counted = await one.look(publication, 0, "", PATIENCE_SECONDS)
        while (heard := await other.look(publication, 0, "", 0)).is_counting:
            await other.aclose()
        assert heard.stored == counted.stored
    finally:
        for bus in buses:
            await bus.aclose()


def test_what_took_long_to_count_is_kept_longer() -> None:
    kept = StoredResults("v", 0, "", NOON, 30.0, PackedResults.of(0, {}))
    assert kept.is_fresh(NOON + 299) and not kept.is_fresh(NOON + 300)
    quick = StoredResults("v", 0, "", NOON, 0.1, PackedResults.of(0, {}))
    assert quick.is_fresh(NOON + FRESH_SECONDS - 1) and not quick.is_fresh(NOON + FRESH_SECONDS)
    assert not quick.is_fresh(NOON - 1), "a clock that was put back"
