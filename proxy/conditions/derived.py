"""Attributes calculated from others when they are compared: how long ago a date was, a number for a version, how far
away a place is, the visitor's local time, a name however it is spelt.

A derived attribute is named by its base and the calculation: `birthday › ago`. Contexts hold bases only. What cannot be
calculated is unknown.
"""

from __future__ import annotations

import re
from calendar import isleap
from datetime import UTC, date, datetime
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt

from proxy.conditions.localtime import local_time, zone_of
from proxy.conditions.placenames import plain_names
from proxy.model import Attributes, AttributeValue

MARK = " › "
AT, AGO, VERSION, FROM, NAME = "at", "ago", "version", "km from ", "name"
HOURS_THERE, WEEKDAY_THERE = "hours", "weekday"
YEARLY = "each year in "
"""With a time zone: how many days ago a date's day of the year was, there; below 0 where it is ahead."""
MOVING = (AGO, HOURS_THERE, WEEKDAY_THERE, YEARLY)
"""How the names of those begin that time alone changes."""

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
    if how.startswith(YEARLY):
        return _days_since_its_day(value, how[len(YEARLY) :], now)
    if how.startswith(FROM):
        return _km_between(value, how[len(FROM) :])
    return local_time(now, str(value)).get(how)


def moment_of(value: AttributeValue) -> float | None:
    """Unix seconds of a date: such a number itself, or a date or time as ISO 8601 writes it, in UTC when it says no
    offset."""
    if isinstance(value, str):
        return _parsed(value)
    return float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None


def _days_since_its_day(value: AttributeValue, timezone: str, now: float) -> float | None:
    """To the nearest of its days, in whole days; None of what no calendar has, as of a number of milliseconds. A 29th
    of February is the 28th in other years."""
    at, zone = moment_of(value), zone_of(timezone)
    if at is None or zone is None:
        return None
    is_date = isinstance(value, str) and ":" not in value
    try:
        day = datetime.fromtimestamp(at, UTC if is_date else zone)
    except (ValueError, OverflowError):
        return None
    today = datetime.fromtimestamp(now, zone).date()
    years = [today.year + more for more in (-1, 0, 1)]
    february = day.month == 2 and day.day == 29
    days = [date(year, day.month, 28 if february and not isleap(year) else day.day) for year in years]
    return float(min(((today - each).days for each in days), key=abs))


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


# -- The coordinates of towns, so that an editor may write `within 20 km of Utrecht`. Other places are written as
# coordinates.

TOWNS: dict[str, str] = {
    "Aarhus": "56.16,10.20", "Amsterdam": "52.37,4.90", "Antwerp": "51.22,4.40", "Arnhem": "51.98,5.91",
    "Athens": "37.98,23.73", "Barcelona": "41.39,2.17", "Bergen": "60.39,5.32", "Berlin": "52.52,13.40",
    "Birmingham": "52.48,-1.90", "Breda": "51.59,4.78", "Bruges": "51.21,3.22", "Brussels": "50.85,4.35",
    "Budapest": "47.50,19.04", "Cologne": "50.94,6.96", "Copenhagen": "55.68,12.57", "Dublin": "53.35,-6.26",
    "Düsseldorf": "51.23,6.77", "Edinburgh": "55.95,-3.19", "Eindhoven": "51.44,5.48", "Frankfurt": "50.11,8.68",
    "Geneva": "46.20,6.14", "Ghent": "51.05,3.72", "Glasgow": "55.86,-4.25", "Gothenburg": "57.71,11.97",
    "Groningen": "53.22,6.57", "Haarlem": "52.38,4.64", "The Hague": "52.08,4.31", "Hamburg": "53.55,9.99",
    "Helsinki": "60.17,24.94", "Leeds": "53.80,-1.55", "Leiden": "52.16,4.49", "Leuven": "50.88,4.70",
    "Liège": "50.63,5.57", "Lille": "50.63,3.06", "Lisbon": "38.72,-9.14", "London": "51.51,-0.13",
    "Luxembourg": "49.61,6.13", "Lyon": "45.76,4.84", "Maastricht": "50.85,5.69", "Madrid": "40.42,-3.70",
    "Malmö": "55.60,13.00", "Manchester": "53.48,-2.24", "Marseille": "43.30,5.37", "Milan": "45.46,9.19",
    "Munich": "48.14,11.58", "New York": "40.71,-74.01", "Nijmegen": "51.84,5.87", "Odense": "55.40,10.40",
    "Oslo": "59.91,10.75", "Paris": "48.86,2.35", "Porto": "41.15,-8.61", "Prague": "50.08,14.44",
    "Rome": "41.90,12.50", "Rotterdam": "51.92,4.48", "Stavanger": "58.97,5.73", "Stockholm": "59.33,18.07",
    "Stuttgart": "48.78,9.18", "Tilburg": "51.56,5.09", "Tromsø": "69.65,18.96", "Trondheim": "63.43,10.40",
    "Turin": "45.07,7.69", "Uppsala": "59.86,17.64", "Utrecht": "52.09,5.12", "Vienna": "48.21,16.37",
    "Warsaw": "52.23,21.01", "Zürich": "47.37,8.54", "Zwolle": "52.52,6.08",
}  # fmt: skip
"""Latitude and longitude in degrees, by the town's English name."""

COORDINATES = {town.casefold(): place for town, place in TOWNS.items()}
