"""Parses values that are compared with something calculated from the attribute: dates, versions, distances.

before D   after D   on D   between D and D         D is 2026-12-01, or 2026-12-01 08:00
in the last N days   more than N days ago           so for minutes, hours, weeks, months and years
in the next N days   within N hours                 `within` is: in the last
every year today   every year in the next N days    so for the last; the day of the year counts, as of a birthday
at least version 2.10                               so for at most, more than, less than, exactly, between
within N km of Utrecht   more than N km from 52.09, 5.12
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

from proxy.conditions.amounts import bounded
from proxy.conditions.behaviours import DAY
from proxy.conditions.derived import AGO, AT, COORDINATES, FROM, TOWNS, VERSION, YEARLY, place_of, version_number
from proxy.conditions.durations import seconds_of
from proxy.conditions.nodes import Scalar
from proxy.conditions.phrase import Kind, Phrase
from proxy.diagnostics import Finding, did_you_mean, nearest
from proxy.model import Between

DATE_HELP = (
    "write: before 2026-12-01, after 2026-12-01, between 2026-12-01 and 2026-12-24, in the last 3 days; "
    "for a birthday: every year today, every year in the next 7 days"
)
TODAY_HELP = "write: 2026-12-24, before 2026-12-01, or between 2026-12-01 and 2026-12-24"
VERSION_HELP = "write: at least version 2.10, less than version 3"
PLACE_HELP = "write: within 20 km of Utrecht, or: within 20 km of 52.09, 5.12"

_DAY = r"(\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d)?)"
_DATE = re.compile(rf"(?:(before|after|on|from|until|since) )?{_DAY}", re.IGNORECASE)
_DATES = re.compile(rf"between {_DAY} and {_DAY}", re.IGNORECASE)
_SPAN = r"([1-9]\d{0,3} (?:minute|hour|day|week|month|year)s?)"
_RECENT = re.compile(rf"(in the last|within|in the next) {_SPAN}", re.IGNORECASE)
_PAST = re.compile(rf"(at least|more than|at most|less than) {_SPAN} ago", re.IGNORECASE)
_YEARLY = re.compile(rf"(?:every|each) year (?:today|(in the last|within|in the next) {_SPAN})", re.IGNORECASE)
_LONGEST_YEARLY = 180
_V = r"(v?\d[\w.+-]*)"
_VERSION = re.compile(rf"(?:(at least|at most|more than|less than|exactly) )?(version )?{_V}", re.IGNORECASE)
_VERSIONS = re.compile(rf"between (?:version )?{_V} and (?:version )?{_V}", re.IGNORECASE)
_AWAY = re.compile(
    r"(within|less than|at most|more than|at least) (\d{1,5}(?:\.\d+)?) ?(km|m|miles?) (?:of|from) (.+)", re.IGNORECASE
)
_KM = {"km": 1.0, "m": 0.001, "mile": 1.609344, "miles": 1.609344}


@dataclass(frozen=True, slots=True)
class Worked:
    """An attribute derived from another, and the range it must be in."""

    how: str
    test: Between


def is_worked(phrase: Phrase, text: str) -> bool:
    """Whether a value is parsed here: by the attribute's kind, or because it compares with a version."""
    if phrase.kind in (Kind.DATE, Kind.PLACE, Kind.VERSION):
        return text.casefold() not in ("any", "none")
    found = _VERSION.fullmatch(text) if phrase.kind in (Kind.TEXT, Kind.ANYTHING) and not phrase.choices else None
    return found is not None and found[1] is not None and found[2] is not None


def read_worked(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Worked | None:
    """The comparison of a value; None, with a finding, when it cannot be parsed."""
    match phrase.kind:
        case Kind.DATE:
            worked = _date(phrase, word.text)
            help = TODAY_HELP if phrase.attribute == "now" else DATE_HELP
        case Kind.PLACE:
            return _place(phrase, word, findings)
        case _:
            worked, help = _version(word.text), VERSION_HELP
    if worked is None:
        findings.append(Finding("R304", f'"{phrase.key}" cannot be "{word.text}"', word.place, help))
    elif worked.test.low > worked.test.high:
        findings.append(Finding("R303", f'"{word.text}" holds nothing', word.place, "swap the two ends"))
    return worked


# -- dates


def _date(phrase: Phrase, text: str) -> Worked | None:
    is_today = phrase.attribute == "now"
    test = _absolute(text, phrase.timezone)
    if test is not None:
        return Worked("" if is_today else AT, test)
    test = None if is_today else _yearly(text)
    if test is not None:
        return Worked(YEARLY + phrase.timezone, test)
    test = None if is_today else _relative(text)
    return Worked(AGO, test) if test is not None else None


def _yearly(text: str) -> Between | None:
    """Days since a day of the year, which itself is always among them."""
    found = _YEARLY.fullmatch(text)
    days = (seconds_of(found[2].casefold()) or 0.0) / DAY if found and found[2] else 0.0
    if found is None or days > _LONGEST_YEARLY:
        return None
    return Between(-days, 0.0) if (found[1] or "").casefold() == "in the next" else Between(0.0, days)


def _absolute(text: str, timezone: str) -> Between | None:
    try:
        if found := _DATES.fullmatch(text):
            return Between(_begins(found[1], timezone), _ends(found[2], timezone), open_high=True)
        if found := _DATE.fullmatch(text):
            begins, ends = _begins(found[2], timezone), _ends(found[2], timezone)
            match (found[1] or "on").casefold():
                case "before" | "until":
                    return Between(high=begins, open_high=True)
                case "after":
                    return Between(low=ends)
                case "from" | "since":
                    return Between(low=begins)
            return Between(begins, ends, open_high=True)
    except ValueError:  # a day that no month has
        return None
    return None


def _begins(text: str, timezone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp()


def _ends(text: str, timezone: str) -> float:
    """The end of a day, or of a minute. The last day of all has none: 9999-12-31 is written for ever."""
    length = timedelta(minutes=1) if ":" in text else timedelta(days=1)
    try:
        return (datetime.fromisoformat(text) + length).replace(tzinfo=ZoneInfo(timezone)).timestamp()
    except OverflowError:
        return inf


def _relative(text: str) -> Between | None:
    if found := _RECENT.fullmatch(text):
        seconds = seconds_of(found[2].casefold()) or 0.0
        if found[1].casefold() == "in the next":
            return Between(-seconds, 0.0)
        return Between(0.0, seconds)
    if found := _PAST.fullmatch(text):
        seconds = seconds_of(found[2].casefold()) or 0.0
        test = bounded(found[1], seconds)
        return Between(
            max(test.low, 0.0), test.high, test.open_low, test.open_high, test.unit
        )  # what is ahead is not ago
    return None


# -- versions


def _version(text: str) -> Worked | None:
    test = _version_range(text)
    return Worked(VERSION, test) if test is not None else None


def _version_range(text: str) -> Between | None:
    if found := _VERSIONS.fullmatch(text):
        ends = [version_number(version) for version in found.groups()]
        return Between(ends[0], ends[1]) if ends[0] is not None and ends[1] is not None else None
    found = _VERSION.fullmatch(text)
    number = version_number(found[3]) if found else None
    return None if found is None or number is None else bounded(found[1] or "exactly", number)


# -- places


def _place(phrase: Phrase, word: Scalar, findings: list[Finding]) -> Worked | None:
    found = _AWAY.fullmatch(word.text)
    if not found:
        findings.append(Finding("R304", f'"{phrase.key}" cannot be "{word.text}"', word.place, PLACE_HELP))
        return None
    if not place_of(found[4]):
        findings.append(nowhere(found[4], word, f"{found[1]} {found[2]} {found[3]} of 52.09, 5.12"))
        return None
    km = float(found[2]) * _KM[found[3].casefold()]
    bound = "at most" if found[1].casefold() == "within" else found[1]
    return Worked(FROM + COORDINATES.get(found[4].casefold().strip(), found[4]), bounded(bound, km, "km"))


def nowhere(text: str, word: Scalar, example: str) -> Finding:
    """R304 for what is no place; `example` has coordinates."""
    help = f"write its coordinates, as: {example}"
    help = did_you_mean(text, list(TOWNS)) if nearest(text, TOWNS) else help
    return Finding("R304", f'I do not know where "{text}" is', word.place, help)
