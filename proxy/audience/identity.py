"""Identity: a device's anonymous id is joined to the person who logged in on it; the join may be undone (unmerged).

A join is an event in two logs: in the person's it names the device, in the device's the person. What the device did
before is copied into the person's log under the same ids, and what it does from then on is logged there at once; so a
person's history is the union of what their devices did, in whatever order they joined, and however often. As every copy
names its device, a join can be undone. Ids that were unmerged are not joined again: somebody has decided that they are
two people. `stores/joining.py` applies what is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from proxy.model import Arrival, Event, Link, Profile

JOINED, PARTED = LINKING = "joined", "parted"
IMPORTED = "profile imported"
MOST_DEVICES = 50
MOST_DEVICES_A_WEEK = 5
WEEK_SECONDS = 7 * 86_400.0

NOBODY = re.compile(
    r"[0-]*|-1|null|none|nil|nan|undefined|unknown|anonymous|guest|object-object|\[object object\]|true|false",
    re.IGNORECASE,
)
"""What programs send for an id when they have none. Joined by it, everybody would be one person."""


def why_not_joined(device: Profile, person: Profile, now: float) -> str:
    """Why a device must not be joined to this person, in a word or two; "" if it may. `joined`: it is already."""
    if device.visitor_id == person.visitor_id:
        return "the same"
    if NOBODY.fullmatch(device.visitor_id) or NOBODY.fullmatch(person.visitor_id):
        return "nobody"
    link = device.links.get(person.visitor_id)
    if link is not None:
        return "parted" if link.is_parted else "joined"
    if device.alias:
        return "another person"  # a shared tablet: who came first keeps it
    if device.devices or device.imported != (0.0, ""):
        return "two persons"
    if person.alias:
        return "a device"
    lately = sum(link.at > now - WEEK_SECONDS for link in person.devices.values())
    return "too many devices" if lately >= MOST_DEVICES_A_WEEK or len(person.devices) >= MOST_DEVICES else ""


def first_seen(log: Sequence[Arrival], now: float) -> float:
    """When the visitor of this log was first seen."""
    return min((arrival.event.at for arrival in log), default=now)


def moved_to_person(log: Iterable[Arrival], person_id: str) -> list[Arrival]:
    """The part of a device's log that becomes the person's: all events but imports and joins, under the same ids."""
    kept = (arrival for arrival in log if arrival.event.kind not in (*LINKING, IMPORTED))
    return [msgspec.structs.replace(one, visitor_id=person_id, via=one.via or one.visitor_id) for one in kept]


def routed(arrival: Arrival, person_id: str) -> Arrival:
    """The arrival of a device as its person's; unchanged when the person is ""."""
    return next(iter(moved_to_person([arrival], person_id)), arrival) if person_id else arrival


def returned_to_device(log: Iterable[Arrival], device_id: str) -> list[Arrival]:
    """The part of a person's log that came from this device, under the device's id again."""
    own = (arrival for arrival in log if arrival.via == device_id)
    return [msgspec.structs.replace(arrival, visitor_id=device_id, via="") for arrival in own]


def join_events(device: Profile, person_id: str, began_at: float, now: float) -> tuple[Arrival, Arrival]:
    """The join, as an event of the person and one of the device."""
    key = device.bucket_key or device.visitor_id
    details: dict[str, str | float | bool] = {"role": "device", "bucket key": key, "began": began_at}
    return (
        _link_event(person_id, JOINED, device.visitor_id, now, details),
        _link_event(device.visitor_id, JOINED, person_id, now, {"role": "person"}),
    )


def unmerge_events(device_id: str, person_id: str, now: float) -> tuple[Arrival, Arrival]:
    """The end of a join, as an event of each of the two."""
    return _link_event(person_id, PARTED, device_id, now, {}), _link_event(device_id, PARTED, person_id, now, {})


def with_link(profile: Profile, arrival: Arrival) -> dict[str, Link]:
    """The profile's links after a join or its end. The earliest join counts; its end is final."""
    details, other = arrival.details, arrival.event.subject
    if arrival.event.kind == PARTED:
        link = profile.links.get(other, Link(arrival.event.at))
        return {**profile.links, other: msgspec.structs.replace(link, is_parted=True)}
    new = Link(
        arrival.event.at,
        details.get("role") == "device",
        False,
        str(details.get("bucket key", "")),
        float(details.get("began", 0.0) or 0.0),
    )
    known = profile.links.get(other)
    if known is not None:
        new = msgspec.structs.replace(min(known, new), is_parted=known.is_parted)
    return {**profile.links, other: new}


def _link_event(whose: str, kind: str, other: str, now: float, details: dict[str, str | float | bool]) -> Arrival:
    event = Event(now, f"{kind}:{other}", kind, other)
    return Arrival(whose, event, "identity", now, details=details)
