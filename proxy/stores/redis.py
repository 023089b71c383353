"""Profiles and events in Redis or Valkey: one store for many machines.

`redis_visitor.py` describes what is stored of a visitor, `redis_log.py` adds events, `redis_remaking.py` rebuilds
profiles, `redis_shared.py` holds what is stored beside. This module joins them to a `Store`, and
maps the client library's errors to ours.

Reads go in batches, fewer than there are connections, so that none waits for one. A batch that fails closes its
connection, and every value names its visitor, so that a late answer is never taken for another's.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from zlib import crc32

from proxy.errors import DamagedValueError, StoreError
from proxy.model import Arrival, PackedEvent, Profile
from proxy.ports import ALL, Applied, Changed, KnownVisitors, Partition, Refused, StartedChanges, Tombstones
from proxy.settings import DEFAULTS, Settings
from proxy.stores import redis_changes, redis_remaking, redis_shared
from proxy.stores.address import Address, address_of
from proxy.stores.read_batches import ReadBatches
from proxy.stores.record import arrivals_of, import_of
from proxy.stores.redis_cluster import ClusterClient
from proxy.stores.redis_connecting import mapping_errors, reader, writer
from proxy.stores.redis_log import RedisLog
from proxy.stores.redis_tombstones import RedisTombstones
from proxy.stores.redis_visitor import Stored, keys_of, log_key, profile_key, profile_of, stored, visitor_in

READS_AT_ONCE = 8
BATCH = 500
READ_WHOLE_AT_ONCE = 100
"""All that happened to so many visitors is read in one go."""


def connect(url: str, settings: Settings = DEFAULTS) -> RedisStore:
    """The store at an address. Nothing is connected until it is used. Raises `OperatorError`."""
    return RedisStore(address_of(url), settings)


class RedisStore:
    """A `Store` on servers that speak RESP."""

    def __init__(self, address: Address, settings: Settings = DEFAULTS) -> None:
        self._reader = reader(address, settings)
        self._writer = writer(address, settings)
        self._batches: dict[object, ReadBatches[Stored]] = {}
        self._tombstones = RedisTombstones(self._writer)
        self._log = RedisLog(self._writer, self._tombstones, address.ack)

    # -- profiles

    async def get_profile(self, visitor_id: str) -> Profile | None:
        return await self._batches_of(visitor_id).get(visitor_id)

    def _batches_of(self, visitor_id: str) -> ReadBatches[Stored]:
        """The batches for the visitor's node: a node that hangs delays no reads of others."""
        place = self._reader.known_place(profile_key(visitor_id)) if isinstance(self._reader, ClusterClient) else None
        if place not in self._batches:
            self._batches[place] = ReadBatches(self._read_many, profile_of, at_once=READS_AT_ONCE)
        return self._batches[place]

    async def _read_many(self, visitor_ids: Sequence[str]) -> list[Stored | StoreError]:
        async with mapping_errors():
            return await stored(self._reader, visitor_ids)

    async def profiles(self, part: Partition = ALL) -> AsyncIterator[Profile]:
        some: list[str] = []
        async with mapping_errors():
            async for key in self._writer.scan_iter(profile_key("*"), count=BATCH):
                if crc32(key) % part.total == part.number:
                    some.append(visitor_in(key))
                if len(some) == BATCH:
                    for profile in await self._intact(some):
                        yield profile
                    some = []
        for profile in await self._intact(some):
            yield profile

    async def sample(self, most: int) -> tuple[Sequence[Profile], int]:
        async with mapping_errors():
            draws = self._writer.pipeline(transaction=False)
            for _ in range(3 * most):
                draws.randomkey()
            keys: list[bytes] = [key for key in await draws.execute() if key]
            total = await self._writer.dbsize()
        drawn = [key for key in keys if key.endswith(b"}:profile")]
        ids = list(dict.fromkeys(visitor_in(key) for key in drawn[:most]))
        return await self._intact(ids), round(total * len(drawn) / len(keys)) if keys else 0

    async def _intact(self, visitor_ids: Sequence[str]) -> list[Profile]:
        """The profiles that can be read."""
        found = []
        for visitor_id, value in zip(visitor_ids, await self._read_many(visitor_ids), strict=True):
            with contextlib.suppress(DamagedValueError):
                if isinstance(value, Stored) and (profile := profile_of(value, visitor_id)):
                    found.append(profile)
        return found

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        latest = list({profile.visitor_id: profile for profile in profiles}.values())
        changed = 0
        for start in range(0, len(latest), BATCH):
            some = latest[start : start + BATCH]
            async with mapping_errors():
                known = await self._log.profiles([profile.visitor_id for profile in some])
            imports = [import_of(profile, before) for profile, before in zip(some, known, strict=True)]
            changed += len((await self.apply([one for one in imports if one is not None])).visitors)
        return changed

    async def newest_change(self) -> str:
        async with mapping_errors():
            return await redis_changes.newest(self._reader)

    async def changed(self, after: str, until: str, known: Collection[str] = ()) -> Changed | None:
        async with mapping_errors():
            return await redis_changes.changed(self._reader, after, until, known)

    async def known_visitors(self, after: str) -> KnownVisitors | None:
        return None  # to go through all keys would keep a large server busy for seconds, for each worker that begins

    async def attribute_names(self) -> frozenset[str]:
        async with mapping_errors():
            return await redis_shared.attribute_names(self._writer)

    async def is_ready(self) -> bool:
        try:
            async with mapping_errors():
                await self._reader.dbsize()  # PING is refused while the server cannot write to its disk
        except StoreError:
            return False
        return True

    async def forgets(self) -> bool:
        with contextlib.suppress(StoreError):  # a user may not be let ask
            async with mapping_errors():
                memory = await self._reader.info("memory")  # of any node of a cluster
            # `volatile-...` takes what has a time to live: nothing that is kept.
            return bool(memory.get("maxmemory")) and str(memory.get("maxmemory_policy")).startswith("allkeys")
        return False

    async def aclose(self) -> None:
        await self._reader.aclose()
        await self._writer.aclose()

    # -- events

    async def apply(self, arrivals: Sequence[Arrival], page_events: Sequence[PackedEvent] = ()) -> Applied:
        async with mapping_errors():
            return await self._log.apply([*arrivals, *arrivals_of(page_events)])

    async def log(self, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
        async with mapping_errors():
            return await redis_shared.log(self._writer, after, limit)

    async def started_changes(self, after: str) -> StartedChanges:
        async with mapping_errors():
            return await redis_changes.started_changes(self._writer, after)

    async def end_of_log(self) -> str:
        async with mapping_errors():
            return await redis_shared.end_of_log(self._writer)

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        async with mapping_errors():
            return await redis_remaking.log_of(self._writer, visitor_id)

    async def logs_of(self, visitor_ids: Sequence[str]) -> Sequence[Sequence[Arrival]]:
        async with mapping_errors():
            return await redis_remaking.logs_of(self._writer, visitor_ids)

    async def visitors(self) -> AsyncIterator[str]:
        async with mapping_errors():
            async for key in self._writer.scan_iter(log_key("*"), count=BATCH):
                yield visitor_in(key)

    async def visitors_before(self, moment: float) -> AsyncIterator[str]:
        some: list[str] = []
        async for visitor_id in self.visitors():
            some.append(visitor_id)
            if len(some) == READ_WHOLE_AT_ONCE:
                for one in await self._before(some, moment):
                    yield one
                some = []
        for one in await self._before(some, moment):
            yield one

    async def _before(self, visitor_ids: Sequence[str], moment: float) -> Sequence[str]:
        async with mapping_errors():
            return await redis_remaking.visitors_before(self._writer, visitor_ids, moment)

    async def rebuild(self) -> int:
        async with mapping_errors():
            return sum([await redis_remaking.rebuild(self._writer, visitor_id) async for visitor_id in self.visitors()])

    async def withdraw(self, gone: Mapping[str, Collection[str]]) -> None:
        async with mapping_errors():
            ids = list(gone)
            for start in range(0, len(ids), READ_WHOLE_AT_ONCE):
                some = ids[start : start + READ_WHOLE_AT_ONCE]
                await redis_remaking.withdraw(self._writer, {visitor_id: gone[visitor_id] for visitor_id in some})

    async def merge_rules(self) -> Mapping[str, str]:
        async with mapping_errors():
            return await redis_shared.merge_rules(self._writer)

    async def put_merge_rules(self, rules: Mapping[str, str]) -> None:
        async with mapping_errors():
            await redis_shared.put_merge_rules(self._writer, rules)

    # -- who was erased

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        async with mapping_errors():
            # First of all: an event that is under way then sees it, or is seen here.
            await self._tombstones.leave(visitor_ids, now)
            profiles = events = 0
            for visitor_id in visitor_ids:
                events += max(await self._writer.hlen(log_key(visitor_id)) - 1, 0)
                profiles += await self._writer.exists(profile_key(visitor_id))
                await self._writer.unlink(*keys_of(visitor_id))
            refused = await redis_shared.forget_names(self._writer, visitor_ids)
        return {"events": events, "profiles": profiles, "events not taken": refused}

    async def scrub(self, *, is_due: bool = False) -> bool:
        return True  # there is no file that the server would let us see

    async def mark_erased(self, visitor_ids: Collection[str], now: float) -> None:
        async with mapping_errors():
            await self._tombstones.leave(visitor_ids, now)

    async def tombstones(self) -> Tombstones:
        async with mapping_errors():
            return await self._tombstones.all()

    async def put_tombstones(self, tombstones: Tombstones) -> None:
        async with mapping_errors():
            await self._tombstones.bring(tombstones)

    # -- what was not taken

    async def refuse(self, refused: Sequence[Refused]) -> None:
        async with mapping_errors():
            await redis_shared.refuse(self._writer, refused)

    async def refused(self) -> Sequence[Refused]:
        async with mapping_errors():
            return [one for _, one in await redis_shared.refused(self._writer)]

    async def forget_refused(self, refused: Sequence[Refused]) -> None:
        async with mapping_errors():
            await redis_shared.forget_refused(self._writer, refused)

    async def forget_before(self, moment: float) -> None:
        async with mapping_errors():
            await redis_shared.forget_before(self._writer, moment)
