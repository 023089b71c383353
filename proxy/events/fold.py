"""What events change: a visitor's profile and events go in, the profile as it is then comes out.

A history is a set of events by id, in order, of which the newest of each class are kept. Of what is told about an
attribute the latest word counts; an import is the latest word on all of them. So it makes no difference in which order
events come, how often, or in how many steps they are folded: late events need no care, two workers cannot disagree, and
a profile made anew from the log is the same profile to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from proxy.audience.identity import IMPORTED, JOINED, PARTED, linked
from proxy.events.types import MOST, Class, class_of
from proxy.model import Arrival, Attributes, AttributeValue, Event, Profile, Stamp

Values = dict[str, AttributeValue]

MAX_TOLD = 100
"""The attributes of one visitor that events told most recently; what was told before is forgotten."""


def fold(profile: Profile | None, arrivals: Sequence[Arrival]) -> Profile:
    """The profile after these events of its visitor; None when there was none before. Needs at least one event."""
    known = Profile(arrivals[0].visitor_id) if profile is None else profile
    for arrival in arrivals:
        if arrival.event.kind == IMPORTED:
            known = _imported(known, arrival)
        elif arrival.event.kind in (JOINED, PARTED):
            known = _linked(known, arrival)
        elif arrival.traits:
            known = _told(known, arrival)
    return replace(
        known,
        history=merged(known.history, [arrival.event for arrival in arrivals]),
        updated_at=max(known.updated_at, *(arrival.received_at for arrival in arrivals)),
    )


def merged(history: Sequence[Event], more: Iterable[Event]) -> tuple[Event, ...]:
    """The history, as this function made it, with more events in it: of two with one id the later, of each class the
    newest."""
    events = {event.id: event for event in history}
    for event in more:
        known = events.get(event.id)
        if class_of(event.kind) is not Class.NONE and (known is None or event > known):
            events[event.id] = event
    in_order = sorted(events.values())
    return tuple(in_order if len(in_order) <= min(MOST.values()) else _newest(in_order))


def _newest(events: list[Event]) -> Iterable[Event]:
    """Of each class the newest of these, which are in order."""
    counts = dict.fromkeys(MOST, 0)
    kept = []
    for event in reversed(events):
        of_class = class_of(event.kind)
        if counts.get(of_class, 0) < MOST.get(of_class, 0):
            counts[of_class] += 1
            kept.append(event)
    return reversed(kept)


def stamp_of(arrival: Arrival) -> Stamp:
    """When it was said, and by what."""
    return arrival.event.at, arrival.event.id


def _linked(profile: Profile, arrival: Arrival) -> Profile:
    """Chance goes on drawing a person by what it drew the first of their devices by."""
    after = replace(profile, links=linked(profile, arrival))
    eldest = min(((link.began_at, id, link.bucket_key) for id, link in after.devices.items()), default=None)
    return replace(after, bucket_key=eldest[2]) if eldest else after


def _told(profile: Profile, arrival: Arrival) -> Profile:
    stamp = stamp_of(arrival)
    news = {name: value for name, value in arrival.traits.items() if stamp > profile.told.get(name, profile.imported)}
    said = {name: profile.attributes[name] for name in profile.told}
    return _of(
        profile,
        before=_without(profile.attributes, profile.told) | dict(profile.hidden),
        said=said | values_of(news),
        told=dict(profile.told) | dict.fromkeys(news, stamp),
    )


def _imported(profile: Profile, arrival: Arrival) -> Profile:
    stamp = stamp_of(arrival)
    if stamp <= profile.imported:
        return profile
    told = {name: when for name, when in profile.told.items() if when > stamp}
    said = {name: profile.attributes[name] for name in told}
    segments, key = frozenset(arrival.segments), str(arrival.details.get("bucket key", ""))
    imported = replace(profile, segments=segments, bucket_key=key or profile.bucket_key, imported=stamp)
    return _of(imported, before=values_of(arrival.traits), said=said, told=told)


def _of(profile: Profile, *, before: Values, said: Values, told: dict[str, Stamp]) -> Profile:
    """The profile whose attributes are those of an import and, before them, the newest of what events said."""
    newest = dict(sorted(told.items(), key=lambda item: (item[1], item[0]), reverse=True)[:MAX_TOLD])
    said = {name: said[name] for name in newest}
    hidden = {name: value for name, value in before.items() if name in newest}
    return replace(profile, attributes=before | said, told=newest, hidden=hidden)


def values_of(traits: Mapping[str, str | float | bool | list[str]]) -> Values:
    """Traits as attributes: a list is a set."""
    return {name: frozenset(value) if isinstance(value, list) else value for name, value in traits.items()}


def _without(attributes: Attributes, names: Iterable[str]) -> Values:
    gone = set(names)
    return {name: value for name, value in attributes.items() if name not in gone}
