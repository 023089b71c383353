"""The value of a measure after one more event, calculated from its value before, without the history; and when the
history may have lost what it was read off.

It is the value that the history with that event in it would give. Where only the history can tell it is None: the
measure is to be read again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import floor, inf

from proxy.audience.impressions import BANNERS, MOST_ACTIONS, MOST_IMPRESSIONS, ORDERS, matches_kinds
from proxy.audience.measures import AT, DaysSince, Measured, Value, all_of, counted, values_of
from proxy.audience.tracked import Breaks
from proxy.audience.windows import VISIT_PAUSE_SECONDS, leaves, visits_of, window_of
from proxy.conditions.behaviours import BOUGHT
from proxy.conditions.values import is_number
from proxy.model import Event, Measure, Period, Reading


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


# -- For how long a history holds what a value was read off: it has the newest so many events of each class
# (`events/types.py`), so that one that comes may have the oldest lost. Calculation only; `readings.py` counts events.


def oldest(measure: Measure, known: Measured, history: Sequence[Event], now: float) -> int:
    """The place of the oldest event that may count, or decide what does."""
    if measure.reading is Reading.DAYS_SINCE_VISIT:  # the end of a visit, and that it is over
        result = known.result
        return bisect_left(history, result.at if isinstance(result, DaysSince) else known.last_at, key=AT)
    begins, past = 0, history[: bisect_right(history, now, key=AT)]
    if measure.reading in (Reading.CART, Reading.CART_TOTAL) and not measure.where:  # an order empties the cart
        begins = max((place for place, event in enumerate(past, 1) if event.kind == BOUGHT), default=0)
    window = window_of(measure, past, now)
    since = max(window.since, now - window.within - 1.0)
    kinds = None if measure.period is Period.VISIT else measure.kinds + (measure.then.kinds if measure.then else ())
    told = (
        place
        for place, event in enumerate(history[begins:], begins)
        if event.at >= since and (kinds is None or matches_kinds(event, kinds))
    )
    return next(told, len(history))


def least_that_counts(
    measure: Measure, known: Measured, history: Sequence[Event], now: float, breaks: Breaks
) -> int | None:
    """The place of the oldest event that is needed for a count to be above the highest break. None where it is not
    above, or other events may reduce it."""
    value = known.result
    is_count = measure.reading in (Reading.COUNT, Reading.VISITS) and not measure.then and not measure.grades
    if not is_count or not is_number(value) or not breaks:
        return None
    place = bisect_left(breaks, value)
    if not place or (place < len(breaks) and breaks[place] < inf):
        return None
    if breaks[place - 1] < 0:
        return len(history)
    needed = floor(breaks[place - 1]) + 1
    events = counted(measure, history[: bisect_right(history, now, key=AT)])
    at = visits_of(events)[-needed].ended_at if measure.reading is Reading.VISITS else events[-needed].at
    return bisect_left(history, at, key=AT)


def events_left(measure: Measure, history: Sequence[Event], first: int) -> int:
    """How many events may come until the history may lose one from this place on that counts."""
    newer = len(history) - first
    if measure.period is Period.VISIT or measure.then or set(measure.kinds) & set(BANNERS):
        has_banners = any(event.kind in BANNERS for event in history[first:])
        return MOST_IMPRESSIONS - newer if has_banners else min(MOST_ACTIONS - newer, MOST_IMPRESSIONS)
    if set(measure.kinds) <= set(ORDERS):
        newer = sum(event.kind in ORDERS for event in history[first:])
    return MOST_ACTIONS - newer
