"""Stores that cannot be opened, and stores that stop answering."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis

from proxy.bus import bus_of_shop
from proxy.bus.local import LocalBus
from proxy.errors import OperatorError, StoreError
from proxy.model import Arrival, Event, Profile, View
from proxy.ports import ProfileStore, Store
from proxy.stores import must_fit, open_outbox, open_store, open_views, server_of
from proxy.stores.personal_data import Places, erased
from proxy.stores.redis_connecting import client_of
from tests.contracts.conftest import flush
from tests.contracts.test_profile_store import ANNA
from tests.wire.patience import PATIENT
from tests.wire.storage import frozen
from tests.wire.valkeys import valkey as valkey_server


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgres://localhost/db", "no store speaks `postgres`"),
        ("tailorbird.db", "no store speaks"),
        ("sqlite:", "names no file"),
        ("sqlite::memory:", "names no file"),
        ("sqlite:/dev/null/profiles.db", "there is no folder `/dev/null`"),
        ("redis://localhost:port", "is no address of a store"),
        ("rediss://localhost?ssl_ca=ca.pem", "there is no parameter 'ssl_ca'"),
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
    await flush(valkey_url)
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


async def test_a_user_who_may_what_the_docs_say_is_enough(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "stores.md").read_text("utf-8")
    allow = docs[docs.index("ACL SETUSER") :].partition("```")[0].split()
    async with valkey_server(tmp_path) as server, Redis(host="127.0.0.1", port=server.port) as client:
        await client.execute_command(*allow)
        url = f"redis://tailorbird:PASSWORD@127.0.0.1:{server.port}"
        bus = bus_of_shop(LocalBus(), server_of(url))
        async with (
            aclosing(open_store(url, PATIENT)) as store,
            aclosing(open_views(url)) as views,
            aclosing(open_outbox(url)) as outbox,
            aclosing(bus),
        ):
            await bus.open()
            assert (await bus.request("purge", b"/")).is_whole
            await store.apply([Arrival("anna", Event(1_000.0, "web:1", "page viewed", "/"), "web", 1_000.0)])
            await views.put_views([View(1_000.0, "1", {}, visitor="anna")], most=10)
            assert (await erased(Places(store, views, outbox), "anna", 2_000.0)).erased["events"] == 1
            await store.forget_before(1_500.0)
            assert await store.is_ready()
        assert await client.execute_command("ACL", "LOG") == []


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


async def test_a_replica_and_a_node_of_a_cluster_are_told_with_what_to_do(tmp_path: Path) -> None:
    clustered = {"cluster_enabled": "yes", "cluster_require_full_coverage": "no"}
    async with (
        valkey_server(tmp_path / "replica", replicaof="127.0.0.1 1") as replica,
        valkey_server(tmp_path / "empty", **clustered) as empty,
        valkey_server(tmp_path / "owner", **clustered) as owner,
        Redis(host="127.0.0.1", port=empty.port) as asked,
        Redis(host="127.0.0.1", port=owner.port) as owning,
    ):
        await owning.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
        await asked.execute_command("CLUSTER MEET", "127.0.0.1", owner.port)
        async with asyncio.timeout(30):
            while (
                not {"cluster_state": "ok", "cluster_slots_assigned": "16384"}.items()
                <= (await asked.execute_command("CLUSTER INFO")).items()
            ):
                await asyncio.sleep(0.05)
        for server, told in (
            (replica, r"is a replica, .* name the master"),
            (empty, r"is a cluster, .*redis\+cluster:"),
        ):
            store = open_store(f"redis://127.0.0.1:{server.port}", PATIENT)
            with pytest.raises(StoreError, match=told):
                await store.put_profiles([ANNA])
            await store.aclose()
        with pytest.raises(OperatorError, match=r"one node of a cluster \(help: name it as redis\+cluster:"):
            await asyncio.to_thread(must_fit, f"redis://127.0.0.1:{empty.port}")
        for fits in (f"redis://127.0.0.1:{owner.port}", f"redis://127.0.0.1:{replica.port}", "redis://127.0.0.1:1"):
            await asyncio.to_thread(must_fit, fits)


async def test_a_server_that_has_too_many_clients_is_told_with_what_to_do(tmp_path: Path) -> None:
    async with valkey_server(tmp_path) as server, Redis(host="127.0.0.1", port=server.port) as client:
        await client.config_set("maxclients", 1)
        store, told = open_store(f"redis://127.0.0.1:{server.port}", PATIENT), ""
        async with asyncio.timeout(30):  # at times it has hung up before it is heard
            while "raise its `maxclients`, or lower TAILORBIRD_STORE_CONNECTIONS" not in told:
                with pytest.raises(StoreError) as caught:
                    await store.newest_change()
                told = str(caught.value)
        await store.aclose()


async def refusal(store: Store) -> str:
    """Why it stores no event."""
    event = Event(1_795_435_200.0, "web:1", "page viewed", "/")
    with pytest.raises(StoreError) as caught:
        await store.apply([Arrival("anna", event, "web", event.at)])
    return str(caught.value)


async def test_a_server_that_takes_no_writes_is_told_with_what_to_do_and_reads_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with valkey_server(folder, save="3600 1") as server, Redis(host="127.0.0.1", port=server.port) as client:
        store = open_store(f"redis://127.0.0.1:{server.port}", PATIENT)
        await store.put_profiles([ANNA])
        await client.config_set("min-replicas-to-write", 1)
        missing = await refusal(store)
        await client.config_set("min-replicas-to-write", 0)
        shutil.rmtree(folder)
        await client.bgsave()
        async with asyncio.timeout(30):
            while (await client.info("persistence"))["rdb_last_bgsave_status"] == "ok":
                await asyncio.sleep(0.05)
        full = await refusal(store)
        assert await store.is_ready()
        assert await found(store) == ANNA
        await client.config_set("save", "")  # or it would not end
        await store.aclose()
    assert missing.startswith("the store refuses this: NOREPLICAS") and "`min-replicas-to-write`" in missing
    assert full.startswith("the store refuses this: MISCONF") and "make room on its server's disk" in full
