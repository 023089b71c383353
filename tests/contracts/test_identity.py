"""What `stores/joining.py` promises, on every store: a device joined to a person, parted again, erased."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from proxy.audience.identity import join_events
from proxy.errors import StoreError
from proxy.model import Arrival, Event, Profile
from proxy.ports import Refused, Store
from proxy.stores import open_store
from proxy.stores.joining import join, ledger, part, whole
from tests.wire.patience import PATIENT

NOON = 1_795_435_200.0


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "product viewed"), "web", NOON + number)


def numbers(profile: Profile | None) -> list[str]:
    return [event.id for event in profile.history] if profile else []


async def test_a_person_has_what_their_devices_did_before_and_since(store: Store) -> None:
    await store.apply([seen("d1", 1), seen("d2", 2), seen("anna", 3)])
    assert not (await join(store, "d1", "anna", NOON + 10)).refusal
    joined = await join(store, "d2", "anna", NOON + 11)
    assert joined.changed == {"anna", "d2"}
    applied = await store.apply([seen("d1", 20)])
    assert list(applied.visitors) == ["anna"]
    assert numbers(await store.get_profile("anna")) == ["web:1", "web:2", "web:3", "web:20"]
    device = await store.get_profile("d1")
    assert device is not None and device.alias == "anna"
    assert await whole(store, "d2") == ("anna", "d1", "d2")


async def test_what_an_import_says_of_a_device_stays_with_it(store: Store) -> None:
    await store.apply([seen("d1", 1)])
    await join(store, "d1", "anna", NOON + 10)
    imported = [Profile(id, {"size": id}, updated_at=NOON + 20) for id in ("ben", "d1")]
    assert await store.put_profiles(imported) == 2
    profiles = {id: await store.get_profile(id) for id in ("anna", "ben", "d1")}
    assert {id: profile and profile.attributes for id, profile in profiles.items()} == {
        "anna": {}, "ben": {"size": "ben"}, "d1": {"size": "d1"},
    }  # fmt: skip
    assert profiles["d1"] and profiles["d1"].alias == "anna"


async def test_a_message_sent_again_after_a_join_counts_once(store: Store) -> None:
    await store.apply([seen("d1", 1)])
    await join(store, "d1", "anna", NOON + 10)
    again = await store.apply([seen("d1", 1), seen("anna", 1)])
    assert (list(again.new), list(again.visitors)) == ([], [])
    both = await store.apply([seen("d1", 2), seen("anna", 2)])
    assert len(both.new) == 1


async def test_joining_again_changes_nothing(store: Store) -> None:
    await store.apply([seen("d1", 1)])
    await join(store, "d1", "anna", NOON + 10)
    before = await store.get_profile("anna"), await store.log_of("anna")
    assert (await join(store, "d1", "anna", NOON + 20)).refusal == "joined"
    assert (await store.get_profile("anna"), await store.log_of("anna")) == before


async def test_events_that_come_while_two_are_joined_are_the_persons_too(url: str) -> None:
    one, other = open_store(url, PATIENT), open_store(url, PATIENT)
    sends = [one.apply([seen("d1", number)]) for number in range(40)]
    await asyncio.gather(*sends[:20], join(other, "d1", "anna", NOON + 10), *sends[20:])
    assert len(numbers(await one.get_profile("anna"))) == 40
    assert await one.rebuild() == 0
    await one.aclose()
    await other.aclose()


async def test_a_shared_tablet_stays_with_who_came_first(store: Store) -> None:
    await store.apply([seen("tablet", 1)])
    await join(store, "tablet", "anna", NOON + 10)
    assert (await join(store, "tablet", "ben", NOON + 11)).refusal == "another person"
    assert await store.get_profile("ben") is None


async def test_of_two_simultaneous_logins_on_a_device_one_wins(url: str) -> None:
    one, other = open_store(url, PATIENT), open_store(url, PATIENT)
    await one.apply([seen("tablet", number) for number in range(5)])
    joined = await asyncio.gather(join(one, "tablet", "anna", NOON + 10), join(other, "tablet", "ben", NOON + 10))
    assert sorted(not done.refusal for done in joined) == [False, True]
    await one.apply([seen("tablet", 20)])
    anna, ben = await one.get_profile("anna"), await one.get_profile("ben")
    assert sorted([len(numbers(anna)), len(numbers(ben))]) == [0, 6]
    await one.aclose()
    await other.aclose()


async def test_who_was_quicker_keeps_the_device_while_another_claims_it(store: Store) -> None:
    late_claim = join_events(Profile("tablet"), "anna", NOON, NOON + 10)[1]  # who comes first by name

    class Claimed:
        """The store, in which the claim stands by the time the log is read again."""

        asked = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
            self.asked += 1
            if self.asked == 2:
                await store.apply([late_claim])
            return await store.log_of(visitor_id)

    claimed: Any = Claimed()
    await store.apply([seen("tablet", 1)])
    assert (await join(claimed, "tablet", "ben", NOON + 10)).refusal == ""
    assert claimed.asked == 2
    assert numbers(await store.get_profile("ben")) == ["web:1"]


async def test_chance_goes_on_as_before_the_login(store: Store) -> None:
    await store.apply([seen("d1", 1), seen("d2", 2)])
    await join(store, "d2", "anna", NOON + 10)
    await join(store, "d1", "anna", NOON + 11)
    anna = await store.get_profile("anna")
    assert anna is not None and anna.bucket_key == "d1", "that of the eldest device"


async def test_a_join_undone_gives_each_their_own_and_is_in_the_ledger(store: Store) -> None:
    await store.apply([seen("d1", 1), seen("anna", 2)])
    await join(store, "d1", "anna", NOON + 10)
    await store.apply([seen("d1", 20), seen("anna", 21)])
    assert not (await part(store, "d1", NOON + 30)).refusal
    assert numbers(await store.get_profile("anna")) == ["web:2", "web:21"]
    assert numbers(await store.get_profile("d1")) == ["web:1", "web:20"]
    await store.apply([seen("d1", 31)])
    assert numbers(await store.get_profile("d1")) == ["web:1", "web:20", "web:31"]
    assert [(one.event.kind, one.event.subject) for one in await ledger(store, "anna")] == [
        ("joined", "d1"),
        ("parted", "d1"),
    ]
    assert (await join(store, "d1", "anna", NOON + 40)).refusal == "parted"
    assert (await part(store, "d1", NOON + 50)).refusal == "nobody's"
    assert await store.rebuild() == 0


class BreakingOff:
    """A store that is away when the log of somebody is asked for; all else is the store's own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        raise StoreError("the store is away")


async def test_a_parting_that_was_broken_off_is_finished_by_the_next(store: Store) -> None:
    await store.apply([seen("d1", 1), seen("anna", 2)])
    await join(store, "d1", "anna", NOON + 10)
    with pytest.raises(StoreError):
        await part(BreakingOff(store), "d1", NOON + 30)  # type: ignore[arg-type]
    done = await part(store, "d1", NOON + 40)
    assert not done.refusal and done.changed == {"anna", "d1"}
    assert (await part(store, "d1", NOON + 50)).refusal == "nobody's"
    assert numbers(await store.get_profile("anna")) == ["web:2"]
    assert numbers(await store.get_profile("d1")) == ["web:1"]


async def test_events_withdrawn_never_came(store: Store) -> None:
    await store.apply([seen("anna", 1), seen("anna", 2)])
    await store.withdraw({"anna": ["web:1"]})
    assert numbers(await store.get_profile("anna")) == ["web:2"]
    assert await store.rebuild() == 0
    await store.withdraw({"anna": ["web:2"]})
    assert await store.get_profile("anna") is None


async def test_what_was_erased_does_not_come_back_and_what_is_new_does(store: Store) -> None:
    await store.apply([seen("anna", 1), seen("ben", 1)])
    await store.put_profiles([Profile("anna", {"first name": "Anna"}, updated_at=NOON)])
    others = b'{"userId": "ben", "subject": "anna-1"}'
    await store.refuse([Refused(NOON, "web", "type", sent) for sent in (b'{"userId": "anna"}', others)])
    gone = await store.erase(["anna"], NOON + 10)
    assert dict(gone) == {"events": 2, "profiles": 1, "events not taken": 1}
    assert (await store.get_profile("anna"), list(await store.log_of("anna"))) == (None, [])
    assert [one.payload for one in await store.refused()] == [others]
    assert "anna" not in str(await store.log("", 100))
    again = await store.apply([seen("anna", 1), seen("anna", 11)])
    assert [one.event.id for one in again.new] == ["web:11"]
    assert await store.put_profiles([Profile("anna", {"first name": "Anna"}, updated_at=NOON + 20)]) == 0
    assert numbers(await store.get_profile("ben")) == ["web:1"]


@pytest.mark.parametrize("count", [3])
async def test_erasing_somebody_unknown_erases_nothing(store: Store, count: int) -> None:
    await store.apply([seen("ben", number) for number in range(count)])
    assert set((await store.erase(["anna"], NOON)).values()) == {0}
    assert len(numbers(await store.get_profile("ben"))) == count
