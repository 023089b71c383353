"""The tombstones in Redis or Valkey. A process remembers the hash keys it has read; every look-up of tombstones also
tells whether keys were added since, or another server, with another key or none, has become master.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from redis.asyncio.client import Pipeline

from proxy.ports import Tombstones
from proxy.stores.tombstones import new_key, tombstone

log = logging.getLogger("tailorbird.stores")

TOMBSTONES_KEY = "tb:tombstones"
OWN_KEY = "tb:tombstone-key"
BROUGHT_KEYS = "tb:tombstone-keys"
AT_ONCE = 500
LOST = (
    "the store is not what it was: its server has lost what it had, or another is in its place; profiles, events and "
    "who was erased are gone (help: `tailorbird store copy` brings them from a backup; with `appendonly yes` a server "
    "has them again after a restart)"
)


class RedisTombstones:
    """The tombstones of one store. Lets the client's own errors through; the caller maps them."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._own = b""
        self._brought: frozenset[bytes] = frozenset()
        self._losses = 0

    async def keys(self) -> list[bytes]:
        """Every key that hashes were made with, the store's own first."""
        if not self._own:
            await self._writer.set(OWN_KEY, new_key(), nx=True)
            self._own = await self._writer.get(OWN_KEY)
            self._brought = frozenset(await self._writer.smembers(BROUGHT_KEYS))
        return [self._own, *sorted(self._brought)]

    def are_others(self, own: bytes | None, brought: Collection[bytes]) -> bool:
        """True when the store has keys that were not known here; from now on they are."""
        if own != self._own:
            if self._own:
                log.warning(LOST)
                self._losses += 1
            self._own = b""
            return True
        is_new = not self._brought.issuperset(brought)
        self._brought |= frozenset(brought)
        return is_new

    def losses(self) -> int:
        """How many times, since this was last asked, the store turned out to have lost what it had."""
        losses, self._losses = self._losses, 0
        return losses

    async def leave(self, visitor_ids: Collection[str], now: float) -> None:
        """Writes the tombstones of erased visitors."""
        self._own = b""
        own, *_ = await self.keys()
        await self._writer.hset(TOMBSTONES_KEY, mapping={tombstone(own, id): now for id in visitor_ids})

    async def erased_at(self, visitor_ids: Sequence[str]) -> dict[str, float]:
        """When each of these visitors was last erased, for those who were."""
        keys = await self.keys()
        reads = self._writer.pipeline(transaction=False)
        asks_keys(reads)
        asks(reads, keys, visitor_ids)
        own, brought, answer = await reads.execute()
        if self.are_others(own, brought):
            return await self.erased_at(visitor_ids)
        times = zip(visitor_ids, latest(answer, len(visitor_ids)), strict=True)
        return {visitor_id: at for visitor_id, at in times if at is not None}

    async def all(self) -> Tombstones:
        """As `EventStore.tombstones`."""
        keys = [*await self.keys(), *await self._writer.smembers(BROUGHT_KEYS)]
        found = {hash: float(at) async for hash, at in self._writer.hscan_iter(TOMBSTONES_KEY, count=AT_ONCE)}
        return Tombstones(tuple(dict.fromkeys(keys)), found)

    async def bring(self, tombstones: Tombstones) -> None:
        """As `EventStore.put_tombstones`."""
        known, hashes = await self.all(), list(tombstones.erased_at)
        for start in range(0, len(hashes), AT_ONCE):
            some = {hash: tombstones.erased_at[hash] for hash in hashes[start : start + AT_ONCE]}
            later = {hash: max(at, known.erased_at.get(hash, at)) for hash, at in some.items()}
            await self._writer.hset(TOMBSTONES_KEY, mapping=later)
        if new := [key for key in tombstones.keys if key not in known.keys]:
            await self._writer.sadd(BROUGHT_KEYS, *new)
            self.are_others(self._own, new)


def asks_keys(reads: Pipeline) -> None:
    """Adds the two commands to a pipeline whose answers `are_others` takes."""
    reads.get(OWN_KEY)
    reads.smembers(BROUGHT_KEYS)


def asks(reads: Pipeline, keys: Collection[bytes], visitor_ids: Sequence[str]) -> None:
    """Adds the command to a pipeline that reads when visitors were erased; `latest` takes the answer."""
    reads.hmget(TOMBSTONES_KEY, [tombstone(key, visitor_id) for visitor_id in visitor_ids for key in keys])


def latest(answer: Sequence[bytes | None], visitors: int) -> list[float | None]:
    """When each of these visitors was last erased; None for never."""
    size = len(answer) // visitors
    times = [[float(at) for at in answer[start : start + size] if at] for start in range(0, len(answer), size)]
    return [max(own, default=None) for own in times]
