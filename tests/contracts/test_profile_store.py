"""What every profile store promises (`ports.ProfileStore`), on the real thing."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from proxy.errors import DamagedValueError, StoreError
from proxy.model import Arrival, Event, Profile
from proxy.ports import ProfileStore, Store
from proxy.stores import open_store
from proxy.stores.record import packed, packed_event_of
from proxy.stores.redis_connecting import client_of
from proxy.stores.redis_visitor import profile_key

ANNA = Profile(
    "anna",
    {"first name": "Änna 🏔", "orders": 4.0, "newsletter": True, "brands": frozenset({"Salomon", "Hoka"})},
    frozenset({"VIP", "Trail runners"}),
    1_795_000_000.5,
)
NOON = 1_795_435_200.0
BEN = Profile("ben", {"orders": 0.0}, frozenset(), 1_795_000_000.0)


async def overwrite(url: str, visitor_id: str, value: bytes | list[str]) -> None:
    """Puts anything at all where the visitor's profile lies."""
    if url.startswith("sqlite:"):
        raw = value if isinstance(value, bytes) else str(value)
        with sqlite3.connect(url.removeprefix("sqlite:")) as connection:
            connection.execute("INSERT OR REPLACE INTO profiles (visitor_id, value) VALUES (?, ?)", (visitor_id, raw))
        connection.close()
        return
    async with client_of(url) as client:
        await client.delete(profile_key(visitor_id))
        if isinstance(value, bytes):
            await client.set(profile_key(visitor_id), value)
        else:
            await client.rpush(profile_key(visitor_id), *value)


async def test_a_profile_comes_back_as_it_was_stored(store: ProfileStore) -> None:
    await store.put_profiles([ANNA, BEN])
    assert await store.get_profile("anna") == ANNA
    assert await store.get_profile("ben") == BEN


async def test_an_unknown_visitor_has_no_profile(store: ProfileStore) -> None:
    assert await store.get_profile("nobody") is None


async def test_storing_replaces_the_whole_profile(store: ProfileStore) -> None:
    await store.put_profiles([ANNA])
    smaller = Profile("anna", {"orders": 5.0}, updated_at=ANNA.updated_at)
    await store.put_profiles([smaller])
    assert await store.get_profile("anna") == smaller


async def test_only_new_and_different_profiles_are_counted(store: ProfileStore) -> None:
    assert await store.put_profiles([ANNA, BEN]) == 2
    assert await store.put_profiles([replace(ANNA, updated_at=ANNA.updated_at + 60), BEN]) == 0
    assert await store.put_profiles([replace(ANNA, segments=frozenset()), BEN]) == 1


async def test_of_two_profiles_of_one_visitor_the_last_is_stored(store: ProfileStore) -> None:
    later = replace(ANNA, attributes={"orders": 9.0})
    assert await store.put_profiles([ANNA, BEN, later]) == 2
    assert await store.get_profile("anna") == later


async def test_many_profiles_are_stored_at_once(store: ProfileStore) -> None:
    many = [Profile(f"visitor-{number}", {"orders": float(number)}) for number in range(1_234)]
    assert await store.put_profiles(iter(many)) == 1_234
    assert await store.get_profile("visitor-1233") == many[1_233]


async def test_nothing_to_store_is_nothing_stored(store: ProfileStore) -> None:
    assert await store.put_profiles([]) == 0
    assert await store.attribute_names() == frozenset()


async def test_attribute_names_are_all_that_were_ever_stored(store: ProfileStore) -> None:
    await store.put_profiles([ANNA])
    await store.put_profiles([Profile("cleo", {"cart value": 12.5})])
    assert await store.attribute_names() == {"first name", "orders", "newsletter", "brands", "cart value"}


async def test_the_ids_of_a_store_are_complete(store: Store) -> None:
    await store.put_profiles([ANNA, BEN])
    viewed, trait = Event(NOON, "page:1", "page viewed"), Event(NOON, "web:1", "identified")
    await store.apply(
        [Arrival("cleo", trait, "web", NOON, {"loyalty": "gold"})],
        [packed_event_of(Arrival("dora", viewed, "page", NOON))],
    )
    history_only, more, place = set[str](), set[str](), ""
    while (some := await store.known_visitors(place)) is not None:
        history_only, more, place = history_only | set(some.history_only), more | set(some.more), some.place
        if not place:
            assert more - {"dora"} == {"anna", "ben", "cleo"}
            assert history_only | more == {"anna", "ben", "cleo", "dora"}, (
                "a checkpoint of nothing but a history may be written now and then"
            )
            return
    assert not place, "it told some, so it tells all"


async def test_another_client_of_the_same_store_sees_what_was_written(store: ProfileStore, url: str) -> None:
    other = open_store(url)
    await store.put_profiles([ANNA])
    assert await other.get_profile("anna") == ANNA
    await other.aclose()


@pytest.mark.parametrize(
    "value",
    [
        b"not msgpack at all",
        packed(ANNA)[:-7],
        b"\xdc\xff\xff" * 5_000,
        b"\x91" * 60_000,
        b"\x95\x01\xa4anna\x80\x91\xa1\xff\x00",
        packed(BEN),
        b"x" * 8_000_000,
        ["a", "list"],
    ],
    ids=["noise", "cut off", "lying length", "deep", "not UTF-8", "another visitor's", "huge", "wrong type"],
)
async def test_a_damaged_value_is_told_from_a_store_that_is_down(
    store: ProfileStore, url: str, value: bytes | list[str]
) -> None:
    await store.put_profiles([BEN])
    await overwrite(url, "anna", value)
    with pytest.raises(DamagedValueError):
        await store.get_profile("anna")
    assert await store.get_profile("ben") == BEN


async def test_among_many_reads_at_once_each_gets_its_own_and_damage_stays_alone(store: ProfileStore, url: str) -> None:
    visitors = [Profile(f"v{number}", {"mark": f"mark-{number}"}) for number in range(1_000)]
    await store.put_profiles(visitors)
    for visitor_id, value in (("v7", ["a", "list"]), ("v8", b"noise"), ("v9", packed(BEN))):
        await overwrite(url, visitor_id, value)
    names = [*(visitor.visitor_id for visitor in visitors), "nobody", "v1\0"]
    read = await asyncio.gather(*(store.get_profile(name) for name in names), return_exceptions=True)
    for answer, visitor in zip(read[7:10], visitors[7:10], strict=True):
        assert answer == visitor or isinstance(answer, DamagedValueError), "made anew, or told to be damaged"
    assert [*read[:7], *read[10:]] == [*visitors[:7], *visitors[10:], None, None]


async def test_an_import_mends_a_damaged_value(store: ProfileStore, url: str) -> None:
    for value in (b"noise", ["a", "list"]):
        await overwrite(url, "anna", value)
        await store.put_profiles([ANNA])
        assert await store.get_profile("anna") == ANNA


async def test_a_profile_too_large_to_read_is_not_stored(store: ProfileStore) -> None:
    with pytest.raises(StoreError, match="more than"):
        await store.put_profiles([Profile("anna", {"story": "x" * 100_000})])
    assert await store.get_profile("anna") is None


async def test_cancelled_reads_never_answer_for_another_visitor(store: ProfileStore) -> None:
    visitors = [Profile(f"v{number}", {"mark": f"mark-{number}"}) for number in range(20)]
    await store.put_profiles(visitors)

    async def read(visitor: Profile) -> None:
        assert await store.get_profile(visitor.visitor_id) == visitor

    for round in range(30):
        reads = [asyncio.create_task(read(visitor)) for visitor in visitors]
        for _ in range(round % 6):
            await asyncio.sleep(0)
        for task in reads[::2]:
            task.cancel()
        results = await asyncio.gather(*reads, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    for visitor in visitors:
        await read(visitor)


async def test_a_store_in_use_is_ready_and_may_be_closed_twice(store: ProfileStore) -> None:
    assert await store.is_ready()
    await store.aclose()
    await store.aclose()
