"""Adding events to visitors in Redis or Valkey.

Two round trips for any number of events: what is known of their visitors, then one script each. An event's id tells
whether it came before, so the log says so exactly. An event is added to the log and the news; whole profiles are
written for who is new, for what changes attributes or where events go (a join), and when there are many news: so news
are what needs no merge rules to be folded. Where somebody else wrote a profile meanwhile, it is done again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from proxy.audience.identity import IMPORTED, LINKING, routed
from proxy.audience.merging import NO_RULES, Rules
from proxy.errors import StoreError
from proxy.events.fold import fold
from proxy.model import Arrival, Profile
from proxy.ports import Applied
from proxy.stores import redis_changes, redis_shared
from proxy.stores.address import Ack
from proxy.stores.record import head_of, packed, packed_arrival
from proxy.stores.redis_connecting import confirm
from proxy.stores.redis_remaking import TRIES, mended, withdraw
from proxy.stores.redis_tombstones import RedisTombstones, asks, asks_keys, latest
from proxy.stores.redis_visitor import (
    ADD,
    CHECKPOINT,
    MOST_NEWS,
    STAMP,
    Call,
    Stamp,
    Stored,
    ack_key,
    answered,
    log_key,
    ran,
    stored,
)
from proxy.stores.tombstones import is_erased, visitors_of

SHORTEST_WAIT_SECONDS = 0.002
WHOLE = (*LINKING, IMPORTED)
"""What a checkpoint is written for, beside what has traits: it changes where events go, or what an import said."""

Waiting = Mapping[str, Sequence[Arrival]]


class Known(NamedTuple):
    """What is stored of a visitor before events are added."""

    stamp: Stamp
    erased_at: float | None = None
    rules: Rules = NO_RULES


class Change(NamedTuple):
    """The next checkpoint of a visitor: the profile, what it follows from, how many news are in it, and the events it
    has first."""

    stamp: Stamp
    profile: Profile
    news: int
    arrivals: Sequence[Arrival] = ()

    def call(self) -> Call:
        """The script that writes the checkpoint, unless somebody else wrote one meanwhile."""
        visitor_id = self.profile.visitor_id
        parts = (self.stamp.value, self.stamp.after(self.profile), packed(self.profile), self.news)
        return Call(CHECKPOINT, visitor_id, (*parts, *_logged(self.arrivals)))


class Done(NamedTuple):
    """What a turn came to: what was new, who was joined or parted, what is left for the next turn, whose checkpoint is
    to be written, and what was told of it as changes."""

    fresh: list[Arrival]
    linked: dict[str, Profile]
    left: dict[str, list[Arrival]]
    checkpoints: list[str]
    changes: list[str]


def _logged(arrivals: Sequence[Arrival]) -> list[str | bytes]:
    """The events as scripts take them."""
    return [part for arrival in arrivals for part in (arrival.event.id, packed_arrival(arrival))]


class RedisLog:
    """Adds events to the logs of one store. Lets the client's own errors through; the caller maps them."""

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
        changes: list[str] = []
        for turn in range(TRIES):
            if not waiting:
                return Applied(fresh, linked, changes=changes, losses=self._tombstones.losses())
            await asyncio.sleep(turn * SHORTEST_WAIT_SECONDS * random.random())  # noqa: S311  # no secret
            done = await self._turn(waiting, order)
            done.fresh.sort(key=lambda one: order.get((one.via or one.visitor_id, one.event.id), len(order)))
            # Side by side: both have a disk to wait for. What cannot be confirmed is there all the same, so it is told.
            await asyncio.gather(
                confirm(self._writer, [ack_key(visitor_id) for visitor_id in waiting], self._ack), self._tell(done)
            )
            fresh += done.fresh
            linked |= done.linked
            changes += done.changes
            waiting = {id: list({one.event.id: one for one in own}.values()) for id, own in done.left.items()}
        raise StoreError("others change the same visitors all the time", help="send the events again")

    async def _turn(self, waiting: Waiting, given: Container[tuple[str, str]]) -> Done:
        """Adds what is new. What belongs to another visitor, or whose visitor was changed meanwhile, is left for the
        next turn. What was not `given` as this visitor's came by a device of theirs, and is this device's again if
        these were parted: so the device is looked at after the person, whom a parting changes last."""
        done = Done([], {}, {}, [], [])
        devices = {one.via for some in waiting.values() for one in some if one.via}
        known = await self._known([*waiting, *sorted(devices.difference(waiting))], done.changes)
        own = _own(waiting, known, given, done)
        whole = {id: some for id, some in own.items() if _needs_checkpoint(known[id].stamp, some)}
        changes = await self._changes(whole, known)
        added = {id: some for id, some in own.items() if id not in whole}
        calls = [Call(ADD, id, (known[id].stamp.value, head_of(id), *_logged(some))) for id, some in added.items()]
        answers = await ran(self._writer, [*calls, *(change.call() for change in changes)])
        for (visitor_id, some), answer in zip(added.items(), answers, strict=False):
            _note_added(visitor_id, some, answered(answer), done)
        for change, answer in zip(changes, answers[len(calls) :], strict=True):
            _note_changed(change, answered(answer), done)
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
                profile, news = await mended(self._writer, visitor_id, before.get(visitor_id, Stored(b"")))
                found.append(Change(stamp, fold(profile, new, known[visitor_id].rules), news, new))
        return found

    async def profiles(self, visitor_ids: Sequence[str]) -> list[Profile | None]:
        """The profiles of these visitors; a damaged one is repaired."""
        found = zip(visitor_ids, await stored(self._writer, visitor_ids), strict=True)
        return [(await mended(self._writer, visitor_id, value))[0] for visitor_id, value in found]

    async def _known(self, visitor_ids: Sequence[str], changes: list[str] | None = None) -> dict[str, Known]:
        """What is stored of these visitors. With it, their change is announced in the same round trip, and the
        announcement's name added to `changes`."""
        keys = await self._tombstones.keys()
        reads = self._writer.pipeline(transaction=False)
        if changes is not None:
            redis_changes.begin(reads, visitor_ids)
        asks_keys(reads)
        reads.hgetall(redis_shared.RULES)
        asks(reads, keys, visitor_ids)
        for visitor_id in visitor_ids:
            reads.hget(log_key(visitor_id), STAMP)
        answers = cast(list[Any], await reads.execute())
        if changes is not None:
            changes.append(answers.pop(0).decode())
        own, brought, ruled, erased, *stamps = answers
        if self._tombstones.are_others(own, brought):
            return await self._known(visitor_ids)
        rules = redis_shared.rules_in(ruled)
        rows = zip(visitor_ids, stamps, latest(erased, len(visitor_ids)), strict=True)
        return {visitor_id: Known(Stamp(stamp or b""), erased_at, rules) for visitor_id, stamp, erased_at in rows}

    async def _tell(self, done: Done) -> None:
        if done.fresh:
            telling = self._writer.pipeline(transaction=False)
            redis_changes.tell(telling, {arrival.visitor_id for arrival in done.fresh}, done.changes[0])
            redis_shared.tell(telling, done.fresh)
            ids = list({id for arrival in done.fresh for id in visitors_of(arrival)})
            asks(telling, await self._tombstones.keys(), ids)
            name, *_, erased = await telling.execute()
            done.changes.append(name.decode())
            await self._take_back(done, dict(zip(ids, latest(erased, len(ids)), strict=True)))
        await self._checkpoint(done.checkpoints)

    async def _take_back(self, done: Done, erased_at: Mapping[str, float | None]) -> None:
        """Takes out what was added of visitors who were being erased. Who erases leaves the tombstone first: either it
        is seen here, or they see these events."""
        gone = [one for one in done.fresh if any(is_erased(one, erased_at[id]) for id in visitors_of(one))]
        if not gone:
            return
        ids: dict[str, set[str]] = {}
        for one in gone:
            ids.setdefault(one.visitor_id, set()).add(one.event.id)
            done.linked.pop(one.visitor_id, None)
        await withdraw(self._writer, ids)
        await redis_shared.forget_names(self._writer, ids)
        done.fresh[:] = [one for one in done.fresh if one.event.id not in ids.get(one.visitor_id, ())]

    async def _checkpoint(self, visitor_ids: Sequence[str]) -> None:
        """Writes their profiles with all news, unless somebody else does: the news are there all the same."""
        if not visitor_ids:
            return
        known = await self._known(visitor_ids)
        found = zip(visitor_ids, await stored(self._writer, visitor_ids), strict=True)
        after = [(known[visitor_id].stamp, *await mended(self._writer, visitor_id, one)) for visitor_id, one in found]
        await ran(self._writer, [Change(stamp, profile, news).call() for stamp, profile, news in after if profile])


def _own(waiting: Waiting, known: Mapping[str, Known], given: Container[tuple[str, str]], done: Done) -> Waiting:
    """What of it may be added to those for whom it waits; what is their persons' is left, or their device's again."""
    own: dict[str, list[Arrival]] = {}
    for visitor_id, arrivals in waiting.items():
        for arrival in arrivals:
            is_routed = arrival.via and (arrival.visitor_id, arrival.event.id) not in given
            if is_routed and known[arrival.via].stamp.alias != visitor_id:
                done.left.setdefault(arrival.via, []).append(replace(arrival, visitor_id=arrival.via, via=""))
            elif not any(is_erased(arrival, known[id].erased_at) for id in visitors_of(arrival)):
                whose = routed(arrival, known[visitor_id].stamp.alias)
                of = own if whose.visitor_id == visitor_id else done.left
                of.setdefault(whose.visitor_id, []).append(whose)
    return own


def _note_added(visitor_id: str, arrivals: Sequence[Arrival], answer: Sequence[int] | None, done: Done) -> None:
    if answer is None:
        done.left.setdefault(visitor_id, []).extend(arrivals)
        return
    news, *new = answer
    done.fresh.extend(arrivals[place] for place in new)
    if not 0 <= news < MOST_NEWS:
        done.checkpoints.append(visitor_id)


def _note_changed(change: Change, is_written: int, done: Done) -> None:
    if not is_written:
        done.left.setdefault(change.profile.visitor_id, []).extend(change.arrivals)
        return
    done.fresh.extend(change.arrivals)
    if any(one.event.kind in LINKING for one in change.arrivals):
        done.linked[change.profile.visitor_id] = change.profile


def _needs_checkpoint(stamp: Stamp, arrivals: Sequence[Arrival]) -> bool:
    return not stamp.value or any(arrival.traits or arrival.event.kind in WHOLE for arrival in arrivals)
