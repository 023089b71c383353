"""The value of a measure after one more event, calculated from its value before, without the history.

It is the value that the history with that event in it would give. Where only the history can tell it is None: the
measure is to be read again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from proxy.audience.impressions import matches_kinds
from proxy.audience.measures import DaysSince, Measured, Value, all_of, values_of
from proxy.audience.windows import VISIT_PAUSE_SECONDS, leaves
from proxy.conditions.values import is_number
from proxy.model import Event, Measure, Reading


def updated(measure: Measure, known: Measured, event: Event, *, is_alone: bool) -> Measured | None:
    """The value with an event in it that counts, or follows what counts, and is newer than all that was read;
    `is_alone` when nothing else happened at its moment. The known value must hold at that moment."""
    at, then = event.at, measure.then
    if measure.grades or not known.read_at <= at < known.holds_until:
        return None
    if then is not None and (not then.wanted or not is_alone or matches_kinds(event, then.kinds)):
        return None
    if of_visits := _OF_VISITS.get(measure.reading):
        return of_visits(measure, known, at)
    of_events = _OF_EVENTS.get(measure.reading)
    if of_events is None:
        return None
    if then is not None:  # it counts once it was followed
        return known
    result, until = of_events(measure, known.result, event), leaves(measure, at)
    return Measured(result, at, until if until < known.holds_until else known.holds_until)


def _count(measure: Measure, before: Value, event: Event) -> Value:
    return before + 1.0 if is_number(before) else before


def _since_latest(measure: Measure, before: Value, event: Event) -> Value:
    return DaysSince(event.at)


def _since_first(measure: Measure, before: Value, event: Event) -> Value:
    return DaysSince(event.at) if before is None else before


def _latest(measure: Measure, before: Value, event: Event) -> Value:
    return next(iter(values_of(measure, event)), None)


def _set(measure: Measure, before: Value, event: Event) -> Value:
    more = all_of(measure.of, values_of(measure, event))
    return before | more if isinstance(before, frozenset) else more


def _visits(measure: Measure, known: Measured, at: float) -> Measured:
    if at < known.last_at + VISIT_PAUSE_SECONDS:
        return Measured(known.result, at, known.holds_until, at)
    count = known.result + 1.0 if is_number(known.result) else known.result
    return Measured(count, at, min(known.holds_until, leaves(measure, at)), at)


def _since_visit(measure: Measure, known: Measured, at: float) -> Measured:
    result, last_at = known.result, known.last_at
    if at >= last_at + VISIT_PAUSE_SECONDS and last_at > -inf:
        result = DaysSince(last_at)
    return Measured(result, at, at + VISIT_PAUSE_SECONDS, at)


_OF_EVENTS: dict[Reading, Callable[[Measure, Value, Event], Value]] = {
    Reading.COUNT: _count,
    Reading.DAYS_SINCE: _since_latest,
    Reading.DAYS_SINCE_FIRST: _since_first,
    Reading.LATEST: _latest,
    Reading.SET: _set,
}
_OF_VISITS: dict[Reading, Callable[[Measure, Measured, float], Measured]] = {
    Reading.VISITS: _visits,
    Reading.DAYS_SINCE_VISIT: _since_visit,
}
