"""Reading a `Measure` off a visitor's history: pure, at any moment, never stored.

A history is a set of events in order, so the result does not depend on the order in which they came. Each result says
until when it holds: until an event leaves a window, a day or a visit ends, or an event dated ahead begins to count.
An event counts from its `at` until before `at + within_seconds`, to the float."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import fsum, inf, nextafter
from operator import attrgetter

import msgspec

from proxy.audience.cart import in_cart
from proxy.audience.followed import Followers
from proxy.audience.impressions import impressions
from proxy.audience.paid_back import paid_back
from proxy.audience.windows import Window, visits_of, window_of
from proxy.conditions.behaviours import PAID_BACK, SHOWN
from proxy.conditions.values import holds, is_number
from proxy.model import AttributeValue, Event, Item, Measure, Reading, Test

DAY_SECONDS = 86_400.0
AT, STAMP = attrgetter("at"), attrgetter("at", "id")


@dataclass(frozen=True, slots=True)
class DaysSince:
    """The days since `at`, as a fraction, at whatever moment it is asked."""

    at: float

    def value(self, now: float) -> float:
        return (now - self.at) / DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Decaying:
    """Points as of the moment `as_of`, which halve every `half_life_seconds`."""

    points: float
    as_of: float
    half_life_seconds: float
    cap: float

    def value(self, now: float) -> float:
        return min(self.points * 2 ** ((self.as_of - now) / self.half_life_seconds), self.cap)


Value = AttributeValue | DaysSince | Decaying | None
"""None is unknown."""


class Measured(msgspec.Struct, frozen=True, gc=False):
    """The value of a measure: `result` holds from `read_at` until before `holds_until`. Where visits are read, the last
    one had its last event at `last_at`."""

    result: Value
    read_at: float
    holds_until: float
    last_at: float = -inf

    def holds(self, now: float) -> bool:
        """Whether the measure has this value at `now`."""
        return self.read_at <= now < self.holds_until

    def value(self, now: float) -> AttributeValue | None:
        """The attribute's value at a moment at which it holds."""
        result = self.result
        return result.value(now) if isinstance(result, DaysSince | Decaying) else result


def read(measure: Measure, history: Sequence[Event], now: float) -> Measured:
    """The value of a measure over a history in order (`at`, then `id`) at `now`, Unix seconds."""
    past = history[: bisect_right(history, now, key=AT)]
    window = window_of(measure, past, now)
    events = counted(measure, past)
    if of_visits := _OF_VISITS.get(measure.reading):
        result = of_visits(events, window, now)
    else:
        seen, holds_until = _seen(measure, events, window, now)
        result = _OF_EVENTS[measure.reading](measure, seen, now), holds_until
    value, holds_until = _graded(measure, result, now) if measure.grades else result
    ahead = next((event.at for event in history[len(past) :]), inf)
    return Measured(value, now, min(holds_until, ahead), events[-1].at if of_visits and events else -inf)


def is_moving(measure: Measure) -> bool:
    """Whether the value changes every moment, though nothing happens."""
    moving = (Reading.DAYS_SINCE, Reading.DAYS_SINCE_FIRST, Reading.DAYS_SINCE_VISIT, Reading.SCORE)
    return measure.reading in moving and not measure.grades


Result = tuple[Value, float]
"""A value, and until when it holds if no event comes."""


# -- which events


def items_of(measure: Measure, event: Event) -> Iterable[Item]:
    """The items that pass what the measure asks of items."""
    if not measure.where:
        return event.items
    asked = [(field, test) for field, test in measure.where if field != "subject"]
    return [item for item in event.items if all(_passes(field, test, item) for field, test in asked)]


def with_those_above(category: str) -> frozenset[str]:
    """`shoes/trail` as {`shoes`, `shoes/trail`}: who asks for a category means all below it."""
    parts = category.split("/") if category else []
    return frozenset("/".join(parts[: depth + 1]) for depth in range(len(parts)))


def counted(measure: Measure, past: Sequence[Event]) -> list[Event]:
    """What is of its kinds and passes, in order."""
    events = [event for event in past if event.kind in measure.kinds and (not measure.where or counts(measure, event))]
    if SHOWN not in measure.kinds or asks_of_items(measure):
        return events
    named = impressions(past, lambda name: _is_about(measure, name))
    return sorted(events + named, key=STAMP) if events else named


def _is_about(measure: Measure, subject: str) -> bool:
    return all(holds(test, subject or None) for field, test in measure.where if field == "subject")


def asks_of_items(measure: Measure) -> bool:
    """Whether it asks something of items."""
    return any(field != "subject" for field, _ in measure.where)


def counts(measure: Measure, event: Event) -> bool:
    """Whether an event of its kinds passes what the measure asks."""
    if not _is_about(measure, event.subject):
        return False
    return not asks_of_items(measure) or bool(items_of(measure, event))


def _passes(field: str, test: Test, item: Item) -> bool:
    value = with_those_above(item.category) if field == "category" else getattr(item, field) or None
    return holds(test, value)


def _seen(measure: Measure, events: Sequence[Event], window: Window, now: float) -> tuple[list[Event], float]:
    """The events in the window that were followed by what must follow; and until when it is these."""
    if window.is_endless and measure.then is None:
        return list(events), window.until
    seen, holds_until, then = [], window.until, measure.then
    followers = Followers(then, window.past) if then else None
    for event in events:
        if not window.has(event.at, now):
            continue
        counts, changes_at = True, inf
        if followers:
            counts, changes_at = followers.count(event, {item.product for item in items_of(measure, event)}, now)
        if counts:
            seen.append(event)
        holds_until = min(holds_until, window.leaves(event.at), changes_at)
    return seen, holds_until


# -- what they amount to


def _count(measure: Measure, seen: Sequence[Event], now: float) -> float:
    return float(len(seen))


def _sum(measure: Measure, seen: Sequence[Event], now: float) -> float:
    kept = [event.value for event in seen if event.kind not in PAID_BACK]
    return fsum(kept + [-back.amount for back in paid_back(seen)])


def _mean(measure: Measure, seen: Sequence[Event], now: float) -> float | None:
    return fsum(event.value for event in seen) / len(seen) if seen else None


def _since_latest(measure: Measure, seen: Sequence[Event], now: float) -> DaysSince | None:
    return DaysSince(seen[-1].at) if seen else None


def _since_first(measure: Measure, seen: Sequence[Event], now: float) -> DaysSince | None:
    return DaysSince(seen[0].at) if seen else None


def _since_nth(measure: Measure, seen: Sequence[Event], now: float) -> DaysSince | None:
    return DaysSince(seen[-int(measure.cap)].at) if len(seen) >= measure.cap else None


def _latest(measure: Measure, seen: Sequence[Event], now: float) -> str | None:
    return next((value for event in seen[-1:] for value in values_of(measure, event)), None)


def _set(measure: Measure, seen: Sequence[Event], now: float) -> frozenset[str]:
    return all_of(measure.of, (value for event in seen for value in values_of(measure, event)))


def _favourite(measure: Measure, seen: Sequence[Event], now: float) -> str | None:
    """The one with the most points, of equals the first in the alphabet. All points halve alike, so it stays the
    favourite until an event leaves or comes."""
    points: dict[str, list[float]] = {}
    for event in seen:
        for value in values_of(measure, event):
            points.setdefault(value, []).append(_points(measure, event, now))
    return min(points, key=lambda value: (-fsum(points[value]), value), default=None)


def _often(measure: Measure, seen: Sequence[Event], now: float) -> bool:
    return len(seen) >= measure.grades[0]


def _score(measure: Measure, seen: Sequence[Event], now: float) -> Decaying:
    points = fsum(_points(measure, event, now) for event in seen)
    return Decaying(points, now, measure.half_life_seconds, measure.cap)


def _points(measure: Measure, event: Event, now: float) -> float:
    return float(dict(measure.points).get(event.kind, 1.0) * 2 ** ((event.at - now) / measure.half_life_seconds))


def _cart(measure: Measure, seen: Sequence[Event], now: float) -> frozenset[str]:
    return all_of(measure.of, (value for item in in_cart(seen) if (value := getattr(item, measure.of))))


def _cart_total(measure: Measure, seen: Sequence[Event], now: float) -> float:
    return fsum(item.price * item.quantity for item in in_cart(seen))


def _visits(events: Sequence[Event], window: Window, now: float) -> tuple[float, float]:
    begun = [visit.began_at for visit in visits_of(events) if window.has(visit.began_at, now)]
    return float(len(begun)), min((window.leaves(at) for at in begun), default=window.until)


def _since_visit(events: Sequence[Event], window: Window, now: float) -> tuple[DaysSince | None, float]:
    visits = visits_of(events)
    over = [visit for visit in visits if visit.is_over(now)]
    under_way = visits[-1].over_at if len(over) < len(visits) else inf
    return DaysSince(over[-1].ended_at) if over else None, under_way


def values_of(measure: Measure, event: Event) -> list[str]:
    """What the event says of what the measure is about, once each."""
    if measure.of == "subject":
        return [event.subject] if event.subject else []
    values = [getattr(item, measure.of) for item in items_of(measure, event)]
    return list(dict.fromkeys(filter(None, values)))


def all_of(what: str, values: Iterable[str]) -> frozenset[str]:
    """The set that these values are: a category is in those above it too."""
    if what == "category":
        return frozenset(above for value in values for above in with_those_above(value))
    return frozenset(values)


def _graded(measure: Measure, result: Result, now: float) -> Result:
    """A number as a grade. Days since are compared as moments: a number of days is reached until right after it."""
    value, holds_until = result
    if isinstance(value, DaysSince):
        left = [end for grade in measure.grades if now <= (end := value.at + grade * DAY_SECONDS)]
        return 1.0 + len(left), min([holds_until, *(nextafter(end, inf) for end in left)])
    return (1.0 + sum(value >= grade for grade in measure.grades) if is_number(value) else value), holds_until


_OF_EVENTS: dict[Reading, Callable[[Measure, Sequence[Event], float], Value]] = {
    Reading.COUNT: _count,
    Reading.SUM: _sum,
    Reading.MEAN: _mean,
    Reading.DAYS_SINCE: _since_latest,
    Reading.DAYS_SINCE_FIRST: _since_first,
    Reading.DAYS_SINCE_NTH: _since_nth,
    Reading.LATEST: _latest,
    Reading.SET: _set,
    Reading.FAVOURITE: _favourite,
    Reading.OFTEN: _often,
    Reading.SCORE: _score,
    Reading.CART: _cart,
    Reading.CART_TOTAL: _cart_total,
}
_OF_VISITS: dict[Reading, Callable[[Sequence[Event], Window, float], Result]] = {
    Reading.VISITS: _visits,
    Reading.DAYS_SINCE_VISIT: _since_visit,
}
