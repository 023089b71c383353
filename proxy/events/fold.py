"""What events change: a visitor's profile and events go in, the new profile comes out.

A history is a set of events by id, in order, of which the newest of each class are kept. For an attribute the latest
event counts, and an import is the latest for all of them, unless a merge rule says otherwise (`audience/merging.py`).
So neither order, nor repetition, nor the number of steps makes a difference: late events need no care, two workers
cannot disagree, and a rebuilt profile is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import compress, count, islice, pairwise
from operator import attrgetter, or_

from proxy.audience.consent import LEVEL
from proxy.audience.identity import IMPORTED, LINKING, with_link
from proxy.audience.merging import NO_RULES, Merge, Rules, StampedValue, merge_values
from proxy.audience.outside import MEMBERSHIP, memberships_after, segments_of
from proxy.events.types import BY_KIND, MOST, EventClass, class_of, classes_of
from proxy.model import Arrival, AttributeValue, Event, Membership, PackedEvent, Profile, Stamp

Values = dict[str, AttributeValue]
ID, KIND, STAMP, SHOWN = attrgetter("id"), attrgetter("kind"), attrgetter("at", "id"), attrgetter("shown")
REMEMBERED = frozenset(kind for kind in BY_KIND if class_of(kind) is not EventClass.NONE)
OF_CLASS = {one: frozenset(kind for kind in BY_KIND if class_of(kind) is one) for one in MOST}

BEYOND_HISTORY = frozenset((IMPORTED, *LINKING, *MEMBERSHIP))
MAX_ATTRIBUTES = 100
"""The attributes of one visitor that events set most recently; those set before are forgotten."""


def fold(
    profile: Profile | None, arrivals: Sequence[Arrival], rules: Rules = NO_RULES, *, of_one_log: bool = False
) -> Profile:
    """The profile after these events (at least one) of its visitor; it may be None before. Events without attributes
    need no `rules`; events `of_one_log`, the profile's own, are folded faster."""
    known = Profile(arrivals[0].visitor_id) if profile is None else profile
    for arrival in arrivals:
        if not is_history_only(arrival):
            known = _beyond_history(known, arrival, rules)
    # Written out: `replace` takes as long as all of the above.
    return Profile(
        known.visitor_id,
        known.attributes,
        known.segments,
        max(known.updated_at, *[arrival.received_at for arrival in arrivals]),
        merged(known.history, [arrival.event for arrival in arrivals], of_one_log=of_one_log),
        known.bucket_key,
        known.stamps,
        known.imported,
        known.hidden,
        known.links,
        known.from_devices,
        known.listed,
        known.outside,
    )


def is_history_only(arrival: Arrival | PackedEvent) -> bool:
    """Whether the arrival changes only the history."""
    return isinstance(arrival, PackedEvent) or (not arrival.traits and arrival.event.kind not in BEYOND_HISTORY)


def _beyond_history(known: Profile, arrival: Arrival, rules: Rules) -> Profile:
    rules = {LEVEL: Merge.NEWEST, **rules}  # an import that does not say it must not take back what a visitor refused
    if arrival.event.kind == IMPORTED:
        return _imported(known, arrival, rules)
    if arrival.event.kind in LINKING:
        known = _linked(known, arrival)
    elif arrival.event.kind in MEMBERSHIP:
        known = _in_segments(known, known.listed, known.imported, memberships_after(known.outside, arrival))
    return _with_attributes(known, arrival, values_of(arrival.traits), rules) if arrival.traits else known


def in_order(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """The events in the order of histories, in which they are folded fastest."""
    return sorted(arrivals, key=stamp_of)


def merged(history: Sequence[Event], more: Iterable[Event], *, of_one_log: bool = False) -> tuple[Event, ...]:
    """The history (made by this function) with more events: of two with one id the later, of each class the newest.
    Events `of_one_log` have one time for each id, so an event later than the whole history is not in it."""
    news = [event for event in more if event.kind in REMEMBERED]
    in_order = (*history, *news) if _are_newest(news, history, of_one_log) else _united(history, news)
    return in_order if len(in_order) <= min(MOST.values()) else _newest(in_order)


def _are_newest(news: Sequence[Event], history: Sequence[Event], of_one_log: bool) -> bool:
    """Whether they come after the whole history, in order, and are not in it: the usual case."""
    if of_one_log and len(news) == 1:
        return not history or STAMP(history[-1]) < STAMP(news[0])
    stamps = list(map(STAMP, (*history[-1:], *news)))
    if not all(before < after for before, after in pairwise(stamps)):
        return False
    ids = set(map(ID, news))
    return of_one_log or (len(ids) == len(news) and ids.isdisjoint(map(ID, history)))


def _united(history: Sequence[Event], news: Iterable[Event]) -> tuple[Event, ...]:
    """All events, in order."""
    events = {event.id: event for event in history}
    for event in news:
        known = events.get(event.id)
        if known is None or event > known:
            events[event.id] = event
    return tuple(sorted(events.values(), key=STAMP))


def _newest(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Of each class the newest of these, which are in order. An event goes when it is too old for all its classes."""
    begins = _beginnings(events)
    mixed = events[: max(begins.values())]
    # From here on everything stays for its own class alone, whatever it showed: nearly always all that need be known.
    own = max((begins.get(class_of(kind), 0) for kind in set(map(KIND, mixed))), default=0)
    old = [event for at, event in enumerate(mixed[:own]) if any(at >= begins[one] for one in classes_of(event))]
    return (*old, *events[own:])


def _beginnings(events: tuple[Event, ...]) -> dict[EventClass, int]:
    """The index in these sorted events at which the newest of each class begin."""
    begins = dict.fromkeys(MOST, 0)
    kinds = list(map(KIND, events))
    for one, most in MOST.items():
        if len(events) > most:
            is_in = map(OF_CLASS[one].__contains__, reversed(kinds))
            if one is EventClass.EXPOSURE:
                is_in = map(or_, is_in, map(bool, map(SHOWN, reversed(events))))
            begins[one] = next(islice(compress(count(len(events) - 1, -1), is_in), most - 1, None), 0)
    return begins


def stamp_of(arrival: Arrival) -> Stamp:
    """The time and the event id of an arrival's attributes."""
    return arrival.event.at, arrival.event.id


def _linked(profile: Profile, arrival: Arrival) -> Profile:
    """The bucket key of a person: that of their first device, so that chance decides as before."""
    after = replace(profile, links=with_link(profile, arrival))
    eldest = min(((link.began_at, id, link.bucket_key) for id, link in after.devices.items()), default=None)
    return replace(after, bucket_key=eldest[2]) if eldest else after


def _with_attributes(profile: Profile, arrival: Arrival, traits: Values, rules: Rules) -> Profile:
    """The profile with the arrival's attributes."""
    stamp, is_own = stamp_of(arrival), not arrival.via
    values = {name: profile.attributes[name] for name in profile.stamps}
    stamps, from_devices = dict(profile.stamps), set(profile.from_devices)
    for name, value in traits.items():
        rule = rules.get(name, Merge.NEWEST)
        known = StampedValue(stamps[name], values[name], name not in from_devices) if name in stamps else None
        if name not in rules and stamp <= profile.imported:
            continue  # the import set it last
        newer = merge_values(rule, StampedValue(stamp, value, is_own), known)
        values[name], stamps[name] = newer.value, newer.stamp
        if rule is Merge.OWN and not newer.is_own:
            from_devices.add(name)
        else:
            from_devices.discard(name)
    imported = {name: value for name, value in profile.attributes.items() if name not in profile.stamps}
    imported |= profile.hidden
    profile = replace(profile, from_devices=frozenset(from_devices))
    return _joined(profile, imported=imported, values=values, stamps=stamps, rules=rules)


def _imported(profile: Profile, arrival: Arrival, rules: Rules) -> Profile:
    """The profile with an import; for attributes with a merge rule, it is one source among others."""
    stamp, traits = stamp_of(arrival), values_of(arrival.traits)
    if not rules.keys().isdisjoint(traits):
        ruled = {name: traits[name] for name in traits.keys() & rules.keys()}
        profile = _with_attributes(profile, arrival, ruled, rules)
    if stamp <= profile.imported:
        return profile
    stamps = {name: when for name, when in profile.stamps.items() if when > stamp or name in rules}
    values = {name: profile.attributes[name] for name in stamps}
    key = str(arrival.details.get("bucket key", "")) or profile.bucket_key
    profile = _in_segments(profile, frozenset(arrival.segments), stamp, profile.outside)
    profile = replace(profile, bucket_key=key, imported=stamp)
    return _joined(profile, imported=traits, values=values, stamps=stamps, rules=rules)


def _in_segments(
    profile: Profile, listed: frozenset[str], imported: Stamp, outside: Mapping[str, Membership]
) -> Profile:
    segments = segments_of(listed, imported, outside)
    return replace(profile, segments=segments, listed=listed, outside=outside)


def _joined(profile: Profile, *, imported: Values, values: Values, stamps: dict[str, Stamp], rules: Rules) -> Profile:
    """The profile whose attributes are those of an import and, before them, what events set: of what has a rule all,
    of the rest the newest."""
    ruled = {name: when for name, when in stamps.items() if name in rules}
    free = sorted(((when, name) for name, when in stamps.items() if name not in rules), reverse=True)[:MAX_ATTRIBUTES]
    kept = ruled | {name: when for when, name in free}
    values = {name: values[name] for name in kept}
    hidden = {name: value for name, value in imported.items() if name in kept}
    return replace(profile, attributes=imported | values, stamps=kept, hidden=hidden)


def values_of(traits: Mapping[str, str | float | bool | list[str]]) -> Values:
    """Traits as attributes: a list is a set."""
    return {name: frozenset(value) if isinstance(value, list) else value for name, value in traits.items()}
