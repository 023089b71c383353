"""For how long a history holds what a value was read off: it has the newest so many events of each class
(`events/types.py`), so that one that comes may have the oldest lost. Calculation only; `readings.py` counts events.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import floor, inf

from proxy.audience.impressions import BANNERS, MOST_ACTIONS, MOST_IMPRESSIONS, ORDERS, matches_kinds
from proxy.audience.measures import AT, DaysSince, Measured, counted
from proxy.audience.tracked import Breaks
from proxy.audience.windows import visits_of, window_of
from proxy.conditions.behaviours import BOUGHT
from proxy.conditions.values import is_number
from proxy.model import Event, Measure, Period, Reading


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
