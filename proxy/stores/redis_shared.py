"""What many visitors share in Redis or Valkey: the feed of the newest events, for those who follow them; the attributes
that were ever brought; the rules of `audience/merging.py`; and the events that were not taken. The server cuts the
streams to length as they grow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from proxy.audience.identity import LINKING
from proxy.audience.merging import Merge, Rules
from proxy.errors import UNDECODABLE, DamagedValueError
from proxy.model import Arrival
from proxy.ports import ID_BYTES, PROFILES, Refused
from proxy.stores import redis_changes
from proxy.stores.record import packed_arrival, packed_refused, theirs, undamaged, unpacked_arrival, unpacked_refused
from proxy.stores.redis_streams import Fields, take_out, trim_before

FEED, MOST_IN_FEED = "tb:feed", 100_000
NAMES = "tb:attribute-names"
RULES = "tb:merge-rules"
REFUSED, MOST_REFUSED = "tb:refused", 10_000
BUS_KEYS = ("{tb:bus}:sent", "{tb:bus}:told")
"""The streams by which processes tell each other whose profiles changed."""


def tell(told: Any, fresh: Sequence[Arrival]) -> None:
    """Adds these events to the feed, and the attributes they brought, in a pipeline."""
    for arrival in fresh:
        told.xadd(FEED, {"v": packed_arrival(arrival)}, maxlen=MOST_IN_FEED, approximate=True)
    names = {name for arrival in fresh for name in arrival.traits}
    if names:
        told.sadd(NAMES, *sorted(names))


async def log(client: Any, after: str, limit: int) -> tuple[Sequence[Arrival], str]:
    """As `EventStore.log`. A damaged event is left out: who follows the log would stand before it for ever."""
    rows = await client.xrange(FEED, f"({after}" if after else "-", "+", limit)
    return undamaged(_value(fields) for _, fields in rows), rows[-1][0].decode() if rows else after


async def end_of_log(client: Any) -> str:
    """The place after the newest event."""
    newest = await client.xrevrange(FEED, count=1)
    return newest[0][0].decode() if newest else ""


async def attribute_names(client: Any) -> frozenset[str]:
    """As `ProfileStore.attribute_names`."""
    return frozenset(name.decode() for name in await client.smembers(NAMES))


async def merge_rules(client: Any) -> Rules:
    """The rules that hold."""
    return rules_in(await client.hgetall(RULES))


def rules_in(answer: Mapping[bytes, bytes]) -> Rules:
    """The rules in what the store has of them, for who reads them in the same round trip as a visitor's data."""
    return {name.decode(): Merge(rule.decode()) for name, rule in answer.items()}


async def put_merge_rules(client: Any, rules: Mapping[str, str]) -> None:
    """Replaces the rules. All profiles have to be rebuilt then, which changes the revision of every log; so a process
    that folded an event by older rules does it again."""
    gone = [name for name in await client.hkeys(RULES) if name.decode() not in rules]
    if rules:
        await client.hset(RULES, mapping=dict(rules))
    if gone:
        await client.hdel(RULES, *gone)


async def refuse(client: Any, refused: Sequence[Refused]) -> None:
    """Adds events that were not taken, and keeps the newest of all."""
    writes = client.pipeline(transaction=False)
    for one in refused:
        writes.xadd(REFUSED, {"v": packed_refused(one)}, maxlen=MOST_REFUSED, approximate=True)
    await writes.execute()


async def refused(client: Any) -> list[tuple[bytes, Refused]]:
    """The events that were not taken with their places, oldest first; without what cannot be read of them."""
    found = []
    for place, fields in await client.xrange(REFUSED):
        with suppress(DamagedValueError):
            found.append((place, unpacked_refused(_value(fields))))
    return found


async def forget_refused(client: Any, gone: Sequence[Refused]) -> None:
    """Deletes these."""
    theirs = frozenset(gone)
    places = [place for place, one in await refused(client) if one in theirs]
    if places:
        await client.xdel(REFUSED, *places)


async def forget_before(client: Any, moment: float) -> None:
    """Deletes what came before that moment from all streams; who follows them has read it long since."""
    await take_out(client, FEED, _or_damaged(lambda fields: unpacked_arrival(_value(fields)).received_at < moment))
    await redis_changes.forget_before(client, moment)
    for stream in BUS_KEYS:
        await trim_before(client, stream, moment)
    await take_out(client, REFUSED, _or_damaged(lambda fields: unpacked_refused(_value(fields)).received_at < moment))


async def forget_names(client: Any, visitor_ids: Collection[str]) -> int:
    """Removes the names of erased visitors from all streams, and notes that any visitor may have changed. Returns how
    many refused events were deleted."""
    ids, parts = frozenset(visitor_ids), [visitor_id.encode() for visitor_id in visitor_ids]
    await take_out(client, FEED, _with_any(ids, _names_in_event), parts)
    await take_out(client, redis_changes.KEY, _with_any(ids, redis_changes.names_in), parts)
    for stream in BUS_KEYS:
        await take_out(client, stream, _with_any(ids, _names_in_message), parts)
    is_theirs = theirs(visitor_ids)
    gone = await take_out(client, REFUSED, _or_damaged(lambda one: is_theirs(unpacked_refused(_value(one)))), parts)
    await redis_changes.tell(client)
    return gone


def _value(fields: Fields) -> bytes:
    return fields.get(b"v", b"")


def _with_any(ids: frozenset[str], names_in: Callable[[Fields], Iterable[object]]) -> Callable[[Fields], bool]:
    """Whether an entry names any of these visitors."""
    return _or_damaged(lambda fields: not ids.isdisjoint(names_in(fields)))


def _or_damaged(is_to_go: Callable[[Fields], bool]) -> Callable[[Fields], bool]:
    """The same of entries, and true of what cannot be read: better one too many than a name that stays."""

    def may_go(fields: Fields) -> bool:
        try:
            return is_to_go(fields)
        except (DamagedValueError, *UNDECODABLE):
            return True

    return may_go


def _names_in_event(fields: Fields) -> Iterable[object]:
    arrival = unpacked_arrival(_value(fields))
    linked = (arrival.event.subject, arrival.details.get("bucket key")) if arrival.event.kind in LINKING else ()
    return (arrival.visitor_id, arrival.via, *arrival.joins, *linked)


def _names_in_message(fields: Fields) -> Iterable[str]:
    """All its texts, whichever version of Tailorbird wrote it."""
    if fields[b"topic"] != PROFILES.encode():
        return ()
    return _texts(msgspec.msgpack.decode(fields[b"payload"][ID_BYTES:]))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
