"""Who looks after what a worker remembers; what the stores promise for it is in `tests/contracts/test_changes.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from proxy.errors import StoreError
from proxy.metrics import Metrics
from proxy.model import Profile
from proxy.ports import Changed
from proxy.visitors.invalidation import MOST_KNOWN, Invalidation
from proxy.visitors.profiles import ProfileReader
from tests.wire.behind import Behind
from tests.wire.origin import Origin, always, ok
from tests.wire.patience import PATIENT
from tests.wiring.test_tailorbird import ANNA, FOLDER, HTML, PAGE

NOW = 1_795_435_200.0


class Store:
    """Tells `changed` once, and notes what it was asked."""

    def __init__(self) -> None:
        self.error: StoreError | None = None
        self.places = 0
        self.changes: Changed | None = Changed()
        self.asked: list[tuple[str, str, int]] = []
        self.looked = asyncio.Event()

    async def newest_change(self) -> str:
        self.looked.set()
        if self.error is not None:
            raise self.error
        return f"place {self.places}"

    async def changed(self, after: str, until: str, known: Collection[str]) -> Changed | None:
        self.asked.append((after, until, len(known)))
        return self.changes

    async def get_profile(self, visitor_id: str) -> Profile | None:
        return None


def invalidation_of(store: Store) -> tuple[Invalidation, ProfileReader]:
    profiles = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    return Invalidation(store, profiles, lambda: NOW, settle_seconds=0.0), profiles  # type: ignore[arg-type]


async def test_where_nothing_was_changed_nobody_is_asked_for() -> None:
    store = Store()
    invalidation, _ = invalidation_of(store)
    for _ in range(3):
        await invalidation.look()
    assert store.asked == []
    store.places = 1
    invalidation.know(["a", "b"])
    await invalidation.look()
    await invalidation.look()
    store.places = 2
    await invalidation.look()
    assert store.asked == [("place 0", "place 1", 2), ("place 1", "place 2", 0)]


async def test_clocks_that_are_apart_are_told_once_until_they_agree(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    invalidation, _ = invalidation_of(store)
    store.newest_change = lambda: asyncio.sleep(0, next(places))  # type: ignore[method-assign]
    moments = (NOW - 99, NOW - 4, NOW + 4, NOW - 60, NOW - 30, NOW, NOW + 7, NOW + 7)
    places = iter([f"{int(moment * 1_000)}-{number}" for number, moment in enumerate(moments)])
    told = []
    for _ in moments:
        await invalidation.look()
        told.append(len(caplog.records))
    assert told == [0, 0, 0, 1, 1, 1, 2, 2]
    assert "60 seconds apart" in caplog.text and "7 seconds apart" in caplog.text


async def test_a_store_that_lost_all_changes_says_nothing_of_clocks(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    invalidation, _ = invalidation_of(store)
    places = iter([f"{int(NOW * 1_000)}-0", "0-0", f"{int(NOW * 1_000)}-1"])
    store.newest_change = lambda: asyncio.sleep(0, next(places))  # type: ignore[method-assign]
    for _ in range(3):
        await invalidation.look()
    assert not caplog.records


async def test_when_it_may_be_anybody_nobody_is_remembered_at_all() -> None:
    store = Store()
    invalidation, profiles = invalidation_of(store)
    await invalidation.look()
    profiles.remember("anna", ANNA, NOW)
    store.places, store.changes = 1, None
    await invalidation.look()
    assert profiles.held("anna") is None
    await profiles.aclose()


async def test_it_looks_again_and_again_for_as_long_as_it_is_let() -> None:
    store = Store()
    invalidation, _ = invalidation_of(store)
    following = asyncio.create_task(invalidation.follow(every_seconds=0.0))
    for _ in range(3):
        store.looked.clear()
        await asyncio.wait_for(store.looked.wait(), 10)
    following.cancel()


async def test_a_store_that_goes_away_is_told_once_and_why_and_again_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    invalidation, _ = invalidation_of(store)
    for error in (None, StoreError("no way in", help="open up"), StoreError("no way in"), None, None):
        store.error = error
        await invalidation.look()
    assert caplog.messages == [
        "profiles cannot be read, pages go on without them: no way in (help: open up)",
        "profiles can be read again",
    ]


async def test_what_is_known_is_bounded() -> None:
    store = Store()
    invalidation, _ = invalidation_of(store)
    await invalidation.look()
    for number in range(3 * MOST_KNOWN):
        invalidation.know([str(number)])
    store.places = 1
    await invalidation.look()
    ((_, _, known),) = store.asked
    assert known <= MOST_KNOWN


# -- real workers, none of which believes its memory for less than an hour by itself


async def test_what_another_worker_did_shows_though_no_message_comes_through(tmp_path: Path) -> None:
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA], profile_memory_seconds=3_600.0) as one,
        Behind(origin.url, FOLDER, tmp_path, profile_memory_seconds=3_600.0) as other,
    ):
        anna = one.cookies_of("anna")
        assert "Hello Anna" in (await other.client.get("/", headers=anna)).text
        await one.tailorbird.store.put_profiles([Profile("anna", {"first name": "Ann"}, updated_at=NOW)])
        async with asyncio.timeout(30):
            while "Hello Ann<" not in (await other.client.get("/", headers=anna)).text:
                await asyncio.sleep(0.01)


async def test_what_a_command_imports_shows_while_pages_are_served(tmp_path: Path) -> None:
    (tmp_path / "visitors.csv").write_text("visitor id,first name\nanna,Ann\n", encoding="utf-8")
    async with (
        Origin(always(ok(PAGE, *HTML))) as origin,
        Behind(origin.url, FOLDER, tmp_path, profiles=[ANNA], profile_memory_seconds=3_600.0) as shop,
    ):
        anna = shop.cookies_of("anna")
        assert "Hello Anna" in (await shop.client.get("/", headers=anna)).text
        command = ["import", "profiles", str(tmp_path / "visitors.csv"), "--store", shop.tailorbird.settings.store]
        importing = await asyncio.create_subprocess_exec(sys.executable, "-m", "proxy", *command)
        assert await importing.wait() == 0
        async with asyncio.timeout(30):
            while "Hello Ann<" not in (await shop.client.get("/", headers=anna)).text:
                await asyncio.sleep(0.01)
