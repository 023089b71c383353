"""Lengths of time as editors write them: `14 days`, `2 hours`, `30 minutes`."""

from __future__ import annotations

import re

UNITS = {
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 2_592_000.0,
    "year": 31_536_000.0,
}
"""Seconds of each. A month has 30 days here and a year 365, so that a length is the same whenever it begins."""

DURATION = re.compile(rf"([1-9][0-9]{{0,3}}) ({'|'.join(UNITS)})s?")
DURATION_HELP = "write a number and minutes, hours, days, weeks, months or years, as 14 days"


def seconds_of(text: str) -> float | None:
    """The seconds of a length of time, None when the text is none."""
    found = DURATION.fullmatch(text)
    return int(found[1]) * UNITS[found[2]] if found else None


def duration_text(seconds: float) -> str:
    """A length of time in days, or hours, or minutes: the first that makes a whole number."""
    unit = next((name for name in ("day", "hour") if seconds % UNITS[name] == 0), "minute")
    count = seconds / UNITS[unit]
    return f"{count:g} {unit}" if count == 1 else f"{count:g} {unit}s"


def length_text(seconds: float) -> str:
    """About how long that is, in its largest unit: `2 d`, `5 h`, `40 min`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "less than a minute"
