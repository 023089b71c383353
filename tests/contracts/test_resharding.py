"""A cluster that moves a slot to another node while its visitors' events come: none is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from proxy.errors import StoreError
from proxy.model import Arrival, Event
from proxy.stores import open_store
from proxy.stores.redis_visitor import keys_of

NOON = 1_795_435_200.0


def seen(visitor_id: str, number: int) -> Arrival:
    return Arrival(visitor_id, Event(NOON + number, f"web:{number}", "page viewed", "/"), "web", NOON + number)


class Moving:
    """In an `async with`: a slot that is on its way from one master of the cluster to another."""

    def __init__(self, url: str, slot: int) -> None:
        self._seed = urlsplit(f"redis://{urlsplit(url).netloc.split(',')[0]}")
        self._slot = slot

    async def __aenter__(self) -> Moving:
        seed = self._client(self._seed.hostname, self._seed.port)
        slots = await seed.execute_command("CLUSTER SLOTS")
        await seed.aclose()
        masters = {(host.decode(), port): id for _, _, (host, port, id, *_), *_ in slots}
        (source,) = [
            (host.decode(), port) for first, last, (host, port, *_), *_ in slots if first <= self._slot <= last
        ]
        self._all = {place: self._client(*place) for place in masters}
        self._target = next(place for place in masters if place != source)
        self._source, self._id = self._all[source], masters[self._target].decode()
        await self._set(self._all[self._target], "IMPORTING", masters[source].decode())
        await self._set(self._source, "MIGRATING", self._id)
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._all.values():
            await client.aclose()

    async def move(self, keys: Sequence[str]) -> None:
        """Moves these keys."""
        await self._source.execute_command("MIGRATE", *self._target, "", 0, 5_000, "KEYS", *keys)

    async def end(self) -> None:
        """The slot is the other node's, once all of its keys have moved."""
        while keys := await self._source.execute_command("CLUSTER GETKEYSINSLOT", self._slot, 100):
            await self.move(keys)
        for client in (self._all[self._target], self._source, *self._all.values()):
            await self._set(client, "NODE", self._id)

    async def _set(self, client: Any, *what: str) -> None:
        await client.execute_command("CLUSTER SETSLOT", self._slot, *what)

    def _client(self, host: str | None, port: int | None) -> Any:
        return Redis(host=host or "", port=port or 0, socket_timeout=10)


async def test_events_and_profiles_of_a_slot_that_moves_are_found_wherever_they_are(cluster_url: str) -> None:
    slot = key_slot(b"resharded")
    known, new, *_ = (f"v{number}" for number in range(200_000) if key_slot(b"v%d" % number) == slot)
    store = open_store(cluster_url)
    try:
        await store.apply([seen(known, 1)])
        async with Moving(cluster_url, slot) as moving:
            await moving.move(keys_of(known))
            profile = await store.get_profile(known)
            waiting = asyncio.create_task(store.apply([seen(known, 2), seen(new, 2)]))
            await asyncio.sleep(0.05)
            assert not waiting.done(), "scripts wait until all keys of the slot have moved"
            await moving.end()
            assert len((await waiting).new) == 2
        await store.apply([seen(known, 3), seen(new, 3)])
        logs = [sorted(arrival.event.id for arrival in await store.log_of(each)) for each in (known, new)]
    finally:
        await store.aclose()
    assert profile is not None and len(profile.history) == 1
    assert logs == [["web:1", "web:2", "web:3"], ["web:2", "web:3"]]


async def test_a_slot_that_moves_for_long_has_its_events_sent_again_by_who_sent_them(cluster_url: str) -> None:
    store = open_store(cluster_url)
    async with Moving(cluster_url, key_slot(b"elsewhere")) as moving:
        with pytest.raises(StoreError, match="is moving these keys to another node"):
            await store.apply([seen("elsewhere", 1)])
        await moving.end()
    assert len((await store.apply([seen("elsewhere", 1)])).new) == 1
    await store.aclose()
