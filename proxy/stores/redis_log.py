"""The events of visitors in Redis or Valkey, and the profiles that follow: what is added, taken out and made anew.

Two round trips for any number of events: what is known of their visitors, then one script each. An event's id tells
whether it came before, so the log says so exactly. An event is added to the log and the news; whole profiles are
written for who is new, for what changes attributes or where events go (a join), and when there are many news: so news
are what needs no merge rules to be folded. Where somebody else wrote a profile meanwhile, it is done again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, cast

from proxy.audience.identity import IMPORTED, LINKING, routed_to
from proxy.audience.merging import NO_RULES, Rules
from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold
from proxy.model import Arrival, Profile
from proxy.ports import Applied
from proxy.stores import redis_feed, redis_rules
from proxy.stores.address import Ack
from proxy.stores.connecting import confirm
from proxy.stores.record import head_of, packed, packed_arrival, unpacked_arrival
from proxy.stores.redis_tombstones import BROUGHT_KEYS, RedisTombstones, asks, latest
from proxy.stores.redis_visitor import (
    ADD,
    CHECKPOINT,
    MOST_NEWS,
    REMAKE,
    STAMP,
    Call,
    Stamp,
    Stored,
    ack_key,
    answered,
    log_key,
    profile_of,
    ran,
    stored,
)
from proxy.stores.tombstones import is_erased

TRIES = 50
SHORTEST_WAIT_SECONDS = 0.002
WHOLE = (*LINKING, IMPORTED)
"""What a checkpoint is written for, beside what has traits: it changes where events go, or what an import said."""

Waiting = Mapping[str, Sequence[Arrival]]


class Known(NamedTuple):
    """What is known of a visitor before events are added."""

    stamp: Stamp
    erased_at: float | None = None
    rules: Rules = NO_RULES


class Change(NamedTuple):
    """A profile that is to be a visitor's next checkpoint: what it follows from, how many news are in it, and the
    events that it is the first to have."""

    stamp: Stamp
    profile: Profile
    news: int
    arrivals: Sequence[Arrival] = ()

    def call(self) -> Call:
        """The script that writes it, if nobody else wrote one."""
        visitor_id = self.profile.visitor_id
        parts = (self.stamp.value, self.stamp.after(self.profile), packed(self.profile), self.news)
        return Call(CHECKPOINT, visitor_id, (*parts, *_logged(self.arrivals)))


class Done(NamedTuple):
    """What a turn came to: what was new, who was joined or parted, what is left for the next turn, and whose checkpoint
    is to be written."""

    fresh: list[Arrival]
    linked: dict[str, Profile]
    left: dict[str, list[Arrival]]
    checkpoints: list[str]


def _logged(arrivals: Sequence[Arrival]) -> list[str | bytes]:
    """As scripts take events."""
    return [part for arrival in arrivals for part in (arrival.event.id, packed_arrival(arrival))]


class RedisLog:
    """The logs of one store. Whoever calls makes of the client's errors what they are to others."""

    def __init__(self, writer: Any, tombstones: RedisTombstones, ack: Ack) -> None:
        self._writer = writer
        self._tombstones = tombstones
        self._ack = ack

    async def apply(self, arrivals: Sequence[Arrival]) -> Applied:
        """As `EventStore.apply`."""
        once = {(arrival.visitor_id, arrival.event.id): arrival for arrival in reversed(arrivals)}
        waiting: dict[str, list[Arrival]] = {}
        for arrival in reversed(once.values()):
            waiting.setdefault(arrival.visitor_id, []).append(arrival)
        order = {key: place for place, key in enumerate(reversed(once))}
        fresh: list[Arrival] = []
        linked: dict[str, Profile] = {}
        for turn in range(TRIES):
            if not waiting:
                return Applied(fresh, linked)
            await asyncio.sleep(turn * SHORTEST_WAIT_SECONDS * random.random())  # noqa: S311  # no secret
            done = await self._turn(waiting)
            done.fresh.sort(key=lambda one: order.get((one.via or one.visitor_id, one.event.id), len(order)))
            # Side by side: both have a disk to wait for. What cannot be confirmed is there all the same, so it is told.
            await asyncio.gather(
                confirm(self._writer, [ack_key(visitor_id) for visitor_id in waiting], self._ack),
                self._tell(done),
            )
            fresh += done.fresh
            linked |= done.linked
            waiting = {id: list({one.event.id: one for one in own}.values()) for id, own in done.left.items()}
        raise StoreError("others change the same visitors all the time", help="send the events again")

    async def _turn(self, waiting: Waiting) -> Done:
        """Adds what is new; what is another's, or whose visitor somebody else changed meanwhile, is left."""
        known = await self._known(list(waiting))
        done = Done([], {}, {}, [])
        own: dict[str, list[Arrival]] = {}
        for visitor_id, arrivals in waiting.items():
            for arrival in arrivals:
                if not is_erased(arrival, known[visitor_id].erased_at):
                    whose = routed_to(arrival, known[visitor_id].stamp.alias)
                    (own if whose.visitor_id == visitor_id else done.left).setdefault(whose.visitor_id, []).append(
                        whose
                    )
        whole = {id for id, some in own.items() if _needs_checkpoint(known[id].stamp, some)}
        changes = await self._changes({id: own[id] for id in whole}, known)
        added = {id: some for id, some in own.items() if id not in whole}
        calls = [Call(ADD, id, (known[id].stamp.value, head_of(id), *_logged(some))) for id, some in added.items()]
        answers = await ran(self._writer, [*calls, *(change.call() for change in changes)])
        for (visitor_id, some), answer in zip(added.items(), answers, strict=False):
            if answered(answer) is None:
                done.left.setdefault(visitor_id, []).extend(some)
                continue
            news, *new = answer
            done.fresh.extend(some[place] for place in new)
            if not 0 <= news < MOST_NEWS:
                done.checkpoints.append(visitor_id)
        for change, answer in zip(changes, answers[len(calls) :], strict=True):
            if answered(answer):
                done.fresh.extend(change.arrivals)
                if any(one.event.kind in LINKING for one in change.arrivals):
                    done.linked[change.profile.visitor_id] = change.profile
            else:
                done.left.setdefault(change.profile.visitor_id, []).extend(change.arrivals)
        return done

    async def _changes(self, waiting: Waiting, known: Mapping[str, Known]) -> list[Change]:
        """For each visitor the checkpoint with what is new in it."""
        is_there = [visitor_id for visitor_id in waiting if known[visitor_id].stamp.value]
        reads = self._writer.pipeline(transaction=False)
        for visitor_id in is_there:
            reads.hmget(log_key(visitor_id), [arrival.event.id for arrival in waiting[visitor_id]])
        logged = dict(zip(is_there, await reads.execute(), strict=True))
        before = dict(zip(is_there, await stored(self._writer, is_there), strict=True))
        found = []
        for visitor_id, arrivals in waiting.items():
            has = logged.get(visitor_id, [None] * len(arrivals))
            new = [arrival for arrival, value in zip(arrivals, has, strict=True) if value is None]
            if new:
                stamp = known[visitor_id].stamp
                profile, news = await self._profile(visitor_id, before.get(visitor_id, Stored(b"")))
                found.append(Change(stamp, fold(profile, new, known[visitor_id].rules), news, new))
        return found

    async def profiles(self, visitor_ids: Sequence[str]) -> list[Profile | None]:
        """Those of these visitors; a damaged one is mended."""
        found = zip(visitor_ids, await stored(self._writer, visitor_ids), strict=True)
        return [(await self._profile(visitor_id, value))[0] for visitor_id, value in found]

    async def _profile(self, visitor_id: str, found: Stored | StoreError) -> tuple[Profile | None, int]:
        """The profile, for a change, and how many news are in it. A damaged one is made anew from the log."""
        try:
            if isinstance(found, StoreError):
                raise found
            return profile_of(found, visitor_id), len(found.news)
        except DamagedValueError:
            return await self._mended(visitor_id)

    async def _mended(self, visitor_id: str) -> tuple[Profile | None, int]:
        """As `_profile`, made anew from the log."""
        await self.rebuild(visitor_id)
        arrivals = await self.log_of(visitor_id)
        return (fold(None, arrivals, await redis_rules.ruled(self._writer)) if arrivals else None), 0

    async def _known(self, visitor_ids: Sequence[str]) -> dict[str, Known]:
        keys = await self._tombstones.keys()
        reads = self._writer.pipeline(transaction=False)
        reads.smembers(BROUGHT_KEYS)
        reads.hgetall(redis_rules.KEY)
        asks(reads, keys, visitor_ids)
        for visitor_id in visitor_ids:
            reads.hget(log_key(visitor_id), STAMP)
        brought, ruled, erased, *stamps = cast(list[Any], await reads.execute())
        if self._tombstones.are_new(brought):
            return await self._known(visitor_ids)
        rows, rules = (
            zip(visitor_ids, stamps, latest(erased, len(visitor_ids)), strict=True),
            redis_rules.rules_in(ruled),
        )
        return {visitor_id: Known(Stamp(stamp or b""), erased_at, rules) for visitor_id, stamp, erased_at in rows}

    async def _tell(self, done: Done) -> None:
        await redis_feed.tell(self._writer, done.fresh)
        await self._checkpoint(done.checkpoints)

    async def _checkpoint(self, visitor_ids: Sequence[str]) -> None:
        """Writes their profiles with all news, each unless somebody else does: the news are there all the same."""
        if not visitor_ids:
            return
        known = await self._known(visitor_ids)
        found = zip(visitor_ids, await stored(self._writer, visitor_ids), strict=True)
        after = [(known[visitor_id].stamp, *await self._profile(visitor_id, one)) for visitor_id, one in found]
        await ran(self._writer, [Change(stamp, profile, news).call() for stamp, profile, news in after if profile])

    # -- made anew

    async def log_of(self, visitor_id: str) -> list[Arrival]:
        """As `EventStore.log_of`."""
        return _in_order(await self._writer.hgetall(log_key(visitor_id)))

    async def rebuild(self, visitor_id: str) -> bool:
        """Makes one profile anew; whether it came out differently. Writes also what comes out the same: who has begun
        to change it by older rules then begins anew."""
        for _ in range(TRIES):
            fields: dict[bytes, bytes] = await self._writer.hgetall(log_key(visitor_id))
            arrivals = _in_order(fields)
            if not arrivals:
                return False
            profile = fold(None, arrivals, await redis_rules.ruled(self._writer))
            (found,) = await stored(self._writer, [visitor_id])
            if await self._remade(visitor_id, fields, profile):
                return not _is_same(found, profile)
        raise StoreError("others change the same visitor all the time", help="do it again")

    async def withdraw(self, visitor_id: str, ids: Collection[str]) -> None:
        """As `EventStore.withdraw`."""
        for _ in range(TRIES):
            fields: dict[bytes, bytes] = await self._writer.hgetall(log_key(visitor_id))
            left = [arrival for arrival in _in_order(fields) if arrival.event.id not in ids]
            profile = fold(None, left, await redis_rules.ruled(self._writer)) if left else None
            if not fields or await self._remade(visitor_id, fields, profile, *ids):
                return
        raise StoreError("others change the same visitor all the time", help="do it again")

    async def _remade(
        self, visitor_id: str, fields: Mapping[bytes, bytes], profile: Profile | None, *gone: str
    ) -> bool:
        """Whether this became the profile, and these events are gone: not if the log changed since it was read."""
        stamp = Stamp(fields.get(STAMP, b""))
        value = packed(profile) if profile is not None else b""
        parts = (stamp.value, stamp.after(profile), len(fields), value)
        (answer,) = await ran(self._writer, [Call(REMAKE, visitor_id, (*parts, *gone))])
        return bool(answered(answer))


def _needs_checkpoint(stamp: Stamp, arrivals: Sequence[Arrival]) -> bool:
    return not stamp.value or any(arrival.traits or arrival.event.kind in WHOLE for arrival in arrivals)


def _is_same(found: Stored | StoreError, profile: Profile) -> bool:
    """Whether the profile is what was found, to the byte."""
    try:
        before = profile_of(found, profile.visitor_id) if isinstance(found, Stored) else None
    except DamagedValueError:
        return False
    return before is not None and packed(before) == packed(profile)


def _in_order(fields: Mapping[bytes, bytes]) -> list[Arrival]:
    arrivals = [unpacked_arrival(value) for id, value in fields.items() if id != STAMP]
    return sorted(arrivals, key=lambda arrival: arrival.event)
