"""Profiles that are changed while they are read, or by another worker."""

from __future__ import annotations

import asyncio

import msgspec

from proxy.events.fold import fold
from proxy.metrics import Metrics
from proxy.model import Arrival, Event, Link, Profile
from proxy.settings import Settings
from proxy.visitors.known import MOST_NEWS
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.remembered import MISSING
from tests.wire.patience import PATIENT


def _seen(number: int) -> Arrival:
    return Arrival("anna", Event(float(number), f"web:{number}", "page viewed", "/"), "web", float(number))


class Slow:
    """Answers with what was true when it was asked, once `gate` is open."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def get_profile(self, visitor_id: str) -> Profile:
        profile = self.profile
        self.asked.set()
        await self.gate.wait()
        return profile


async def test_a_read_that_began_before_a_change_does_not_undo_it() -> None:
    store = Slow(Profile("anna"))
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    reading = asyncio.create_task(reader.get("anna", 1.0))
    await store.asked.wait()
    store.profile = changed = fold(Profile("anna"), [_seen(1)])
    reader.arrived([], [_seen(1)])
    store.gate.set()
    await reading
    while reader._reads:
        await asyncio.sleep(0)
    assert reader.remembered("anna", 1.0) == changed
    await reader.aclose()


async def test_a_profile_that_another_worker_changed_is_asked_for_again() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    assert await reader.get("anna", 1.0) == Profile("anna")
    store.profile = Profile("anna", {"orders": 1.0})
    reader.invalidate(["anna", "nobody"])
    assert reader.remembered("anna", 1.0) is MISSING
    assert await reader.get("anna", 1.0) == store.profile
    await reader.aclose()


async def test_what_is_remembered_is_asked_for_at_once_when_another_worker_waits_for_that() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    await reader.get("anna", 1.0)
    store.profile = Profile("anna", {"orders": 1.0})
    await reader.renew(["anna", "nobody"], 1.0)
    assert reader.remembered("anna", 1.0) == store.profile
    assert reader.remembered("nobody", 1.0) is MISSING
    await reader.aclose()


async def test_waiting_for_a_current_profile_outlasts_the_page_budget() -> None:
    store = Slow(Profile("anna"))
    reader = ProfileReader(store, Metrics(), settings=Settings(profile_budget_ms=1))  # type: ignore[arg-type]
    assert await reader.get("anna", 1.0) is None
    store.profile = changed = fold(Profile("anna"), [_seen(1)])
    reader.arrived([], [_seen(1)])
    catching_up = asyncio.create_task(reader.reads_ended(["anna", "ben"]))
    renewing = asyncio.create_task(reader.renew(["anna", "ben"], 1.0))
    await asyncio.sleep(0)
    assert not catching_up.done() and not renewing.done()
    store.gate.set()
    await asyncio.gather(catching_up, renewing)
    assert reader.remembered("anna", 1.0) == changed
    await reader.aclose()


async def test_a_renewal_does_not_undo_what_is_newer() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    await reader.get("anna", 1.0)
    store.gate.clear()
    store.asked.clear()
    renewing = asyncio.create_task(reader.renew(["anna"], 1.0))
    await store.asked.wait()
    store.profile = changed = fold(Profile("anna"), [_seen(1)])
    reader.arrived([], [_seen(1)])
    store.gate.set()
    await renewing
    assert await reader.get("anna", 1.0) == changed
    await reader.aclose()


async def test_events_on_their_way_count_on_what_is_remembered_and_on_what_is_read() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    reader.apply_early([_seen(1)])
    first = await reader.get("anna", 1.0)
    reader.apply_early([_seen(2)])
    second = reader.remembered("anna", 1.0)
    assert isinstance(first, Profile)
    assert isinstance(second, Profile)
    assert [event.id for event in first.history] == ["web:1"]
    assert [event.id for event in second.history] == ["web:1", "web:2"]
    reader.arrived([_seen(1), _seen(2)], [_seen(3)])
    third = reader.remembered("anna", 1.0)
    assert third == fold(Profile("anna"), [_seen(1), _seen(2), _seen(3)])
    await reader.aclose()


async def test_what_a_device_did_counts_no_more_than_the_store_has_it_though_all_was_forgotten_meanwhile() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    reader.remember("phone", Profile("phone", links={"anna": Link(1.0)}), 1.0)
    noted = [msgspec.structs.replace(_seen(1), visitor_id="phone")]
    reader.apply_early(noted)
    first = await reader.get("anna", 1.0)
    assert first is not None and len(first.history) == 1
    reader.forget()
    reader.arrived(noted, ())  # the store did not take it: they were erased
    assert await reader.get("anna", 1.0) == Profile("anna")
    await reader.aclose()


async def test_pages_that_ask_for_no_behaviour_need_no_fresh_profile() -> None:
    store = Slow(Profile("anna", {"orders": 1.0}))
    store.gate.set()
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    before = await reader.get("anna", 1.0)
    reader.apply_early([_seen(1)])
    assert reader.remembered("anna", 1.0, has_news=False) is before
    after = reader.remembered("anna", 1.0)
    assert after == fold(store.profile, [_seen(1)])
    assert reader.remembered("anna", 1.0, has_news=False) is after
    await reader.aclose()


async def test_events_of_somebody_nobody_asks_for_are_counted_in_together() -> None:
    store = Slow(Profile("anna"))
    store.gate.set()
    reader = ProfileReader(store, Metrics(), settings=PATIENT)  # type: ignore[arg-type]
    await reader.get("anna", 1.0)
    arrivals = [_seen(number) for number in range(3 * MOST_NEWS + 1)]
    reader.arrived([], arrivals)
    assert reader._memory._known["anna"].news == arrivals[-1:]
    assert reader.held("anna") == fold(Profile("anna"), arrivals)
    assert reader.held("nobody") is None
    await reader.aclose()
