"""Profiles and events in Redis or Valkey: one store for many machines.

Everything of one visitor lies under one hash tag, `tb:{visitor}:...`, so that a cluster keeps it together and one
script can change it at once: the profile, packed, and the log, a hash of events by id. An event's id tells whether it
came before, so the log says so exactly. What follows from new events is worked out here, and takes effect only if
the log has not changed since it was read; else it is worked out again.

Reads go in batches, fewer than there are connections, so that none waits for one. A batch that breaks off closes its
connection, and the value names its visitor, so that a late answer is never taken for another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from proxy.audience.identity import routed
from proxy.audience.merging import NO_RULES, Rules
from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold
from proxy.model import Arrival, Profile
from proxy.ports import Applied, Refused, Tombstones
from proxy.settings import DEFAULTS, Settings
from proxy.stores import redis_refused, redis_rules
from proxy.stores.address import Address, address_of
from proxy.stores.batches import Batches
from proxy.stores.cluster import Wide
from proxy.stores.connecting import answers_as_ours, confirm, reader, writer
from proxy.stores.record import (
    MAX_BYTES,
    import_of,
    packed,
    packed_arrival,
    unpacked,
    unpacked_arrival,
)
from proxy.stores.redis_tombstones import BROUGHT_KEYS, RedisTombstones, asks, latest
from proxy.stores.streams import Fields, take_out
from proxy.stores.tombstones import is_erased

READS_AT_ONCE = 8
BATCH = 500
TRIES = 50
SHORTEST_WAIT_SECONDS = 0.002
NAMES_KEY = "tb:attribute-names"
FEED_KEY = "tb:feed"
MOST_IN_FEED = 100_000
BUS_KEYS = ("{tb:bus}:sent", "{tb:bus}:told")  # on which processes tell each other whose profiles changed
REVISION = b""
"""The field of a log that counts its changes; no event has this id."""
# KEYS: profile, log. ARGV: the revision the profile follows from, the profile, and id and value of each new event.
CHANGE = """
if (redis.call('HGET', KEYS[2], '') or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('HINCRBY', KEYS[2], '', 1)
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
"""
# KEYS: profile, log. ARGV: the revision the rest follows from, the profile or "" for none, and the ids to take out.
WITHDRAW = """
if (redis.call('HGET', KEYS[2], '') or '0') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
redis.call('HINCRBY', KEYS[2], '', 1)
for i = 3, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
return 1
"""


def connect(url: str, settings: Settings = DEFAULTS) -> RedisStore:
    """The store at an address. Nothing is connected until it is used. Raises `OperatorError`."""
    return RedisStore(address_of(url), settings)


def profile_key(visitor_id: str) -> str:
    """Where a visitor's profile lies."""
    return "tb:{" + visitor_id + "}:profile"


def log_key(visitor_id: str) -> str:
    """Where a visitor's events lie, by id."""
    return "tb:{" + visitor_id + "}:log"


def ack_key(visitor_id: str) -> str:
    """What is written where a visitor's events lie, to be told where they are safe."""
    return "tb:{" + visitor_id + "}:ack"


class Known(NamedTuple):
    """What is stored of a visitor for whom something new may have come: the log's revision, and which of the new
    events it has."""

    profile: Profile | None
    revision: bytes
    has: Sequence[bool]
    erased_at: float | None = None
    rules: Rules = NO_RULES

    def news(self, arrivals: Sequence[Arrival]) -> Iterator[Arrival]:
        """Those of the arrivals that the log has not and may have."""
        for arrival, has in zip(arrivals, self.has, strict=True):
            if not has and not is_erased(arrival, self.erased_at):
                yield arrival

    def after(self, arrivals: Sequence[Arrival]) -> Profile:
        """The profile with these."""
        return fold(self.profile, arrivals, self.rules)


def _moved(new: dict[str, list[Arrival]], known: Mapping[str, Known]) -> dict[str, list[Arrival]]:
    """Takes what devices did out of `new`, as their persons'."""
    moved: dict[str, list[Arrival]] = {}
    for visitor_id, own in new.items():
        whose = [routed(arrival, known[visitor_id].profile) for arrival in own]
        new[visitor_id] = [arrival for arrival in whose if arrival.visitor_id == visitor_id]
        for arrival in whose:
            if arrival.visitor_id != visitor_id:
                moved.setdefault(arrival.visitor_id, []).append(arrival)
    return moved


class RedisStore:
    """A `Store` on servers that speak RESP."""

    def __init__(self, address: Address, settings: Settings = DEFAULTS) -> None:
        self._ack = address.ack
        self._reader = reader(address, settings)
        self._writer = writer(address, settings)
        self._batches: dict[object, Batches] = {}
        self._tombstones = RedisTombstones(self._writer)

    async def get_profile(self, visitor_id: str) -> Profile | None:
        return await self._batches_of(visitor_id).get(visitor_id)

    def _batches_of(self, visitor_id: str) -> Batches:
        """Those of the visitor's node: one that hangs makes nobody else wait."""
        place = self._reader.known_place(profile_key(visitor_id)) if isinstance(self._reader, Wide) else None
        if place not in self._batches:
            self._batches[place] = Batches(self._read_many, at_once=READS_AT_ONCE)
        return self._batches[place]

    async def profiles(self) -> AsyncIterator[Profile]:
        some: list[str] = []
        async with answers_as_ours():
            async for key in self._writer.scan_iter(profile_key("*"), count=BATCH):
                some.append(key.decode()[len("tb:{") : -len("}:profile")])
                if len(some) == BATCH:
                    for profile in await self._intact(some):
                        yield profile
                    some = []
        for profile in await self._intact(some):
            yield profile

    async def sample(self, most: int) -> tuple[Sequence[Profile], int]:
        async with answers_as_ours():
            draws = self._writer.pipeline(transaction=False)
            for _ in range(2 * most):
                draws.randomkey()
            keys = [key.decode() for key in await draws.execute() if key]
            total = await self._writer.dbsize()
        drawn = [key for key in keys if key.endswith("}:profile")][:most]
        ids = list(dict.fromkeys(key[len("tb:{") : -len("}:profile")] for key in drawn))
        share = sum(key.endswith("}:profile") for key in keys) / len(keys) if keys else 0.0
        return await self._intact(ids), round(total * share)

    async def _intact(self, visitor_ids: Sequence[str]) -> list[Profile]:
        """Those that can be read."""
        found = []
        for visitor_id, value in zip(visitor_ids, await self._read_many(visitor_ids), strict=True):
            with contextlib.suppress(DamagedValueError):
                if isinstance(value, bytes) and value:
                    found.append(unpacked(value, visitor_id))
        return found

    async def put_profiles(self, profiles: Iterable[Profile]) -> int:
        latest = list({profile.visitor_id: profile for profile in profiles}.values())
        changed = 0
        for start in range(0, len(latest), BATCH):
            some = latest[start : start + BATCH]
            async with answers_as_ours():
                known = await self._known({profile.visitor_id: [] for profile in some})
                imports = [import_of(profile, known[profile.visitor_id].profile) for profile in some]
            changed += len((await self.apply([one for one in imports if one is not None])).profiles)
        return changed

    async def attribute_names(self) -> frozenset[str]:
        async with answers_as_ours():
            names = cast("set[bytes]", await self._writer.smembers(NAMES_KEY))
        return frozenset(name.decode() for name in names)

    async def is_ready(self) -> bool:
        try:
            async with answers_as_ours():
                return bool(await self._reader.ping())
        except StoreError:
            return False

    async def aclose(self) -> None:
        await self._reader.aclose()
        await self._writer.aclose()

    async def _read_many(self, visitor_ids: Sequence[str]) -> list[bytes | StoreError]:
        async with answers_as_ours():
            return [_value(answer) for answer in await _stored(self._reader, visitor_ids)]

    # -- events

    async def apply(self, arrivals: Sequence[Arrival]) -> Applied:
        once = {(arrival.visitor_id, arrival.event.id): arrival for arrival in reversed(arrivals)}
        waiting: dict[str, list[Arrival]] = {}
        for arrival in reversed(once.values()):
            waiting.setdefault(arrival.visitor_id, []).append(arrival)
        fresh: list[Arrival] = []
        profiles: dict[str, Profile] = {}
        async with answers_as_ours():
            for turn in range(TRIES):
                if not waiting:
                    break
                await asyncio.sleep(turn * SHORTEST_WAIT_SECONDS * random.random())  # noqa: S311  # no secret
                waiting = await self._change(waiting, fresh, profiles)
            else:
                raise StoreError("others change the same visitors all the time", help="send the events again")
            if fresh:
                order = {key: place for place, key in enumerate(reversed(once))}
                fresh.sort(key=lambda one: order.get((one.via or one.visitor_id, one.event.id), len(order)))
                await self._tell(fresh)
        return Applied(fresh, profiles)

    async def _change(
        self, waiting: dict[str, list[Arrival]], fresh: list[Arrival], profiles: dict[str, Profile]
    ) -> dict[str, list[Arrival]]:
        """Applies what is new, each visitor's at once; those whom somebody else changed meanwhile are left waiting."""
        known = await self._known(waiting)
        new = {visitor_id: list(known[visitor_id].news(own)) for visitor_id, own in waiting.items()}
        moved = _moved(new, known)
        changed = {visitor_id: known[visitor_id].after(own) for visitor_id, own in new.items() if own}
        writes = self._writer.pipeline(transaction=False)
        for visitor_id, profile in changed.items():
            logged = [part for one in new[visitor_id] for part in (one.event.id, packed_arrival(one))]
            _write(writes, profile, known[visitor_id].revision, logged)
        done = [visitor_id for visitor_id, is_done in zip(changed, await writes.execute(), strict=True) if is_done]
        for visitor_id in done:
            fresh += new[visitor_id]
            profiles[visitor_id] = changed[visitor_id]
        await confirm(self._writer, [ack_key(visitor_id) for visitor_id in waiting], self._ack)
        left = {visitor_id: waiting[visitor_id] for visitor_id in changed if visitor_id not in done}
        for visitor_id, own in moved.items():
            once = {arrival.event.id: arrival for arrival in [*left.get(visitor_id, []), *own]}
            left[visitor_id] = list(once.values())
        return left

    async def _known(self, waiting: Mapping[str, Sequence[Arrival]]) -> dict[str, Known]:
        keys = await self._tombstones.keys()
        reads = self._writer.pipeline(transaction=False)
        reads.smembers(BROUGHT_KEYS)
        reads.hgetall(redis_rules.KEY)
        for visitor_id, own in waiting.items():
            reads.getrange(profile_key(visitor_id), 0, MAX_BYTES)
            reads.hmget(log_key(visitor_id), [REVISION, *(arrival.event.id for arrival in own)])
            asks(reads, keys, visitor_id)
        brought, ruled, *answers = cast(list[Any], await reads.execute(raise_on_error=False))
        if self._tombstones.are_new(answered(brought)):
            return await self._known(waiting)
        found, rules = {}, redis_rules.rules_in(answered(ruled))
        for visitor_id, value, log, erased in zip(waiting, answers[::3], answers[1::3], answers[2::3], strict=True):
            revision, *logged = answered(log)
            profile = await self._profile(visitor_id, value)
            has = [value is not None for value in logged]
            found[visitor_id] = Known(profile, revision or b"0", has, latest(answered(erased)), rules)
        return found

    async def _profile(self, visitor_id: str, value: bytes | RedisError) -> Profile | None:
        """The profile, for a change. A damaged one is made anew from the log first."""
        try:
            read = _value(value)
            if isinstance(read, StoreError):
                raise read
            return unpacked(read, visitor_id) if read else None
        except DamagedValueError:
            await self._rebuild(visitor_id)
            arrivals = await self.log_of(visitor_id)
            return fold(None, arrivals, await redis_rules.ruled(self._writer)) if arrivals else None

    async def _tell(self, fresh: Sequence[Arrival]) -> None:
        """Lists the events for those who follow all visitors, and the attributes they brought."""
        told = self._writer.pipeline(transaction=False)
        for arrival in fresh:
            told.xadd(FEED_KEY, {"v": packed_arrival(arrival)}, maxlen=MOST_IN_FEED, approximate=True)
        names = {name for arrival in fresh for name in arrival.traits}
        if names:
            told.sadd(NAMES_KEY, *sorted(names))
        await told.execute()

    async def log(self, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
        async with answers_as_ours():
            rows = await self._writer.xrange(FEED_KEY, f"({after}" if after else "-", "+", limit)
        return [unpacked_arrival(fields[b"v"]) for _, fields in rows], rows[-1][0].decode() if rows else after

    async def log_of(self, visitor_id: str) -> Sequence[Arrival]:
        async with answers_as_ours():
            values = await self._writer.hgetall(log_key(visitor_id))
        arrivals = [unpacked_arrival(value) for id, value in values.items() if id != REVISION]
        return sorted(arrivals, key=lambda arrival: arrival.event)

    async def visitors(self) -> AsyncIterator[str]:
        async with answers_as_ours():
            async for key in self._writer.scan_iter(log_key("*"), count=BATCH):
                yield key.decode()[len("tb:{") : -len("}:log")]

    async def rebuild(self) -> int:
        return sum([await self._rebuild(visitor_id) async for visitor_id in self.visitors()])

    async def _rebuild(self, visitor_id: str) -> bool:
        """Writes also what comes out the same: who has begun to change it by older rules then begins anew."""
        async with answers_as_ours():
            for _ in range(TRIES):
                revision = await self._writer.hget(log_key(visitor_id), REVISION) or b"0"
                arrivals = await self.log_of(visitor_id)
                if not arrivals:
                    return False
                profile = fold(None, arrivals, await redis_rules.ruled(self._writer))
                (stored,) = await _stored(self._writer, [visitor_id])
                writes = self._writer.pipeline(transaction=False)
                _write(writes, profile, revision, [])
                if (await writes.execute())[0]:
                    return stored != packed(profile)
        raise StoreError("others change the same visitor all the time", help="do it again")

    # -- what was not taken

    async def withdraw(self, visitor_id: str, ids: Collection[str]) -> None:
        async with answers_as_ours():
            for _ in range(TRIES):
                revision = await self._writer.hget(log_key(visitor_id), REVISION) or b"0"
                left = [arrival for arrival in await self.log_of(visitor_id) if arrival.event.id not in ids]
                profile = packed(fold(None, left, await redis_rules.ruled(self._writer))) if left else b""
                keys = profile_key(visitor_id), log_key(visitor_id)
                if await self._writer.eval(WITHDRAW, len(keys), *keys, revision, profile, *ids):
                    return
        raise StoreError("others change the same visitor all the time", help="do it again")

    async def erase(self, visitor_ids: Collection[str], now: float) -> Mapping[str, int]:
        ids = {visitor_id.encode() for visitor_id in visitor_ids}

        def names_them(fields: Fields) -> bool:
            return any(id in value for value in fields.values() for id in ids)

        async with answers_as_ours():
            # First of all, so that no event that is under way comes after.
            await self._tombstones.leave(visitor_ids, now)
            profiles = [await self._writer.unlink(profile_key(visitor_id)) for visitor_id in visitor_ids]
            events = [max(await self._writer.hlen(log_key(visitor_id)) - 1, 0) for visitor_id in visitor_ids]
            for visitor_id in visitor_ids:
                await self._writer.unlink(log_key(visitor_id))
            for stream in (FEED_KEY, *BUS_KEYS):
                await take_out(self._writer, stream, names_them)
            refused = await take_out(self._writer, redis_refused.KEY, names_them)
        return {"events": sum(events), "profiles": sum(profiles), "events not taken": refused}

    async def merge_rules(self) -> Mapping[str, str]:
        async with answers_as_ours():
            return await redis_rules.ruled(self._writer)

    async def put_merge_rules(self, rules: Mapping[str, str]) -> None:
        async with answers_as_ours():
            await redis_rules.put(self._writer, rules)

    async def tombstones(self) -> Tombstones:
        async with answers_as_ours():
            return await self._tombstones.all()

    async def bury(self, tombstones: Tombstones) -> None:
        async with answers_as_ours():
            await self._tombstones.bring(tombstones)

    async def refuse(self, refused: Sequence[Refused]) -> None:
        async with answers_as_ours():
            await redis_refused.keep(self._writer, refused)

    async def refused(self) -> Sequence[Refused]:
        async with answers_as_ours():
            return [one for _, one in await redis_refused.kept(self._writer)]

    async def forget_refused(self, refused: Sequence[Refused]) -> None:
        async with answers_as_ours():
            await redis_refused.forget(self._writer, refused)


def _write(writes: Pipeline, profile: Profile, revision: bytes, logged: Sequence[str | bytes]) -> None:
    keys = profile_key(profile.visitor_id), log_key(profile.visitor_id)
    writes.eval(CHANGE, len(keys), *keys, revision, packed(profile), *logged)


async def _stored(client: Redis, visitor_ids: Sequence[str]) -> list[bytes | RedisError]:
    """At most one byte more than a profile may have, whatever lies there; empty when nothing does."""
    reads = client.pipeline(transaction=False)
    for visitor_id in visitor_ids:
        reads.getrange(profile_key(visitor_id), 0, MAX_BYTES)
    return await reads.execute(raise_on_error=False)


def _value(answer: bytes | RedisError) -> bytes | StoreError:
    if isinstance(answer, bytes):
        return answer
    if str(answer).startswith("WRONGTYPE"):
        return DamagedValueError("a stored profile is not a text", help="import it again")
    return StoreError(f"the store did not answer: {answer}")


def answered(answer: Any) -> Any:
    """One answer of a pipeline; raises it if it is an error."""
    if isinstance(answer, Exception):
        raise answer
    return answer
