"""What every profile store promises (`ports.ProfileStore`), on the real thing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from proxy.errors import DamagedValueError, OperatorError, StoreError
from proxy.model import Arrival, Event, Profile
from proxy.ports import ProfileStore, Store
from proxy.stores import open_store
from proxy.stores.record import deed_of, packed
from proxy.stores.redis_connecting import client_of
from proxy.stores.redis_visitor import profile_key
from tests.wire.patience import PATIENT
from tests.wire.storage import frozen
from tests.wire.valkeys import valkey as valkey_server

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


async def test_a_store_that_tells_whom_it_knows_leaves_nobody_out(store: Store) -> None:
    await store.put_profiles([ANNA, BEN])
    deed, trait = Event(NOON, "page:1", "page viewed"), Event(NOON, "web:1", "identified")
    await store.apply(
        [Arrival("cleo", trait, "web", NOON, {"loyalty": "gold"})], [deed_of(Arrival("dora", deed, "page", NOON))]
    )
    deeds, more, place = set[str](), set[str](), ""
    while (some := await store.known_visitors(place)) is not None:
        deeds, more, place = deeds | set(some.deeds), more | set(some.more), some.place
        if not place:
            assert more - {"dora"} == {"anna", "ben", "cleo"}
            assert deeds | more == {"anna", "ben", "cleo", "dora"}, "a checkpoint of deeds may be written now and then"
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


# -- opening


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgres://localhost/db", "no store speaks `postgres`"),
        ("tailorbird.db", "no store speaks"),
        ("sqlite:", "names no file"),
        ("sqlite::memory:", "names no file"),
        ("sqlite:/dev/null/profiles.db", "there is no folder `/dev/null`"),
        ("redis://localhost:port", "is no address of a store"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_with_help(url: str, problem: str) -> None:
    with pytest.raises(OperatorError, match=problem) as refusal:
        open_store(url)
    assert refusal.value.help


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 1_000)
    with pytest.raises(OperatorError, match="cannot be used as a store"):
        open_store(f"sqlite:{tmp_path}/holiday.jpg")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OperatorError, match="a newer Tailorbird wrote it"):
        open_store(f"sqlite:{path}")


# -- a store that is away


async def test_a_file_that_lost_its_table_is_a_store_error(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/profiles.db")
    with sqlite3.connect(tmp_path / "profiles.db") as connection:
        connection.execute("DROP TABLE profiles")
    connection.close()
    with pytest.raises(StoreError, match="no such table"):
        await store.get_profile("anna")
    with pytest.raises(StoreError, match="no such table"):
        await store.put_profiles([ANNA])
    await store.aclose()
    with pytest.raises(StoreError, match="is closed"):
        await store.get_profile("anna")
    assert not await store.is_ready()


async def test_a_refused_connection_is_a_store_error(tmp_path: Path) -> None:
    store = open_store(f"unix://{tmp_path}/nobody-listens")
    assert not await store.is_ready()
    with pytest.raises(StoreError):
        await store.get_profile("anna")
    await store.aclose()


async def test_a_server_that_drops_what_it_stored_when_it_is_full_is_told_from_others(tmp_path: Path) -> None:
    found = []
    async with valkey_server(tmp_path / "data") as server, Redis.from_url(f"redis://127.0.0.1:{server.port}") as client:
        store = open_store(f"redis://127.0.0.1:{server.port}", PATIENT)
        for most, policy in (
            ("0", "allkeys-lru"),
            ("9mb", "allkeys-lru"),
            ("9mb", "volatile-ttl"),
            ("9mb", "noeviction"),
        ):
            await client.config_set("maxmemory", most)
            await client.config_set("maxmemory-policy", policy)
            found.append(await store.forgets())
        await store.aclose()
    assert found == [False, True, False, False]
    assert not await store.forgets(), "nobody can tell"
    file = open_store(f"sqlite:{tmp_path}/s.db")
    assert not await file.forgets()
    await file.aclose()


async def found(store: ProfileStore) -> Profile | None:
    """Anna's profile; asked for again when a busy machine made it late."""
    while True:
        with suppress(StoreError):
            return await store.get_profile("anna")


async def test_a_frozen_server_is_given_up_quickly_and_found_again(valkey_url: str) -> None:
    valkey, patient = open_store(valkey_url), open_store(valkey_url, PATIENT)
    await patient.put_profiles([ANNA])
    assert await found(valkey) == ANNA
    async with frozen(valkey_url), asyncio.timeout(30):  # the library's own defaults would wait for a minute
        with pytest.raises(StoreError):
            await valkey.get_profile("anna")
        assert not await valkey.is_ready()
    assert await found(valkey) == ANNA
    await valkey.aclose()
    await patient.aclose()


@pytest.mark.parametrize("login", ["", ":wrong@"])
async def test_a_server_that_wants_another_password_is_told_apart_from_one_that_is_away(
    valkey_url: str, login: str
) -> None:
    async with client_of(valkey_url) as server:
        await server.config_set("requirepass", "right")
        store = open_store(valkey_url.replace("unix://", f"unix://{login}"), PATIENT)
        try:
            for ask in (store.newest_change, lambda: store.get_profile("anna"), lambda: store.put_profiles([ANNA])):
                with pytest.raises(StoreError, match=r"does not let us in: .* a password in its address"):
                    await ask()
        finally:
            await server.config_set("requirepass", "")
            await store.aclose()
