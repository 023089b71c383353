"""Looking at all profiles of a store, and at some drawn at random."""

from __future__ import annotations

from proxy.model import Profile
from proxy.ports import Partition, Store
from tests.contracts.test_profile_store import overwrite

MANY = [Profile(f"v{number}", {"number": float(number)}, updated_at=1.0) for number in range(700)]


async def test_every_profile_comes_once(store: Store) -> None:
    await store.put_profiles(MANY)
    found = [profile.visitor_id async for profile in store.profiles()]
    assert sorted(found) == sorted(profile.visitor_id for profile in MANY)


async def test_parts_are_together_every_profile_once(store: Store) -> None:
    await store.put_profiles(MANY)
    parts = [[profile.visitor_id async for profile in store.profiles(Partition(number, 3))] for number in range(3)]
    assert sorted(id for part in parts for id in part) == sorted(profile.visitor_id for profile in MANY)
    assert min(len(part) for part in parts) > 150


async def test_a_sample_is_of_different_visitors_and_says_how_many_there_are(store: Store) -> None:
    await store.put_profiles(MANY)
    sample, total = await store.sample(50)
    assert 25 <= len(sample) <= 50
    assert len({profile.visitor_id for profile in sample}) == len(sample)
    assert 400 <= total <= 1_000  # an estimate by 150 keys, of which half are profiles: 57 more or less is usual
    assert len({frozenset(profile.visitor_id for profile in (await store.sample(50))[0]) for _ in range(3)}) == 3


async def test_an_empty_store_has_nobody_to_look_at(store: Store) -> None:
    assert [profile async for profile in store.profiles()] == []
    assert await store.sample(50) == ([], 0)


async def test_one_that_is_damaged_is_left_out(store: Store, url: str) -> None:
    await store.put_profiles(MANY[:2])
    await overwrite(url, "v0", b"damaged")
    assert [profile.visitor_id async for profile in store.profiles()] == ["v1"]
