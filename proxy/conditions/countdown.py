"""Countdowns: how many days or hours are left until a moment, on the clocks of a rule's time zone.

They are the same for everybody, and change at midnight, or on the hour of the moment. A day is a date on the calendar;
hours are rounded up. Once the moment has come nothing is left.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from math import ceil, floor, inf
from typing import NamedTuple

from proxy.conditions.localtime import midnight, moments_of_week, zone_of
from proxy.errors import EditorError
from proxy.model import Countdown

_WRITTEN = re.compile(r"(days|hours) until ([^,]*)(?:,(.*))?", re.IGNORECASE)
_MOMENT = re.compile(r"(?:(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?|(\d\d:\d\d))", re.ASCII)
_HOUR = 3_600.0


class Left(NamedTuple):
    """The `number` of days or hours left, 0 when the moment has come; from `begins` until before `ends` (Unix
    seconds)."""

    number: int
    begins: float
    ends: float


def countdown_of(text: str) -> Countdown | None:
    """The countdown written as `days until 2026-12-24`, `hours until 2026-11-27 20:00` or `hours until 17:00`, with or
    without `, day/days`; None for other text. Raises `EditorError` for a moment or words that make no sense."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    unit, target, words = found[1].lower(), found[2].strip(), found[3]
    one, slash, many = (part.strip() for part in (words or "").partition("/"))
    if words is not None and not (one and slash and many):
        example = "day/days" if unit == "days" else "hour/hours"
        help = f"write the words for one and for several: {{{unit} until {target}, {example}}}"
        raise EditorError(f"`{text}` lacks the words for one and for several", help=help)
    day, minute = _moment(unit, target, text)
    return Countdown(unit, day, minute, one, many)


def text_of(countdown: Countdown, number: int) -> str:
    """The number with its word: `1 day`, `2 days`."""
    return f"{number} {countdown.one if number == 1 else countdown.many}".rstrip()


def left(countdown: Countdown, timezone: str, now: float) -> Left:
    """What is left of it at a time (Unix seconds)."""
    at = target_of(countdown, timezone)
    if now >= at:
        return Left(0, at, inf)
    if countdown.unit == "hours":
        at = at if countdown.day else _next(countdown, timezone, now)
        number = ceil((at - now) / _HOUR)
        return Left(number, at - number * _HOUR, at - (number - 1) * _HOUR)
    now = floor(now)  # a datetime would round it up to the next microsecond
    today = datetime.fromtimestamp(now, zone_of(timezone)).date()
    number = (date.fromisoformat(countdown.day) - today).days
    return Left(number, midnight(now, 0, timezone), midnight(now, -1, timezone))


def target_of(countdown: Countdown, timezone: str) -> float:
    """When its moment comes (Unix seconds); never, for one that comes every day."""
    if not countdown.day:
        return inf
    shown = time(*divmod(countdown.minute, 60))
    return datetime.combine(date.fromisoformat(countdown.day), shown, zone_of(timezone)).timestamp()


def _next(countdown: Countdown, timezone: str, now: float) -> float:
    return next(moment for moment in moments_of_week(now, timezone, [countdown.minute]) if moment > now)


def _moment(unit: str, target: str, text: str) -> tuple[str, int]:
    """The date and the minute of a moment as it is written."""
    found = _MOMENT.fullmatch(target)
    try:
        shown = time.fromisoformat((found[2] or found[3] or "00:00") if found else "")
        day = date.fromisoformat(found[1]).isoformat() if found and found[1] else ""
    except ValueError:
        found = None
    if found is None or (unit == "days" and not day):
        help = "write {days until 2026-12-24}, {hours until 2026-11-27 20:00}, or for every day {hours until 17:00}"
        raise EditorError(f"`{text}` names no moment to count to", help=help)
    return day, shown.hour * 60 + shown.minute if unit == "hours" else 0
