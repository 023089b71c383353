"""What Redis and Valkey keep of a visitor between two checkpoints, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from proxy.errors import StoreError
from proxy.events.fold import fold
from proxy.metrics import Metrics
from proxy.model import Arrival, Event
from proxy.ports import LONGEST_CHANGE_SECONDS, Refused, Store
from proxy.stores import open_store, redis_changes, redis_shared
from proxy.stores.joining import join
from proxy.stores.record import head_of, packed_arrival
from proxy.stores.redis import READ_WHOLE_AT_ONCE
from proxy.stores.redis_shared import BUS_KEYS
from proxy.stores.redis_visitor import ADD, MOST_NEWS, STAMP, Call, log_key, news_key, ran
from proxy.visitors.invalidation import Invalidation
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.remembered import MISSING
from tests.contracts.conftest import flush
from tests.wire.patience import PATIENT
from tests.wire.valkeys import valkey as valkey_server

NOON = 1_795_435_200.0


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


@pytest.fixture
async def client(valkey_url: str) -> AsyncIterator[Redis]:
    await flush(valkey_url)
    async with Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture
async def valkey(client: Redis, valkey_url: str) -> AsyncIterator[Store]:
    opened = open_store(valkey_url, PATIENT)
    yield opened
    await opened.aclose()


async def test_the_news_stay_few_and_the_profile_is_that_of_the_log(valkey: Store, client: Redis) -> None:
    lengths = []
    for number in range(4 * MOST_NEWS):
        await valkey.apply([seen("anna", number), seen("anna", number - 1)])
        lengths.append(await client.llen(news_key("anna")))
        assert await valkey.get_profile("anna") == fold(None, await valkey.log_of("anna"))
    assert MOST_NEWS > max(lengths) > min(lengths) == 0
    assert await valkey.rebuild() == 0


async def test_clients_that_add_and_write_checkpoints_at_once_lose_nothing(valkey: Store, valkey_url: str) -> None:
    clients = [valkey, *(open_store(valkey_url, PATIENT) for _ in range(3))]

    async def add(turn: int) -> None:
        await asyncio.gather(*(one.apply([seen("anna", 10 * turn + n)]) for n, one in enumerate(clients)))

    await asyncio.gather(*(add(turn) for turn in range(15)))
    assert len(await valkey.log_of("anna")) == 60
    assert await valkey.get_profile("anna") == fold(None, await valkey.log_of("anna"))
    for one in clients[1:]:
        await one.aclose()


async def test_what_a_device_does_is_its_persons_from_the_join_on(valkey: Store, client: Redis) -> None:
    await valkey.apply([seen("tablet", 1), seen("anna", 100)])
    await join(valkey, "tablet", "anna", NOON)
    for number in range(2, 2 + MOST_NEWS):
        (arrival,) = (await valkey.apply([seen("tablet", number)])).new
        assert (arrival.visitor_id, arrival.via) == ("anna", "tablet")
    assert await client.hget(log_key("tablet"), STAMP) == b"2 anna"


async def test_damaged_news_are_made_again_from_the_log(valkey: Store, client: Redis) -> None:
    for number in range(3):
        await valkey.apply([seen("anna", number)])
    for damage in ("noise", None):
        await client.delete(news_key("anna"))
        await (client.set(news_key("anna"), b"x") if damage is None else client.rpush(news_key("anna"), damage))
        assert await valkey.rebuild() == 1
        assert await valkey.get_profile("anna") == fold(None, await valkey.log_of("anna"))


async def test_a_server_that_forgot_the_scripts_is_told_them_again(valkey: Store, client: Redis) -> None:
    await valkey.apply([seen("anna", 1)])
    await client.script_flush()
    assert len((await valkey.apply([seen("anna", 2), seen("ben", 2)])).new) == 2


async def test_of_who_was_forgotten_no_key_is_left(valkey: Store, client: Redis) -> None:
    for number in range(3):
        await valkey.apply([seen("anna", number)])
    await valkey.withdraw({"anna": [f"web:{number}" for number in range(3)]})
    assert [key async for key in client.scan_iter("*anna*")] == []


async def test_what_is_old_of_many_visitors_goes_in_a_few_round_trips(valkey: Store, client: Redis) -> None:
    visitors = [f"v{number}" for number in range(2 * READ_WHOLE_AT_ONCE + 1)]
    await valkey.apply([seen(visitor_id, number) for visitor_id in visitors for number in range(2)])
    before = await client.xinfo_stream(redis_changes.KEY)
    await valkey.withdraw({visitor_id: ["web:0"] for visitor_id in visitors})
    after = await client.xinfo_stream(redis_changes.KEY)
    assert after["entries-added"] - before["entries-added"] == 2 * 3, "before and after, of a hundred visitors each"
    logs = await valkey.logs_of(visitors)
    assert [[arrival.event.id for arrival in log] for log in logs] == [["web:1"]] * len(visitors)
    assert await valkey.rebuild() == 0


async def test_an_event_during_expiry_is_kept(valkey: Store) -> None:
    visitors = [f"v{number}" for number in range(30)]
    await valkey.apply([seen(visitor_id, number) for visitor_id in visitors for number in range(3)])
    gone = valkey.withdraw({visitor_id: ["web:0", "web:1"] for visitor_id in visitors})
    doing = [valkey.apply([seen(visitor_id, 9)]) for visitor_id in visitors]
    await asyncio.gather(*doing, gone)
    for log in await valkey.logs_of(visitors):
        assert [arrival.event.id for arrival in log] == ["web:2", "web:9"]
    assert await valkey.rebuild() == 0


async def test_a_server_that_is_full_refuses_events_and_takes_them_again(tmp_path: Path) -> None:
    async with (
        valkey_server(tmp_path, maxmemory_policy="noeviction") as server,
        Redis(host="127.0.0.1", port=server.port) as client,
    ):
        store = open_store(f"redis://127.0.0.1:{server.port}", PATIENT)
        await store.apply([seen(f"v{visitor}", 0) for visitor in range(100)])
        await client.config_set("maxmemory", (await client.info("memory"))["used_memory"] + 300_000)
        taken = 1
        with pytest.raises(StoreError, match=r"the store is full: command not .* \(help: raise its `maxmemory`"):
            while True:
                await store.apply([seen(f"v{visitor}", taken) for visitor in range(100)])
                taken += 1
        profile = await store.get_profile("v7")
        await client.config_set("maxmemory", 0)
        await store.apply([seen(f"v{visitor}", taken) for visitor in range(100)])
        assert profile is not None and taken > 1
        assert {len(await store.log_of(f"v{visitor}")) for visitor in range(100)} == {taken + 1}
        assert await store.rebuild() == 0
        await store.aclose()


async def test_what_a_writer_began_that_is_gone_is_seen_when_it_must_be_over(valkey: Store, client: Redis) -> None:
    at = NOON
    await valkey.apply([seen("anna", 1), seen("ben", 1)])
    profiles = ProfileReader(valkey, Metrics(), settings=PATIENT)
    vouching = Invalidation(valkey, profiles, lambda: at, settle_seconds=0.0)
    await vouching.look()
    await redis_changes.begin(client, ["anna"])
    await vouching.look()
    before = await profiles.get("anna", at)
    await valkey.apply([seen("ben", 2)])
    arguments = (b"1 ", head_of("anna"), "web:2", packed_arrival(seen("anna", 2)))
    assert await ran(client, [Call(ADD, "anna", arguments)]) == [[1, 0]]
    await vouching.look()
    assert await profiles.get("anna", at) is before, "nobody can know"
    await profiles.get("ben", at)
    at += LONGEST_CHANGE_SECONDS
    await vouching.look()
    assert profiles.remembered("ben", at) is not MISSING, "of whom it was said that it is done"
    assert await profiles.get("anna", at) == await valkey.get_profile("anna") != before
    await profiles.aclose()


async def test_names_of_changes_go_when_all_have_seen_them_but_nobodys_place(valkey: Store, client: Redis) -> None:
    for ms in (1, 2, 60_002, 60_003):
        await client.xadd(redis_changes.KEY, {"v": msgspec.msgpack.encode([f"v{ms}"])}, id=f"{ms}-0")
    await valkey.forget_before(0.0)
    assert [id for id, _ in await client.xrange(redis_changes.KEY)] == [b"2-0", b"60002-0", b"60003-0"]
    assert await valkey.changed("2-0", "60003-0") == ({"v60002", "v60003"}, set())


async def test_what_processes_told_each_other_long_ago_is_let_go_of(valkey: Store, client: Redis) -> None:
    await valkey.apply([seen("anna", 1)])
    for stream in BUS_KEYS:
        await client.xadd(stream, {"payload": b"anna"})
    streams = (redis_changes.KEY, *BUS_KEYS)
    seconds, _ = await client.time()
    await valkey.forget_before(seconds - 60.0)
    assert all([await client.xlen(stream) for stream in streams])
    await valkey.forget_before(seconds + 60.0)
    assert not any([await client.xlen(stream) for stream in streams])


async def test_what_visitors_did_is_not_in_an_error_that_is_logged(valkey: Store, client: Redis) -> None:
    await client.set(redis_shared.FEED, "of another type")
    with pytest.raises(StoreError, match="WRONGTYPE") as caught:
        await valkey.apply([seen("anna", 1)])
    assert "anna" not in str(caught.value)


async def test_what_cannot_be_read_in_a_stream_holds_up_nobody_who_reads_on(valkey: Store, client: Redis) -> None:
    kept = Refused(NOON + 9, "web", "no-items", b"{}", "anna")
    place = await valkey.newest_change()
    for turn, damaged in enumerate(({"v": b"noise"}, {"of": b"somebody else"}, {"v": b"\xdd\xff\xff\xff\xff"})):
        for stream in (redis_shared.FEED, redis_changes.KEY, redis_shared.REFUSED):
            await client.xadd(stream, damaged)
        await valkey.apply([seen("anna", turn)])
    await valkey.refuse([kept])
    told, _ = await valkey.log("", 100)
    assert [arrival.event.id for arrival in told] == ["web:0", "web:1", "web:2"]
    assert await valkey.changed(place, await valkey.newest_change()) is None, "any visitor may have changed"
    assert await valkey.refused() == [kept]
    await valkey.forget_before(NOON + 1)
    assert await client.xlen(redis_shared.FEED) == 2 and await client.xlen(redis_shared.REFUSED) == 1
    assert (await valkey.erase(["anna"], NOON))["events"] == 3
