"""All that is kept of visitors, one row a place: how it is exported, and how it is erased. What keeps something of a
visitor and is not here would be left behind, so whoever adds such a place adds its row.

Erasing goes by person: all ids that were joined, none that was parted; but of who was, no page view is kept that may
tell what was the other's, and no word of the joining. The receipt says how much was erased of what,
and how much a second look still found.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from proxy.model import Arrival, Profile, View
from proxy.ports import Outbox, Refused, Store, ViewLog
from proxy.stores.joining import part, parted, unlink, whole
from proxy.stores.record import traits_of

Values = dict[str, object]
EVERY_VIEW = 1_000_000_000


class Places(NamedTuple):
    """Everything that keeps something of visitors: the store, the recorded views, the outbox."""

    store: Store
    views: ViewLog
    outbox: Outbox


class PersonalData(NamedTuple):
    """A kind of data kept of visitors: its name, how it is exported, and how it is erased (which returns how much, by
    kind)."""

    name: str
    export: Callable[[Places, Collection[str]], Awaitable[list[Values]]]
    erase: Callable[[Places, Collection[str], float], Awaitable[Mapping[str, int]]]


class Receipt(msgspec.Struct, frozen=True):
    """What was erased, of how many ids, and when; `left` is what a second look still found, which should be nothing."""

    visitor: str
    ids: int
    at: str
    erased: dict[str, int]
    left: dict[str, int]

    @property
    def is_whole(self) -> bool:
        """Nothing was left behind."""
        return not any(self.left.values())


async def exported(places: Places, visitor_id: str) -> Values:
    """All that is kept of the person a visitor is, as plain JSON values."""
    ids = await whole(places.store, visitor_id)
    return {"ids": list(ids), **{kind.name: await kind.export(places, ids) for kind in PERSONAL_DATA}}


async def erased(places: Places, visitor_id: str, now: float) -> Receipt:
    """Erases the person a visitor is."""
    ids, began = await whole(places.store, visitor_id), time.monotonic()
    await places.store.mark_erased(ids, now)
    gone = await _gone(places, ids, now)
    # Who finds out for webhooks what they entered may have read them meanwhile, and be about to say so: that is of
    # before this, and does not come in any more. What came in just now goes like all else.
    since = now + time.monotonic() - began
    await places.store.mark_erased(ids, since)
    left = await _left(places, ids)
    if any(left.values()):
        gone.update(await _gone(places, ids, since))
        left = await _left(places, ids)
    return Receipt(visitor_id, len(ids), _time(now), dict(gone), left)


async def _gone(places: Places, ids: Collection[str], now: float) -> Counter[str]:
    gone: Counter[str] = Counter()
    for kind in PERSONAL_DATA:
        gone.update(await kind.erase(places, ids, now))
    return gone


async def _left(places: Places, ids: Collection[str]) -> dict[str, int]:
    return {kind.name: len(await kind.export(places, ids)) for kind in PERSONAL_DATA}


async def unmerged(places: Places, device_id: str, now: float) -> bool:
    """Undoes the join of a device, as `joining.part`; whether there was one. No page view is kept of any who were one:
    it tells of one what another did or said."""
    ids = await whole(places.store, device_id)
    is_parted = bool((await part(places.store, device_id, now)).verdict)
    for visitor_id in ids if is_parted else ():
        await places.views.erase_views(visitor_id)
    return is_parted


# -- the places


async def _profiles(places: Places, ids: Collection[str]) -> list[Values]:
    found = [await places.store.get_profile(visitor_id) for visitor_id in ids]
    return [_profile(profile) for profile in found if profile is not None]


async def _events(places: Places, ids: Collection[str]) -> list[Values]:
    return [_event(arrival) for visitor_id in ids for arrival in await places.store.log_of(visitor_id)]


async def _not_taken(places: Places, ids: Collection[str]) -> list[Values]:
    def is_theirs(one: Refused) -> bool:
        return one.visitor_id in ids or any(visitor_id.encode() in one.payload for visitor_id in ids)

    return [
        {"received_at": _time(one.received_at), "reason": one.reason, "sent": one.payload.decode("utf-8", "replace")}
        for one in await places.store.refused()
        if is_theirs(one)
    ]


async def _views(places: Places, ids: Collection[str]) -> list[Values]:
    return [_view(view) for view in await places.views.get_views(EVERY_VIEW) if view.visitor in ids]


async def _erase_views(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    all = [*ids, *await parted(places.store, ids)]
    return {"page views": sum([await places.views.erase_views(visitor_id) for visitor_id in all])}


async def _told(places: Places, ids: Collection[str]) -> list[Values]:
    """The segments that webhooks were told of, and the messages that wait."""
    standings, deliveries = await places.outbox.of(ids)
    told: list[Values] = [
        {"visitor": one.visitor_id, "webhook": webhook, "segment": segment, "since": _time(since)}
        for one in standings
        for webhook, segments in one.told.items()
        for segment, since in segments.items()
    ]
    return [*told, *({**_named(one), "at": _time(one.at), "queued_at": _time(one.queued_at)} for one in deliveries)]


async def _erase_told(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    return {"messages to webhooks": await places.outbox.erase(ids)}


async def _erase_in_store(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    """Profiles, events and those not taken go at once, and what lay about of them in files too: so this is the last."""
    for other in await parted(places.store, ids):
        await unlink(places.store, other, ids)
    return await places.store.erase(ids, now)


async def _nothing(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    return {}


PERSONAL_DATA = (
    PersonalData("page views", _views, _erase_views),
    PersonalData("messages to webhooks", _told, _erase_told),
    PersonalData("profiles", _profiles, _nothing),
    PersonalData("events not taken", _not_taken, _nothing),
    PersonalData("events", _events, _erase_in_store),
)


# -- as plain values


def _profile(profile: Profile) -> Values:
    joined = [{"id": id, **_named(link)} for id, link in sorted(profile.links.items())]
    return {
        "id": profile.visitor_id,
        "attributes": traits_of(profile.attributes),
        "segments": sorted(profile.segments),
        "joined": joined,
        "written_at": _time(profile.updated_at),
    }


def _event(arrival: Arrival) -> Values:
    event = arrival.event
    return {
        "visitor": arrival.visitor_id,
        "device": arrival.via,
        "id": event.id,
        "at": _time(event.at),
        "kind": event.kind,
        "subject": event.subject,
        "products": [_named(item) for item in event.items],
        "shown": list(event.shown),
        "value": event.value,
        "source": arrival.source,
        "received_at": _time(arrival.received_at),
        "traits": arrival.traits,
        "segments": list(arrival.segments),
        "details": arrival.details,
    }


def _view(view: View) -> Values:
    values: Values = msgspec.to_builtins(view)
    return {**values, "at": _time(view.at)}


def _named(struct: msgspec.Struct) -> Values:
    """A struct as a dict of its fields, even one that is stored as an array."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
