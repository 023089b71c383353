"""Attributes calculated from others when they are compared: how long ago a date was, a number for a version, how far
away a place is, the visitor's local time, a name however it is spelt.

A derived attribute is named by its base and the calculation: `birthday › ago`. Contexts hold bases only. What cannot be
calculated is unknown.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

from proxy.conditions.localtime import local_time
from proxy.conditions.placenames import plain_names
from proxy.conditions.towns import COORDINATES
from proxy.model import Attributes, AttributeValue

MARK = " › "
AT, AGO, VERSION, FROM, NAME = "at", "ago", "version", "km from ", "name"
HOURS_THERE, WEEKDAY_THERE = "hours", "weekday"
MOVING = (AGO, HOURS_THERE, WEEKDAY_THERE)
"""Those that time alone changes."""

EARTH_KM = 6_371.0
_VERSION = re.compile(r"v?(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?([-+ ._]*[a-z+].*)?", re.IGNORECASE)
_PLACE = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


def derived_name(base: str, how: str) -> str:
    """The name of an attribute that is calculated from `base`."""
    return base + MARK + how


def base_of(name: str) -> str:
    """The base of a derived attribute; another attribute's own name."""
    return name.partition(MARK)[0]


def value_of(name: str, attributes: Attributes, now: float) -> AttributeValue | None:
    """The value of an attribute, calculated if it is derived; None when unknown."""
    base, mark, how = name.partition(MARK)
    value = attributes.get(base)
    return worked_out(how, value, now) if mark and value is not None else value


def worked_out(how: str, value: AttributeValue, now: float) -> AttributeValue | None:
    """The value calculated from a base's value at `now` (Unix seconds)."""
    if how == AT:
        return moment_of(value)
    if how == AGO:
        at = moment_of(value)
        return None if at is None else now - at
    if how == VERSION:
        return version_number(value) if isinstance(value, str) else None
    if how == NAME:
        return frozenset().union(*map(plain_names, value if isinstance(value, frozenset) else (str(value),)))
    if how.startswith(FROM):
        return _km_between(value, how[len(FROM) :])
    return _local(how, value, now)


def moment_of(value: AttributeValue) -> float | None:
    """Unix seconds of a date: such a number itself, or a date or time as ISO 8601 writes it, in UTC when it says no
    offset."""
    if isinstance(value, str):
        return _parsed(value)
    return float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None


def version_number(text: str) -> float | None:
    """A number that orders versions of up to four parts as their parts do; one that goes on in letters, as `2.1-beta`,
    comes right before the one that doesn't."""
    found = _VERSION.fullmatch(text.strip())
    if not found:
        return None
    number = 0.0
    for part in found.groups()[:4]:
        number = number * 10_000 + int(part or 0)
    is_early = found[5] is not None and not found[5].lstrip().startswith("+")
    return number - 0.5 if is_early else number


def place_of(text: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, from `52.09, 5.12` or the name of one of our towns."""
    found = _PLACE.fullmatch(COORDINATES.get(text.strip().casefold(), text))
    if not found or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        return None
    return float(found[1]), float(found[2])


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _km_between(value: AttributeValue, place: str) -> float | None:
    """The distance along the surface of a spherical earth, exact within 0.5 %."""
    here, there = place_of(value) if isinstance(value, str) else None, place_of(place)
    if here is None or there is None:
        return None
    lat_1, lon_1, lat_2, lon_2 = map(radians, (*here, *there))
    half = sin((lat_2 - lat_1) / 2) ** 2 + cos(lat_1) * cos(lat_2) * sin((lon_2 - lon_1) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, half)))


def _local(how: str, zone: AttributeValue, now: float) -> AttributeValue | None:
    try:
        return local_time(now, ZoneInfo(str(zone)).key)[how]
    except (KeyError, ValueError, OSError):
        return None
