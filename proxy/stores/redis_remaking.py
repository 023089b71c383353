"""Rebuilds profiles from the logs of visitors in Redis or Valkey: on request, when events are removed from a log, and
when a stored profile is damaged.

Unlike `redis_log.py`, which adds to a visitor without reading, this reads the whole log, and writes the result only if
the log is still the same. The caller maps the client's errors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold
from proxy.model import Arrival, Profile
from proxy.stores import redis_changes, redis_shared
from proxy.stores.record import came_before, packed, undamaged
from proxy.stores.redis_visitor import REMAKE, STAMP, Call, Stamp, Stored, answered, log_key, profile_of, ran, stored

TRIES = 50
Fields = Mapping[bytes, bytes]
_ARRAY = b"\x90"
"""Nothing that is packed as an array begins with less."""


async def log_of(client: Any, visitor_id: str) -> list[Arrival]:
    """As `EventStore.log_of`."""
    (log,) = await logs_of(client, [visitor_id])
    return log


async def logs_of(client: Any, visitor_ids: Sequence[str]) -> list[list[Arrival]]:
    """As `EventStore.logs_of`."""
    return [_in_order(fields) for fields in await _fields_of(client, visitor_ids)]


async def visitors_before(client: Any, visitor_ids: Sequence[str], moment: float) -> list[str]:
    """Those of these visitors of whom a logged event that can be read came before that moment. (It takes a half to a
    quarter of what `logs_of` takes: most have nothing that is old.)"""
    reads = client.pipeline(transaction=False)
    for visitor_id in visitor_ids:
        reads.hvals(log_key(visitor_id))
    logged: list[list[bytes]] = await reads.execute()
    events = ([value for value in values if value >= _ARRAY] for values in logged)  # the stamp begins with a digit
    return [id for id, some in zip(visitor_ids, events, strict=True) if came_before(some, moment)]


async def _fields_of(client: Any, visitor_ids: Sequence[str]) -> list[Fields]:
    reads = client.pipeline(transaction=False)
    for visitor_id in visitor_ids:
        reads.hgetall(log_key(visitor_id))
    found: list[Fields] = await reads.execute()
    return found


async def rebuild(client: Any, visitor_id: str) -> bool:
    """Rebuilds one profile; True when it differs. It is written even when it is the same, so that a process that is
    changing it by older rules has to start again."""
    for _ in range(TRIES):
        fields: Fields = await client.hgetall(log_key(visitor_id))
        profile = await _following(client, _in_order(fields))
        if profile is None:
            return False
        (found,) = await stored(client, [visitor_id])
        is_other = not _is_same(found, profile)
        begun = (await redis_changes.begin(client, [visitor_id])).decode() if is_other else ""
        (answer,) = await ran(client, [_remaking(visitor_id, fields, profile)])
        if answered(answer):
            if is_other:
                await redis_changes.tell(client, [visitor_id], begun)
            return is_other
    raise StoreError("others change the same visitor all the time", help="do it again")


async def withdraw(client: Any, gone: Mapping[str, Collection[str]]) -> None:
    """As `EventStore.withdraw`, of some visitors at once."""
    left = dict(gone)
    for _ in range(TRIES):
        if not left:
            return
        for visitor_id in await _withdrawn(client, left):
            del left[visitor_id]
    raise StoreError("others change the same visitors all the time", help="do it again")


async def _withdrawn(client: Any, gone: Mapping[str, Collection[str]]) -> list[str]:
    """The visitors that are done: they have no log, or it was not changed since it was read."""
    rules, logs = await redis_shared.merge_rules(client), await _fields_of(client, list(gone))
    begun = (await redis_changes.begin(client, list(gone))).decode()
    calls: list[Call] = []
    for (visitor_id, ids), fields in zip(gone.items(), logs, strict=True):
        kept = [one for one in _in_order(fields) if one.event.id not in ids]
        if fields:
            calls.append(_remaking(visitor_id, fields, fold(None, kept, rules) if kept else None, *ids))
    answers = await ran(client, calls)
    left = {call.visitor_id for call, answer in zip(calls, answers, strict=True) if not answered(answer)}
    await redis_changes.tell(client, list(gone), begun)
    return [visitor_id for visitor_id in gone if visitor_id not in left]


async def mended(client: Any, visitor_id: str, found: Stored | StoreError) -> tuple[Profile | None, int]:
    """The stored profile, and how many of the news are in it. A damaged one is rebuilt."""
    try:
        if isinstance(found, StoreError):
            raise found
        return profile_of(found, visitor_id), len(found.news)
    except DamagedValueError:
        await rebuild(client, visitor_id)
        return await _following(client, await log_of(client, visitor_id)), 0


async def _following(client: Any, arrivals: list[Arrival]) -> Profile | None:
    """The profile that follows from these events by the current merge rules; None without events."""
    return fold(None, arrivals, await redis_shared.merge_rules(client)) if arrivals else None


def _remaking(visitor_id: str, fields: Fields, profile: Profile | None, *gone: str) -> Call:
    """Makes this the profile, without these events, unless the log has changed since it was read."""
    stamp = Stamp(fields.get(STAMP, b""))
    parts = (stamp.value, stamp.after(profile), len(fields), packed(profile) if profile is not None else b"")
    return Call(REMAKE, visitor_id, (*parts, *gone))


def _is_same(found: Stored | StoreError, profile: Profile) -> bool:
    """Whether the profile is what was found, to the byte."""
    try:
        before = profile_of(found, profile.visitor_id) if isinstance(found, Stored) else None
    except DamagedValueError:
        return False
    return before is not None and packed(before) == packed(profile)


def _in_order(fields: Fields) -> list[Arrival]:
    """Those that can be read: one that is damaged must not keep all others from being copied, and from expiring."""
    arrivals = undamaged(value for id, value in fields.items() if id != STAMP)
    return sorted(arrivals, key=lambda arrival: arrival.event)
