"""What every store promises of events (`ports.EventStore`), on the real thing."""

from __future__ import annotations

import asyncio
import random

import pytest

from proxy.events.fold import fold
from proxy.model import Arrival, Event, Item, Profile
from proxy.ports import Refused, Store
from proxy.stores import open_store
from proxy.stores.record import arrivals_of, packed, packed_event_of
from tests.contracts.test_profile_store import ANNA, overwrite

NOON = 1_795_435_200.0
SHOE = Item("hoka-1", "shoes/trail", "Hoka", 139.95, 1.0)


def seen(visitor_id: str, number: int, at: float = NOON) -> Arrival:
    return Arrival(visitor_id, Event(at + number, f"web:{number}", "product viewed", "", (SHOE,)), "web", at + number)


async def test_an_event_is_in_the_log_and_in_the_profile(store: Store) -> None:
    arrival = seen("anna", 1)
    applied = await store.apply([arrival])
    assert applied.new == [arrival]
    assert list(applied.visitors) == ["anna"]
    anna = Profile("anna", updated_at=arrival.received_at, history=(arrival.event,))
    assert await store.get_profile("anna") == anna
    assert await store.log_of("anna") == [arrival]


async def test_an_event_that_came_before_changes_nothing(store: Store) -> None:
    await store.apply([seen("anna", 1), seen("anna", 1), seen("anna", 2)])
    again = await store.apply([seen("anna", 2), seen("anna", 1)])
    assert (list(again.new), list(again.visitors)) == ([], [])
    assert await store.log_of("anna") == [seen("anna", 1), seen("anna", 2)]


async def test_what_is_noted_is_an_event_like_any_other(store: Store) -> None:
    def view(visitor_id: str, number: int) -> Arrival:
        event = Event(NOON + number, f"page:ab:{number}-0", "page viewed", "/")
        return Arrival(visitor_id, event, "page", NOON + number)

    applied = await store.apply([seen("anna", 1)], [packed_event_of(view("anna", 2)), packed_event_of(view("ben", 3))])
    assert list(applied.visitors) == ["anna", "ben"]
    assert {one.event.id for one in arrivals_of(applied.all_new)} == {"web:1", "page:ab:2-0", "page:ab:3-0"}
    assert await store.log_of("anna") == [seen("anna", 1), view("anna", 2)]
    assert await store.get_profile("ben") == fold(None, [view("ben", 3)])
    assert sorted([visitor_id async for visitor_id in store.visitors()]) == ["anna", "ben"]
    assert (await store.apply([view("ben", 3), view("anna", 2)])).new == [], "it came before"
    assert (await store.log("", 9))[0] == [seen("anna", 1), view("anna", 2), view("ben", 3)]
    assert await store.rebuild() == 0


async def test_two_visitors_may_have_events_of_one_id(store: Store) -> None:
    applied = await store.apply([seen("anna", 1), seen("ben", 1)])
    assert set(applied.visitors) == {"anna", "ben"}


async def test_traits_are_attributes_and_their_names_are_known(store: Store) -> None:
    event = Event(NOON, "crm:1", "identified")
    await store.apply([Arrival("anna", event, "crm", NOON, {"size": "40", "brands": ["Hoka", "Salomon"]})])
    profile = await store.get_profile("anna")
    assert profile is not None
    assert profile.attributes == {"size": "40", "brands": frozenset({"Hoka", "Salomon"})}
    assert await store.attribute_names() == {"size", "brands"}


async def test_an_import_leaves_the_history_alone(store: Store) -> None:
    await store.apply([seen("anna", 1)])
    await store.put_profiles([ANNA])
    profile = await store.get_profile("anna")
    assert profile is not None
    assert (profile.attributes, profile.segments) == (ANNA.attributes, ANNA.segments)
    assert profile.history == (seen("anna", 1).event,)


async def test_several_clients_that_change_one_visitor_lose_nothing(store: Store, url: str) -> None:
    others = [store, *(open_store(url) for _ in range(3))]
    await asyncio.gather(
        *(other.apply([seen("anna", 10 * turn + number)]) for turn in range(8) for number, other in enumerate(others))
    )
    profile = await store.get_profile("anna")
    assert profile is not None
    assert len(profile.history) == 32
    assert profile == fold(None, await store.log_of("anna"))
    for other in others[1:]:
        await other.aclose()


async def test_whatever_the_order_the_profile_is_the_same(store: Store) -> None:
    arrivals = [seen("anna", number) for number in range(40)] * 3
    random.Random(7).shuffle(arrivals)
    for start in range(0, len(arrivals), 7):
        await store.apply(arrivals[start : start + 7])
    assert await store.get_profile("anna") == fold(None, [seen("anna", number) for number in range(40)])


async def test_the_log_is_read_on_from_any_place(store: Store) -> None:
    arrivals = [seen(f"v{number % 5}", number) for number in range(25)]
    await store.apply(arrivals)
    read, place = await store.log("", 10)
    assert read == arrivals[:10]
    rest, place = await store.log(place, 100)
    assert rest == arrivals[10:]
    assert await store.log(place, 100) == ([], place)
    await store.apply([seen("v9", 99)])
    assert (await store.log(place, 100))[0] == [seen("v9", 99)]


async def test_profiles_are_made_again_from_the_log(store: Store, url: str) -> None:
    await store.put_profiles([ANNA])
    await store.apply([seen(f"v{number % 7}", number) for number in range(50)] + [seen("anna", 1)])
    visitors = sorted([visitor_id async for visitor_id in store.visitors()])
    assert visitors == ["anna", *(f"v{number}" for number in range(7))]
    before = [await store.get_profile(visitor_id) for visitor_id in visitors]
    assert await store.rebuild() == 0, "to the byte"
    await overwrite(url, "v3", b"noise")
    await overwrite(url, "v4", packed(Profile("v4", {"made": "up"})))
    assert await store.rebuild() == 2
    assert [await store.get_profile(visitor_id) for visitor_id in visitors] == before


@pytest.mark.parametrize("damage", [b"noise", packed(Profile("ben")), ["a", "list"]], ids=["noise", "other", "type"])
async def test_an_event_mends_a_damaged_profile(store: Store, url: str, damage: bytes | list[str]) -> None:
    await store.apply([seen("anna", 1)])
    await overwrite(url, "anna", damage)
    await store.apply([seen("anna", 2)])
    assert await store.get_profile("anna") == fold(None, [seen("anna", 1), seen("anna", 2)])


async def test_what_was_not_taken_can_be_read_and_let_go(store: Store) -> None:
    refused = [Refused(NOON + number, "web", "no-items", b'{"n": %d}' % number, "anna") for number in range(3)]
    await store.refuse(refused[:2])
    await store.refuse(refused[2:])
    assert await store.refused() == refused
    await store.forget_refused(refused[:2])
    assert await store.refused() == refused[2:]
    await store.forget_refused([])


async def test_nothing_to_apply_is_nothing_applied(store: Store) -> None:
    applied = await store.apply([])
    assert (list(applied.new), list(applied.visitors)) == ([], [])
    assert await store.rebuild() == 0


async def test_a_visitor_enters_and_leaves_an_outside_segment(store: Store) -> None:
    def said(number: int, kind: str, name: str = "VIP") -> Arrival:
        return Arrival("anna", Event(NOON + number, f"cdp:{number}", kind, name), "cdp", NOON + number)

    async def segments() -> frozenset[str]:
        profile = await store.get_profile("anna")
        return profile.segments if profile else frozenset()

    await store.apply([said(1, "segment entered"), said(2, "segment entered", "Runners")])
    await store.put_profiles([Profile("anna", {}, frozenset({"Wholesale"}), NOON + 3)])
    assert await segments() == {"VIP", "Runners", "Wholesale"}
    await store.apply([said(5, "segment left"), said(4, "segment entered"), said(6, "segment left", "wholesale")])
    assert await segments() == {"Runners"}
    assert await store.rebuild() == 0
