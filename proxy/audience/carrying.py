"""Carrying a reading on over one more event, without the history: what most readings need of it is what was read
before, and when that was.

Its law: carried on over an event, a reading is what would be read off the history with that event in it. What only the
history can tell is None: it is to be read again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from proxy.audience.impressions import matches_kinds
from proxy.audience.measures import DaysSince, Read, Value, all_of, values_of
from proxy.audience.windows import VISIT_PAUSE_SECONDS, leaves
from proxy.conditions.values import is_number
from proxy.model import Event, Measure, Reading


def carried(measure: Measure, known: Read, event: Event, *, is_alone: bool) -> Read | None:
    """The reading with an event in it that counts, or follows what counts, and comes after all that was read;
    `is_alone` when nothing else happened at its moment. What was read must hold at that moment."""
    at, then = event.at, measure.then
    if measure.grades or not known.read_at <= at < known.holds_until:
        return None
    if then is not None and (not then.wanted or not is_alone or matches_kinds(event, then.kinds)):
        return None
    if of_visits := _OF_VISITS.get(measure.reading):
        return of_visits(measure, known, at)
    carry = _OF_EVENTS.get(measure.reading)
    if carry is None:
        return None
    if then is not None:  # it counts once it was followed
        return known
    told, until = carry(measure, known.told, event), leaves(measure, at)
    return Read(told, at, until if until < known.holds_until else known.holds_until)


def _count(measure: Measure, told: Value, event: Event) -> Value:
    return told + 1.0 if is_number(told) else told


def _since_latest(measure: Measure, told: Value, event: Event) -> Value:
    return DaysSince(event.at)


def _since_first(measure: Measure, told: Value, event: Event) -> Value:
    return DaysSince(event.at) if told is None else told


def _latest(measure: Measure, told: Value, event: Event) -> Value:
    return next(iter(values_of(measure, event)), None)


def _set(measure: Measure, told: Value, event: Event) -> Value:
    more = all_of(measure.of, values_of(measure, event))
    return told | more if isinstance(told, frozenset) else more


def _visits(measure: Measure, known: Read, at: float) -> Read:
    if at < known.last_at + VISIT_PAUSE_SECONDS:
        return Read(known.told, at, known.holds_until, at)
    told = known.told + 1.0 if is_number(known.told) else known.told
    return Read(told, at, min(known.holds_until, leaves(measure, at)), at)


def _since_visit(measure: Measure, known: Read, at: float) -> Read:
    told, before = known.told, known.last_at
    if at >= before + VISIT_PAUSE_SECONDS and before > -inf:
        told = DaysSince(before)
    return Read(told, at, at + VISIT_PAUSE_SECONDS, at)


_OF_EVENTS: dict[Reading, Callable[[Measure, Value, Event], Value]] = {
    Reading.COUNT: _count,
    Reading.DAYS_SINCE: _since_latest,
    Reading.DAYS_SINCE_FIRST: _since_first,
    Reading.LATEST: _latest,
    Reading.SET: _set,
}
_OF_VISITS: dict[Reading, Callable[[Measure, Read, float], Read]] = {
    Reading.VISITS: _visits,
    Reading.DAYS_SINCE_VISIT: _since_visit,
}
