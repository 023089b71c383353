"""The local day and time in a time zone, and the formatting of a moment."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from datetime import timezone as fixed_zone
from functools import lru_cache
from zoneinfo import ZoneInfo

from proxy.model import AttributeValue

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_OF_MONTH, DAYS_LEFT_IN_MONTH = "day of the month", "days left in the month"
ZONED_ATTRIBUTES = ("weekday", "hours", DAY_OF_MONTH, DAYS_LEFT_IN_MONTH)
"""The attributes that the clock tells in the time zone of a rule file."""
CLOCK_ATTRIBUTES = (*ZONED_ATTRIBUTES, "now")
"""The attributes that the clock tells: neither a request nor a visitor has them."""


def clock_text(minutes: float) -> str:
    """Minutes since midnight as a clock shows them."""
    return "{:02d}:{:02d}".format(*divmod(int(minutes), 60))


def iso_time(at: float, timespec: str = "seconds") -> str:
    """A moment as programs write it: `2026-11-25T12:00:00Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def utc_minute(at: float) -> str:
    """A moment as people read it: `2026-11-25 12:00 UTC`."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


_OFFSET = re.compile(r"(?:UTC)?([+-]?)(\d{1,2}):?(\d{2})|0", re.ASCII)
_LARGEST_OFFSET = timedelta(hours=14)


@lru_cache(maxsize=1_024)
def zone_of(name: str) -> tzinfo | None:
    """The time zone of an IANA name, or of an offset as proxies and apps write it (`+05:30`, `UTC-02:30`, `-230`, `0`);
    None for what is neither. Its text names it."""
    if offset := _OFFSET.fullmatch(name):
        length = timedelta(hours=int(offset[2] or 0), minutes=int(offset[3] or 0))
        is_one = length <= _LARGEST_OFFSET and int(offset[3] or 0) < 60
        return fixed_zone(-length if offset[1] == "-" else length) if is_one else None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


@lru_cache(maxsize=64)  # whoever counts a million visitors asks for one moment all the time
def local_time(now: float, timezone: str) -> Mapping[str, AttributeValue]:
    """`weekday` as a word, `hours` as minutes since midnight, and the day of the month, on the clocks of `timezone`;
    nothing if there is no such time zone."""
    zone = zone_of(timezone)
    if zone is None:
        return {}
    there = datetime.fromtimestamp(now, zone)
    return {
        "weekday": WEEKDAYS[there.weekday()],
        "hours": float(there.hour * 60 + there.minute),
        DAY_OF_MONTH: float(there.day),
        DAYS_LEFT_IN_MONTH: float(monthrange(there.year, there.month)[1] - there.day),
    }


def midnight(now: float, days: int, timezone: str) -> float:
    """When the day so many days before today began on the clocks of `timezone` (Unix seconds)."""
    there = datetime.fromtimestamp(now, ZoneInfo(timezone))
    return datetime.combine(there.date() - timedelta(days=days), time(), there.tzinfo).timestamp()


def moments_of_week(now: float, timezone: str, minutes: Collection[int]) -> Iterator[float]:
    """When clocks of `timezone` show one of these minutes since midnight, within a week from `now` (Unix seconds)."""
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(now, zone).date()
    for day in range(9):  # the hours of a week from now lie in eight days; clocks may be put forward or back meanwhile
        for minute in minutes:
            shown = time(*divmod(minute % 1_440, 60))
            yield datetime.combine(today + timedelta(days=day), shown, zone).timestamp()
