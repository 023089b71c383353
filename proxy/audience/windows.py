"""The part of a history that a measure looks at: a period up to now, a calendar day, week or month in a time zone, or
the current visit. A visit is a sequence of events without a pause of half an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import floor, inf
from zoneinfo import ZoneInfo

from proxy.model import Event, Measure, Period

VISIT_PAUSE_SECONDS = 1_800.0
QUARTER_SECONDS = 900
MOST_CALENDARS = 1_024


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit: when its first and its last event happened."""

    began_at: float
    ended_at: float

    @property
    def over_at(self) -> float:
        """When the visit ends, unless something happens before."""
        return self.ended_at + VISIT_PAUSE_SECONDS

    def is_over(self, now: float) -> bool:
        return now >= self.over_at


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a history that counts: events with `at` not before `since`, each until before `at + within`; at
    `until` the whole window ends. `past` is everything that has happened so far, of every kind."""

    past: Sequence[Event]
    within: float = inf
    since: float = -inf
    until: float = inf

    @property
    def is_endless(self) -> bool:
        """True when the whole history is in the window."""
        return self.within == inf and self.since == -inf

    def has(self, at: float, now: float) -> bool:
        return self.since <= at <= now < at + self.within

    def leaves(self, at: float) -> float:
        """When an event of that moment, which is in the window, leaves it."""
        return min(at + self.within, self.until)


def window_of(measure: Measure, past: Sequence[Event], now: float) -> Window:
    """The measure's window at `now`, before which all of `past` happened."""
    within = measure.within_seconds
    if measure.period is Period.EVER:
        return Window(past, within)
    if measure.period is Period.VISIT:
        under_way = [visit for visit in visits_of(past) if not visit.is_over(now)]
        since, until = (under_way[-1].began_at, under_way[-1].over_at) if under_way else (inf, inf)
        return Window(past, within, since, until)
    since, until = _calendar(measure.period, measure.timezone, floor(now / QUARTER_SECONDS))
    return Window(past, within, since, until)


def leaves(measure: Measure, at: float) -> float:
    """When an event of that time leaves the measure's window, if nothing else happens."""
    if measure.period is Period.EVER:
        return at + measure.within_seconds
    if measure.period is Period.VISIT:
        return min(at + measure.within_seconds, at + VISIT_PAUSE_SECONDS)
    _, until = _calendar(measure.period, measure.timezone, floor(at / QUARTER_SECONDS))
    return min(at + measure.within_seconds, until)


def visits_of(events: Iterable[Event]) -> list[Visit]:
    """The visits that events in order make up."""
    visits: list[Visit] = []
    for event in events:
        if visits and not visits[-1].is_over(event.at):
            visits[-1] = Visit(visits[-1].began_at, event.at)
        else:
            visits.append(Visit(event.at, event.at))
    return visits


@lru_cache(MOST_CALENDARS)
def _calendar(period: Period, timezone: str, quarter: int) -> tuple[float, float]:
    """When the local day, week or month around a quarter of an hour began and when the next begins: none begins within
    one, wherever it is. A day has 23 to 25 hours."""
    zone = ZoneInfo(timezone)
    there = datetime.fromtimestamp(quarter * QUARTER_SECONDS, zone)
    first = datetime(there.year, there.month, there.day)
    if period is Period.WEEK:
        first -= timedelta(days=first.weekday())
    elif period is Period.MONTH:
        first = first.replace(day=1)
    days = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 32}[period]
    following = first + timedelta(days=days)
    if period is Period.MONTH:
        following = following.replace(day=1)
    return first.replace(tzinfo=zone).timestamp(), following.replace(tzinfo=zone).timestamp()
