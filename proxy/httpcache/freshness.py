"""The age of an answer, and its freshness lifetime (RFC 9111 section 4.2). Times are Unix seconds."""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from datetime import date

from proxy.httpcache.directives import MAX_SECONDS, Directives
from proxy.model import Headers

HEURISTIC_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""RFC 9110 15.1: statuses for which a cache may choose a lifetime. 206 is left out: partial answers are not stored."""

MAX_HEURISTIC_SECONDS = 86_400.0
MAX_ERROR_SECONDS = 1.0
"""The heuristic lifetime of an error: it must not outlive its cause (a poisoned request, a restarting origin)."""

_MONTHS = {
    name: number + 1
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())  # the RFC's own spelling
}
_TIME = rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = (
    re.compile(rb"[A-Za-z]{3}, (?P<day>\d\d) (?P<month>[A-Za-z]{3}) (?P<year>\d{4}) " + _TIME + rb" (?i:GMT)"),
    re.compile(rb"[A-Za-z]{6,9}, (?P<day>\d\d)-(?P<month>[A-Za-z]{3})-(?P<year>\d\d) " + _TIME + rb" (?i:GMT)"),
    re.compile(rb"[A-Za-z]{3} (?P<month>[A-Za-z]{3}) (?P<day>[ \d]\d) " + _TIME + rb" (?P<year>\d{4})"),
)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How many seconds after it was made an answer is fresh; `explicit` if the origin said so."""

    seconds: float
    explicit: bool


def http_date(value: bytes) -> float | None:
    """The Unix seconds of a date in one of the three formats of RFC 9110 5.6.7, in upper or lower case (RFC 9111 4.2);
    None for anything else. Two-digit years more than 50 years after 2026 belong to the last century."""
    for form in _DATES:
        if match := form.fullmatch(value.strip()):
            return _seconds_of(match)
    return None


def _seconds_of(match: re.Match[bytes]) -> float | None:
    year, month = int(match["year"]), _MONTHS.get(match["month"].title())
    if len(match["year"]) == 2:
        year += 2000 if year <= 76 else 1900
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    if month is None or hour > 23 or minute > 59 or second > 60:
        return None
    try:
        date(year, month, int(match["day"]))
    except ValueError:
        return None
    return float(timegm((year, month, int(match["day"]), hour, minute, second)))


def lifetime(
    status: int, headers: Headers, directives: Directives, received_at: float, *, heuristic_fraction: float
) -> Lifetime:
    """The freshness lifetime in a shared cache (RFC 9111 4.2.1). `heuristic_fraction` 0 means no heuristic lifetime."""
    if directives.s_maxage is not None:
        return Lifetime(directives.s_maxage, explicit=True)
    if directives.max_age is not None:
        return Lifetime(directives.max_age, explicit=True)
    made_at = date_of(headers, received_at)
    expires = [value for name, value in headers if name == b"expires"]
    if expires:
        # An invalid date, as "0", means already expired (RFC 9111 5.3); so do two different ones.
        expires_at = http_date(expires[0]) if len(set(expires)) == 1 else None
        return Lifetime(0.0 if expires_at is None else max(0.0, expires_at - made_at), explicit=True)
    return Lifetime(_heuristic(status, headers, directives, made_at, heuristic_fraction), explicit=False)


def _heuristic(status: int, headers: Headers, directives: Directives, made_at: float, fraction: float) -> float:
    """RFC 9111 4.2.2: a fraction of the time since the answer last changed."""
    if not (status in HEURISTIC_STATUSES or directives.public):
        return 0.0
    changed_at = next((http_date(value) for name, value in headers if name == b"last-modified"), None)
    if changed_at is None:
        return 0.0
    most = MAX_ERROR_SECONDS if status >= 400 else MAX_HEURISTIC_SECONDS
    return min(most, max(0.0, made_at - changed_at) * fraction)


def date_of(headers: Headers, received_at: float) -> float:
    """When the origin made the answer: its Date, or `received_at` if that is missing or invalid."""
    made_at = next((http_date(value) for name, value in headers if name == b"date"), None)
    return received_at if made_at is None else made_at


def initial_age(headers: Headers, requested_at: float, received_at: float) -> float:
    """The corrected initial age of RFC 9111 4.2.3, in seconds: how old the answer was when it was received."""
    # Date has whole seconds, so the fraction of `received_at` is no age.
    apparent = max(0.0, int(received_at) - date_of(headers, received_at))
    return max(apparent, _age_value(headers) + received_at - requested_at)


def _age_value(headers: Headers) -> int:
    """The Age field: of a list the first member; 0 if that is no number (RFC 9111 5.1)."""
    listed = next((value for name, value in headers if name == b"age"), b"")
    first = listed.split(b",")[0].strip()
    return min(int(first[:12]), MAX_SECONDS) if first.isdigit() else 0
