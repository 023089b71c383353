"""Erasing and parting in Redis and Valkey while others do the same, and while events of these visitors are under way:
nothing comes in one step there, so each has to see what the other does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from proxy.audience.identity import join_events, unmerge_events
from proxy.bus import bus_of_shop
from proxy.bus.local import LocalBus
from proxy.model import Arrival, Event, Item, Profile
from proxy.ports import ID_BYTES, PROFILES, Refused, Store
from proxy.stores import open_outbox, open_store, open_views, redis_changes, server_of
from proxy.stores.address import Ack, address_of
from proxy.stores.joining import join, part
from proxy.stores.personal_data import Places, erased
from proxy.stores.redis import RedisStore
from proxy.stores.redis_log import RedisLog
from proxy.stores.redis_tombstones import LOST, RedisTombstones
from proxy.visitors.consent_changes import ConsentWord
from proxy.wiring.visitor_messages import ProfilesChanged
from tests.contracts.conftest import flush
from tests.wire.patience import PATIENT

NOON = 1_795_435_200.0
ERASED_AT = NOON + 1_000


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


def refused(visitor_id: str) -> Refused:
    return Refused(NOON, "web", "type", b'{"id": "%b"}' % visitor_id.encode(), visitor_id)


@pytest.fixture
async def machines(valkey_url: str) -> AsyncIterator[list[Store]]:
    await flush(valkey_url)
    opened = [open_store(valkey_url, PATIENT) for _ in range(4)]
    yield opened
    for one in opened:
        await one.aclose()


async def keys_left(url: str) -> set[str]:
    async with Redis.from_url(url, decode_responses=True) as client:
        return set(await client.keys())


async def test_many_are_erased_at_once_and_nobody_else_loses_anything(machines: list[Store], valkey_url: str) -> None:
    everybody = [f"v{number:02}" for number in range(30)]
    for visitor_id in everybody:
        await machines[0].apply([seen(visitor_id, number) for number in range(20)])
    await machines[0].refuse([refused(visitor_id) for visitor_id in everybody])
    gone, stay = everybody[:12], everybody[12:]
    await asyncio.gather(*(machines[n % 4].erase([visitor_id], ERASED_AT) for n, visitor_id in enumerate(gone)))

    feed, _ = await machines[0].log("", 10_000)
    assert [(one.visitor_id, one.event.id) for one in feed] == [(id, f"web:{n}") for id in stay for n in range(20)]
    assert [one.visitor_id for one in await machines[0].refused()] == stay
    assert not [key for key in await keys_left(valkey_url) if ":copy:" in key and not key.endswith(":turns")]


async def test_only_what_names_the_erased_goes_from_the_streams_that_all_share(
    machines: list[Store], valkey_url: str
) -> None:
    others = [
        seen("112", 1),  # the id within another's
        Arrival(
            "anna", Event(NOON + 2, "web:12", "page viewed", "/12", (Item("12"),)), "web", NOON + 2, {"seat": "12"}
        ),
    ]
    theirs = [seen("12", 3), Arrival("bert", seen("bert", 4).event, "web", NOON, via="12")]
    theirs.append(Arrival("cleo", seen("cleo", 5).event, "web", NOON, joins=("12", "cleo")))
    theirs += [*join_events(Profile("12"), "dora", NOON, NOON), *unmerge_events("emil", "12", NOON)]
    await machines[0].apply([*others, *theirs])
    bus, heard = bus_of_shop(LocalBus(), server_of(valkey_url)), [b"/12", b"/sale/12"]
    changed = [ProfilesChanged("one", False, [id], consents={id: ConsentWord("profile", NOON)}) for id in ("112", "12")]
    for change in changed:
        await bus.publish(PROFILES, msgspec.msgpack.encode(change))
    for payload in heard:
        await bus.publish("purge", payload)
    await bus.aclose()

    await machines[1].erase(["12"], ERASED_AT)
    feed, _ = await machines[0].log("", 100)
    assert [one.visitor_id for one in feed] == ["112", "anna"]
    async with Redis.from_url(valkey_url) as client:
        told = [fields[b"payload"][ID_BYTES:] for _, fields in await client.xrange("{tb:bus}:told")]
        named = [redis_changes.names_in(fields) for _, fields in await client.xrange(redis_changes.KEY)]
    assert told == [msgspec.msgpack.encode(changed[0]), *heard]
    assert named[-1] == [], "anybody may have changed"
    assert not any("12" in names for names in named)


class Meanwhile:
    """A client that lets something happen before what it asks as that number, pipelines alone or all (`is_any`)."""

    def __init__(
        self, client: Redis, number: int, happen: Callable[[], Awaitable[object]], *, is_any: bool = False
    ) -> None:
        self._client = client
        self.left = number
        self._happen = happen
        self._is_any = is_any

    async def _turn(self) -> None:
        self.left -= 1
        if not self.left:
            await self._happen()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not self._is_any:
            return found

        async def done(*arguments: Any, **more: Any) -> Any:
            await self._turn()
            return await found(*arguments, **more)

        return done

    def pipeline(self, transaction: bool = False) -> Any:
        pipeline = self._client.pipeline(transaction=transaction)
        send = pipeline.execute

        async def execute(**options: Any) -> Any:
            await self._turn()
            return await send(**options)

        pipeline.execute = execute  # type: ignore[method-assign]
        return pipeline


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "new"])
async def test_what_is_under_way_while_somebody_is_erased_does_not_come_after(
    number: int, is_known: bool, machines: list[Store], valkey_url: str
) -> None:
    machine, *_ = machines
    if is_known:
        await machine.apply([seen("anna", 1)])

    async def erased_and_back() -> None:
        await machine.erase(["anna"], ERASED_AT)
        await machine.apply([seen("anna", 2_000)])  # which is new

    async with Redis.from_url(valkey_url) as client:
        writer = Meanwhile(client, number, erased_and_back)
        applied = await RedisLog(writer, RedisTombstones(writer), Ack()).apply([seen("anna", 2)])
    assert [one.event.id for one in await machine.log_of("anna")] == ["web:2000"]
    assert "web:2" not in [one.event.id for one in (*applied.new, *(await machine.log("", 100))[0])]
    profile = await machine.get_profile("anna")
    assert profile is not None
    assert [event.id for event in profile.history] == ["web:2000"]


def interrupted(url: str, client: Redis, number: int, happen: Callable[[], Awaitable[object]]) -> RedisStore:
    """A store in the midst of whose work something happens."""
    store = RedisStore(address_of(url), PATIENT)
    store._reader = store._writer = writer = Meanwhile(client, number, happen, is_any=True)
    store._tombstones = RedisTombstones(writer)
    store._log = RedisLog(writer, store._tombstones, Ack())
    return store


@pytest.mark.parametrize("person", ["anna", "tablet"])
@pytest.mark.parametrize("is_erased_meanwhile", [True, False], ids=["erased meanwhile", "joined meanwhile"])
async def test_erasing_a_visitor_during_a_merge_leaves_nothing_with_the_other(
    person: str, is_erased_meanwhile: bool, machines: list[Store], valkey_url: str
) -> None:
    machine, *_ = machines
    views, outbox = open_views(valkey_url), open_outbox(valkey_url)

    def erasing(store: Store) -> Awaitable[object]:
        return erased(Places(store, views, outbox), person, ERASED_AT)

    def joining(store: Store) -> Awaitable[object]:
        return join(store, "tablet", "anna", NOON + 10)

    does, happens = (joining, erasing) if is_erased_meanwhile else (erasing, joining)
    async with Redis.from_url(valkey_url) as client:
        for number in count(1):
            await client.flushall()
            await machine.apply([seen("tablet", 1), seen("anna", 2)])
            store = interrupted(valkey_url, client, number, lambda: happens(machine))
            await does(store)
            if store._writer.left > 0:
                break
            logs = {id: await machine.log_of(id) for id in ("anna", "tablet")}
            of_before = [one for log in logs.values() for one in log if person in (one.visitor_id, one.via)]
            assert [one for one in of_before if one.event.at <= ERASED_AT] == [], number
            tablet, anna = [await machine.get_profile(id) or Profile(id) for id in ("tablet", "anna")]
            assert (tablet.alias == "anna") == ("tablet" in anna.devices), number
    assert number > 10
    await views.aclose()
    await outbox.aclose()


@pytest.mark.parametrize("number", range(1, 7))
async def test_events_of_a_split_off_device_are_its_own(number: int, machines: list[Store], valkey_url: str) -> None:
    machine, *_ = machines
    await machine.apply([seen("tablet", 1), seen("anna", 2)])
    await join(machine, "tablet", "anna", NOON + 10)
    async with Redis.from_url(valkey_url) as client:
        writer = Meanwhile(client, number, lambda: part(machine, "tablet", NOON + 30))
        await RedisLog(writer, RedisTombstones(writer), Ack()).apply([seen("tablet", 20)])
    if not (await machine.get_profile("tablet") or Profile("tablet")).alias:  # else it was over before
        assert [one.event.id for one in await machine.log_of("anna") if one.via] == []
    assert (await part(machine, "tablet", NOON + 40)).refusal in ("", "nobody's")
    for visitor_id, ids in (("tablet", {"web:1", "web:20"}), ("anna", {"web:2"})):
        profile = await machine.get_profile(visitor_id)
        assert profile is not None
        assert {event.id for event in profile.history} == ids
    assert await machine.rebuild() == 0


async def test_a_server_that_lost_what_it_had_is_told_of_once_by_each_process(
    machines: list[Store], valkey_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    machine, *_ = machines
    losses = [(await machine.apply([seen("anna", 1)])).losses]
    assert LOST not in caplog.messages
    await flush(valkey_url)
    losses += [(await machine.apply([seen("anna", number)])).losses for number in (2, 3)]
    assert losses == [0, 1, 0]
    assert caplog.messages.count(LOST) == 1
    assert [one.event.id for one in await machine.log_of("anna")] == ["web:2", "web:3"]
