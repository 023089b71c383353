"""All that is kept of visitors, one row a place: how it is exported, and how it is erased. What keeps something of a
visitor and is not here would be left behind, so whoever adds such a place adds its row.

Erasing goes by person: all ids that were joined, none that was parted; but of who was, no page view is kept that may
tell what was the other's, and no word of the joining. The receipt says how much was erased of what,
and how much a second look still found.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from math import inf
from typing import Any, NamedTuple

import msgspec

from proxy.conditions.localtime import iso_time
from proxy.errors import StoreError
from proxy.model import Arrival, Delivery, Profile, View
from proxy.ports import Outbox, Refused, Store, ViewLog
from proxy.stores.joining import part, parted, unlink, whole
from proxy.stores.record import theirs, traits_of
from proxy.stores.tombstones import is_erased

Values = dict[str, object]
EVERY_VIEW = 1_000_000_000
LATER = "`tailorbird expire` writes the file anew, once for all who were erased before it"


class Places(NamedTuple):
    """Everything that keeps something of visitors: the store, the recorded views, the outbox."""

    store: Store
    views: ViewLog
    outbox: Outbox


class PersonalData(NamedTuple):
    """A kind of data kept of visitors: its name, how it is found, how each piece is exported, whether one is from
    before that moment, and how all is erased (which returns how much, by kind)."""

    name: str
    find: Callable[[Places, Collection[str]], Awaitable[list[Any]]]
    exported: Callable[[Any], Values]
    is_from_before: Callable[[Any, float], bool]
    erase: Callable[[Places, Collection[str], float], Awaitable[Mapping[str, int]]]


class ReportedSegment(NamedTuple):
    """A segment that a webhook was told a visitor is in."""

    visitor: str
    webhook: str
    segment: str
    since: float


class Receipt(msgspec.Struct, frozen=True):
    """What was erased, of how many ids, and when; `left` is what a second look still found of before, which should be
    nothing. `not_overwritten` says why bytes of it may still lie in a file, and what to do; "" when none do. They may
    lie there, too, while the `overwriting` is left to what it names."""

    visitor: str
    ids: int
    at: str
    erased: dict[str, int]
    left: dict[str, int]
    not_overwritten: str = ""
    overwriting: str = ""

    @property
    def is_whole(self) -> bool:
        """Nothing was left behind."""
        return not any(self.left.values()) and not self.not_overwritten


async def exported(places: Places, visitor_id: str) -> Values:
    """All that is kept of the person a visitor is, as plain JSON values."""
    ids = await whole(places.store, visitor_id)
    found = {one.name: [one.exported(piece) for piece in await one.find(places, ids)] for one in PERSONAL_DATA}
    return {"ids": list(ids), **found}


async def erased(places: Places, visitor_id: str, now: float) -> Receipt:
    """Erases the person a visitor is."""
    (receipt,) = await all_erased(places, [visitor_id], lambda: now)
    return receipt


async def all_erased(places: Places, visitor_ids: Iterable[str], clock: Callable[[], float]) -> list[Receipt]:
    """Erases the persons that some visitors are; a file is overwritten once for all."""
    receipts = [await _erased(places, visitor_id, clock()) for visitor_id in visitor_ids]
    why_not, later = "", ""
    try:
        later = "" if await places.store.scrub() else LATER
    except StoreError as error:
        why_not = str(error)  # they are erased all the same
    return [msgspec.structs.replace(receipt, not_overwritten=why_not, overwriting=later) for receipt in receipts]


async def _erased(places: Places, visitor_id: str, now: float) -> Receipt:
    began = time.monotonic()
    ids = await _marked(places.store, visitor_id, now, began)
    gone = await _gone(places, ids, now)
    # Who finds out for webhooks what they entered may have read them meanwhile, and be about to say so: that is of
    # before this, and does not come in any more. What came in just now goes like all else.
    since = now + time.monotonic() - began
    await places.store.mark_erased(ids, since)
    left = await _left(places, ids, since)
    if any(left.values()):
        gone.update(await _gone(places, ids, since))
        left = await _left(places, ids, since)
    return Receipt(visitor_id, len(ids), iso_time(now), dict(gone), left)


async def _marked(store: Store, visitor_id: str, now: float, began: float) -> Collection[str]:
    """All ids of the person, each with its tombstone. One who is joined with another this very moment is that person
    already, or the join is refused: its events by the first tombstone, or else what it says of itself by the second."""
    marked: Collection[str] = ()
    ids = await whole(store, visitor_id)
    await store.mark_erased(ids, now)
    while set(ids).difference(marked):
        await store.mark_erased(ids, now + time.monotonic() - began)
        marked, ids = ids, tuple(dict.fromkeys([*ids, *await whole(store, visitor_id)]))
    return ids


async def _gone(places: Places, ids: Collection[str], now: float) -> Counter[str]:
    gone: Counter[str] = Counter()
    for kind in PERSONAL_DATA:
        gone.update(await kind.erase(places, ids, now))
    return gone


async def _left(places: Places, ids: Collection[str], since: float) -> dict[str, int]:
    """What is from before: what somebody does later is new, who goes on looking at pages is erased all the same."""
    return {
        kind.name: sum(kind.is_from_before(piece, since) for piece in await kind.find(places, ids))
        for kind in PERSONAL_DATA
    }


async def unmerged(places: Places, device_id: str, now: float) -> bool:
    """Undoes the join of a device, as `joining.part`; whether there was one. No page view is kept of any who were one:
    it tells of one what another did or said."""
    ids = await whole(places.store, device_id)
    done = await part(places.store, device_id, now)
    for visitor_id in {*ids, *done.changed} if not done.refusal else ():
        await places.views.erase_views(visitor_id)
    return not done.refusal


# -- the places


async def _profiles(places: Places, ids: Collection[str]) -> list[Profile]:
    found = [await places.store.get_profile(visitor_id) for visitor_id in ids]
    return [profile for profile in found if profile is not None]


async def _events(places: Places, ids: Collection[str]) -> list[Arrival]:
    return [arrival for visitor_id in ids for arrival in await places.store.log_of(visitor_id)]


async def _not_taken(places: Places, ids: Collection[str]) -> list[Refused]:
    return list(filter(theirs(ids), await places.store.refused()))


async def _views(places: Places, ids: Collection[str]) -> list[View]:
    return [view for view in await places.views.get_views(EVERY_VIEW) if view.visitor in ids]


async def _erase_views(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    all = [*ids, *await parted(places.store, ids)]
    return {"page views": sum([await places.views.erase_views(visitor_id) for visitor_id in all])}


async def _webhook_messages(places: Places, ids: Collection[str]) -> list[ReportedSegment | Delivery]:
    standings, deliveries = await places.outbox.stored_of(ids)
    told = [
        ReportedSegment(one.visitor_id, webhook, segment, since)
        for one in standings
        for webhook, segments in one.by_webhook.items()
        for segment, since in segments.items()
    ]
    return [*told, *deliveries]


async def _erase_webhook_messages(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    return {"messages to webhooks": await places.outbox.erase(ids)}


async def _erase_in_store(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    """Profiles, events and those not taken go at once."""
    for other in await parted(places.store, ids):
        await unlink(places.store, other, ids)
    return await places.store.erase(ids, now)


async def _nothing(places: Places, ids: Collection[str], now: float) -> Mapping[str, int]:
    return {}


# -- from before


def _is_old_profile(profile: Profile, moment: float) -> bool:
    return min(profile.updated_at, *(event.at for event in profile.history), inf) <= moment


def _is_old_message(one: ReportedSegment | Delivery, moment: float) -> bool:
    return (one.since if isinstance(one, ReportedSegment) else one.queued_at) <= moment


# -- as plain values


def _profile(profile: Profile) -> Values:
    joined = [{"id": id, **_named(link)} for id, link in sorted(profile.links.items())]
    return {
        "id": profile.visitor_id,
        "attributes": traits_of(profile.attributes),
        "segments": sorted(profile.segments),
        "joined": joined,
        "written_at": iso_time(profile.updated_at),
    }


def _event(arrival: Arrival) -> Values:
    event = arrival.event
    return {
        "visitor": arrival.visitor_id,
        "device": arrival.via,
        "id": event.id,
        "at": iso_time(event.at),
        "kind": event.kind,
        "subject": event.subject,
        "products": [_named(item) for item in event.items],
        "shown": list(event.shown),
        "value": event.value,
        "source": arrival.source,
        "received_at": iso_time(arrival.received_at),
        "traits": arrival.traits,
        "segments": list(arrival.segments),
        "details": arrival.details,
    }


def _refused(one: Refused) -> Values:
    return {
        "received_at": iso_time(one.received_at),
        "reason": one.reason,
        "sent": one.payload.decode("utf-8", "replace"),
    }


def _message(one: ReportedSegment | Delivery) -> Values:
    if isinstance(one, ReportedSegment):
        return {**one._asdict(), "since": iso_time(one.since)}
    return {**_named(one), "at": iso_time(one.at), "queued_at": iso_time(one.queued_at)}


def _view(view: View) -> Values:
    values: Values = msgspec.to_builtins(view)
    return {**values, "at": iso_time(view.at)}


def _named(struct: msgspec.Struct) -> Values:
    """A struct as a dict of its fields, even one that is stored as an array."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


PERSONAL_DATA = (
    PersonalData("page views", _views, _view, lambda view, moment: view.at <= moment, _erase_views),
    PersonalData("messages to webhooks", _webhook_messages, _message, _is_old_message, _erase_webhook_messages),
    PersonalData("profiles", _profiles, _profile, _is_old_profile, _nothing),
    PersonalData("events not taken", _not_taken, _refused, lambda one, moment: one.received_at <= moment, _nothing),
    PersonalData("events", _events, _event, is_erased, _erase_in_store),
)
