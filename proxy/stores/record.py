"""Profiles, arrivals and refused events as bytes in a store: one msgpack value each.

The visitor id is part of the value and checked when it is read, so that an answer meant for another read, or a value
copied under a wrong key, is never taken for this visitor's. Equal profiles are equal bytes.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from proxy.audience.identity import IMPORTED
from proxy.audience.outside import segments_of
from proxy.errors import UNDECODABLE, DamagedValueError, StoreError
from proxy.events.fold import values_of
from proxy.model import Arrival, AttributeValue, Event, Item, Link, Membership, PackedEvent, Profile, Stamp
from proxy.ports import Refused
from proxy.stores.packed_views import NOTHING, event_of_view, joined, read

log = logging.getLogger("tailorbird.stores")

MAX_BYTES = 32 * 1024 * 1024
"""No value is longer: a history of the most orders, each of the most items, all names of the most and longest letters,
fits."""
MAX_SAID_BYTES = 64 * 1024
"""What an import may say of one visitor."""

FORMAT = 2
Trait = str | float | bool | list[str]


class Record(msgspec.Struct, array_like=True, frozen=True):
    """The stored form of a profile: see `model.Profile` for the fields.

    `segments` are those an import listed, `imported` its stamp; `from_events` holds time, event id and value of each
    attribute that events set.
    """

    format: int
    visitor_id: str
    imported: Stamp
    attributes: dict[str, Trait]
    segments: list[str]
    from_events: dict[str, tuple[float, str, Trait]]
    updated_at: float
    history: tuple[Event, ...]
    bucket_key: str
    links: dict[str, Link] = {}
    from_devices: list[str] = []
    outside: dict[str, Membership] = {}


class Came(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an arrival begins with, for who wants to know whose it is and when it was received."""

    visitor_id: str
    event: msgspec.Raw
    source: str
    received_at: float


class VisitorOnly(msgspec.Struct, array_like=True, frozen=True):
    """What an arrival begins with."""

    visitor_id: str


class Happened(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an arrival begins with, for who wants no more than what happened and when that was received."""

    visitor_id: msgspec.Raw
    event: Event
    source: msgspec.Raw
    received_at: float


_encoder = msgspec.msgpack.Encoder(order="sorted")
_FIELDS = _encoder.encode([None] * len(Record.__struct_fields__))[: -len(Record.__struct_fields__)]
_visitor_decoder = msgspec.msgpack.Decoder(VisitorOnly)
_came_decoder = msgspec.msgpack.Decoder(list[Came])
_decoder = msgspec.msgpack.Decoder(Record)
_refused_decoder = msgspec.msgpack.Decoder(Refused)
_arrival_decoder = msgspec.msgpack.Decoder(Arrival)
_happened_decoder = msgspec.msgpack.Decoder(Happened)
_arrivals_decoder = msgspec.msgpack.Decoder(list[Arrival])


def packed(profile: Profile) -> bytes:
    """The value to store. Raises `StoreError` when it is larger than any may be."""
    traits = traits_of(profile.attributes)
    before = {name: value for name, value in traits.items() if name not in profile.stamps}
    value = _encoder.encode(
        Record(
            FORMAT,
            profile.visitor_id,
            profile.imported,
            before | traits_of(profile.hidden),
            sorted(profile.listed),
            {name: (*stamp, traits[name]) for name, stamp in profile.stamps.items()},
            profile.updated_at,
            profile.history,
            profile.bucket_key,
            dict(profile.links),
            sorted(profile.from_devices),
            dict(profile.outside),
        )
    )
    if len(value) > MAX_BYTES:
        raise StoreError(f"a profile is {len(value)} bytes, more than {MAX_BYTES}", help="leave out what no rule asks")
    return value


def head_of(visitor_id: str) -> bytes:
    """The bytes that every stored profile of this visitor begins with."""
    return _FIELDS + _encoder.encode(FORMAT) + _encoder.encode(visitor_id)


def unpacked(value: bytes, visitor_id: str) -> Profile:
    """The profile in a stored value. Raises `DamagedValueError` when it is not one, or another visitor's."""
    if len(value) > MAX_BYTES:
        raise DamagedValueError("a stored profile is too large to be one", help="rebuild it from the log")
    try:
        record = _decoder.decode(value)
    except UNDECODABLE:
        raise DamagedValueError("a stored profile cannot be read", help="rebuild it from the log") from None
    if record.format != FORMAT or record.visitor_id != visitor_id:
        raise DamagedValueError("a stored profile is of another visitor or format", help="rebuild it from the log")
    before = values_of(record.attributes)
    return Profile(
        visitor_id,
        before | values_of({name: value for name, (_, _, value) in record.from_events.items()}),
        segments_of(record.segments, record.imported, record.outside),
        record.updated_at,
        record.history,
        record.bucket_key,
        stamps={name: (at, id) for name, (at, id, _) in record.from_events.items()},
        imported=record.imported,
        hidden={name: value for name, value in before.items() if name in record.from_events},
        links=record.links,
        from_devices=frozenset(record.from_devices),
        listed=frozenset(record.segments),
        outside=record.outside,
    )


def traits_of(attributes: Mapping[str, AttributeValue]) -> dict[str, Trait]:
    """Attributes as events carry them: a set is a sorted list."""
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in attributes.items()}


# -- arrivals


def packed_arrival(arrival: Arrival) -> bytes:
    """The value to log."""
    return _encoder.encode(arrival)


def unpacked_arrival(value: bytes) -> Arrival:
    """The arrival in a logged value. Raises `DamagedValueError` when it is not one."""
    return read(_arrival_decoder, value)


def unpacked_visitor_id(value: bytes) -> str:
    """The visitor of the arrival in a logged value. Raises `DamagedValueError` when it is not one."""
    return read(_visitor_decoder, value).visitor_id


def came_before(values: Iterable[bytes], moment: float) -> set[str]:
    """The visitors of those logged values that can be read and came before that moment."""
    some = list(values)
    try:
        came = read(_came_decoder, b"\xdd" + len(some).to_bytes(4, "big") + b"".join(some))
    except DamagedValueError:
        half = len(some) // 2  # until the damaged one is alone
        return came_before(some[:half], moment) | came_before(some[half:], moment) if half else set()
    return {one.visitor_id for one in came if one.received_at < moment}


def unpacked_arrivals(values: bytes, many: int) -> list[Arrival]:
    """So many arrivals, packed one after the other. Raises `DamagedValueError` when one of them is none."""
    return read(_arrivals_decoder, b"\xdd" + many.to_bytes(4, "big") + values)


def readable(values: Iterable[bytes]) -> list[Arrival | None]:
    """The arrival of each; None for what is none."""
    found: list[Arrival | None] = []
    for value in values:
        try:
            found.append(unpacked_arrival(value))
        except DamagedValueError:
            found.append(None)
    return found


def undamaged(values: Iterable[bytes]) -> list[Arrival]:
    """The arrivals that can be read."""
    found = readable(values)
    whole = [one for one in found if one is not None]
    if len(whole) < len(found):
        log.warning("%d damaged events are left out", len(found) - len(whole))
    return whole


Told = tuple[float, str, str, str, tuple[Item, ...], float, msgspec.Raw | tuple[str, ...]]
"""The fields of an event; which rules' banners were shown may be packed."""
_NO_TRAITS: dict[str, str] = {}
_NOBODY = "", ""


def packed_event(visitor_id: str, source: str, event: Told, details: msgspec.Raw = NOTHING) -> PackedEvent:
    """A packed arrival of this visitor."""
    arrival = visitor_id, event, source, event[0], _NO_TRAITS, (), details, "", _NOBODY
    return PackedEvent(visitor_id, event[2], _encoder.encode(arrival))


def packed_event_of(arrival: Arrival) -> PackedEvent:
    """The arrival, packed."""
    return PackedEvent(arrival.visitor_id, arrival.event.kind, packed_arrival(arrival), arrival.via)


def event_of(arrival: Arrival | PackedEvent) -> Event:
    """What happened. Raises `DamagedValueError`."""
    if isinstance(arrival, Arrival):
        return arrival.event
    if arrival.shared_bytes:
        return event_of_view(arrival.own_bytes, arrival.shared_bytes)
    return read(_happened_decoder, arrival.own_bytes).event


def as_remembered(arrival: Arrival | PackedEvent) -> Arrival:
    """The part of an event that a profile keeps. Raises `DamagedValueError`."""
    if isinstance(arrival, Arrival):
        return arrival
    if arrival.shared_bytes:
        event = event_of_view(arrival.own_bytes, arrival.shared_bytes)
        return Arrival(arrival.visitor_id, event, "", event.at)
    happened = read(_happened_decoder, arrival.own_bytes)
    return Arrival(arrival.visitor_id, happened.event, "", happened.received_at)


def arrivals_of(arrivals: Iterable[Arrival | PackedEvent]) -> list[Arrival]:
    """All of them as arrivals. Raises `DamagedValueError`."""
    return [
        unpacked_arrival(joined(one.own_bytes, one.shared_bytes)) if isinstance(one, PackedEvent) else one
        for one in arrivals
    ]


# -- what was not taken


def packed_refused(refused: Refused) -> bytes:
    """The value to keep."""
    return _encoder.encode(refused)


def unpacked_refused(value: bytes) -> Refused:
    """What was kept. Raises `DamagedValueError` when it is none."""
    return read(_refused_decoder, value)


# -- imports


def import_of(profile: Profile, known: Profile | None) -> Arrival | None:
    """The import of `profile` as an event later than every import before; None when the last one had the same content.
    Raises `StoreError` when it is too large."""
    traits, segments = traits_of(profile.attributes), tuple(sorted(profile.segments))
    details: dict[str, str | float | bool] = {"bucket key": profile.bucket_key} if profile.bucket_key else {}
    said = _encoder.encode((traits, segments, details))
    if len(said) > MAX_SAID_BYTES:
        what = f"the profile of `{profile.visitor_id}` is {len(said)} bytes, more than {MAX_SAID_BYTES}"
        raise StoreError(what, help="leave out what no rule asks for")
    digest = hashlib.sha256(said).hexdigest()[:16]
    at, last = known.imported if known is not None else (0.0, "")
    _, _, last_digest = last.rpartition(":")
    if digest == last_digest:
        return None
    number = int(last.split(":")[1]) + 1 if last else 1
    event = Event(max(at, profile.updated_at), f"import:{number:06d}:{digest}", IMPORTED)
    return Arrival(profile.visitor_id, event, "import", profile.updated_at, traits, segments, details)


# -- Whose an event is that was not taken. Mostly that was told when it was refused; but some are kept as they were
# sent, though they cannot be read, or name a second visitor. There an id counts where it stands as ids do: as a whole
# text (`"1042"`), a parameter (`uid=1042`), or the number of a member that is called an id (`"userId": 1042`). An order
# of 1042 dollars is not the visitor 1042's.


def theirs(visitor_ids: Collection[str]) -> Callable[[Refused], bool]:
    """Whether an event that was refused is one of these visitors', or names one."""
    ids = frozenset(visitor_ids)
    any_id = b"|".join(re.escape(visitor_id.encode()) for visitor_id in sorted(ids)) or rb"(?!)"
    names = re.compile(rb'"(?:%b)["\\]|=(?:%b)(?=[&"\s]|\Z)|(?i:id)"\s*:\s*(?:%b)(?=[\s,}\]])' % ((any_id,) * 3))
    return lambda one: one.visitor_id in ids or names.search(one.payload) is not None
