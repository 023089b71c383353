"""A stored answer: the origin's bytes, never personalised, and the values from which its freshness is calculated."""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass, replace
from datetime import date
from email.utils import formatdate

from proxy.httpcache import directives, targeted
from proxy.httpcache.directives import MAX_SECONDS, Directives
from proxy.model import Headers
from proxy.settings import Settings

_FIELD_BYTES = 160
"""The memory of a header field besides its own bytes: a tuple and two byte strings. Measured."""


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """What the RFCs leave to the operator.

    * `heuristic_fraction`: the fraction of its age for which an answer without a lifetime is fresh (RFC 9111 4.2.2).
    * `targeted_fields`: the fields that take precedence over Cache-Control, in this order (RFC 9213).
    * `grace_seconds`: the `stale-while-revalidate` of an answer that has a lifetime and does not say it.
    """

    heuristic_fraction: float = 0.0
    targeted_fields: tuple[bytes, ...] = ()
    grace_seconds: int = 0

    @classmethod
    def of(cls, settings: Settings) -> CacheOptions:
        """The options in the settings."""
        fields = tuple(name.lower().encode() for name in settings.targeted_cache_fields)
        return cls(settings.heuristic_fraction, fields, settings.grace_seconds)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A stored answer. `headers` are those to forward, without Age. `lifetime` and `initial_age` are seconds (RFC 9111
    4.2); `is_explicit` if the origin gave the lifetime; `received_at` is in Unix seconds."""

    status: int
    headers: Headers
    body: bytes
    directives: Directives
    lifetime: float
    is_explicit: bool
    initial_age: float
    received_at: float

    def age(self, now: float) -> float:
        """The seconds since the origin made or last confirmed it (RFC 9111 4.2.3)."""
        return self.initial_age + max(0.0, now - self.received_at)

    def ttl(self, now: float) -> float:
        """The seconds that it is still fresh; negative if it is stale."""
        return self.lifetime - self.age(now)

    def get(self, name: bytes) -> bytes | None:
        """The first value of the field `name` (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)

    def made_stale(self, now: float) -> StoredResponse:
        """The same answer, stale from now on."""
        return replace(self, lifetime=min(self.lifetime, self.age(now)))

    @property
    def size(self) -> int:
        """The memory it takes, about, in bytes."""
        return len(self.body) + sum(len(name) + len(value) + _FIELD_BYTES for name, value in self.headers)


def stored_response(
    status: int, headers: Headers, body: bytes, requested_at: float, received_at: float, options: CacheOptions
) -> StoredResponse:
    """The answer to store. Header fields that a qualified `private` or `no-cache` names are left out: they may not be
    reused without validation (RFC 9111 5.2.2.4, 5.2.2.7)."""
    said, life = directives_and_lifetime(status, headers, received_at, options)
    says_nothing = said.stale_while_revalidate is None and said.s_maxage is None  # which forbids it: RFC 9111 5.2.2.10
    if options.grace_seconds and says_nothing and life.seconds > 0:
        said = replace(said, stale_while_revalidate=options.grace_seconds)
    if not any(name == b"date" for name, _ in headers):
        headers = (*headers, (b"date", formatdate(received_at, usegmt=True).encode()))  # RFC 9110 6.6.1
    left_out = said.private_fields | said.no_cache_fields | {b"age"}
    age, seconds = initial_age(headers, requested_at, received_at), life.seconds
    if status >= 400 and not life.explicit:
        seconds = min(seconds, age + MAX_ERROR_SECONDS)
    return StoredResponse(
        status,
        tuple((name, value) for name, value in headers if name not in left_out),
        body,
        said,
        seconds,
        life.explicit,
        age,
        received_at,
    )


def directives_and_lifetime(
    status: int, headers: Headers, received_at: float, options: CacheOptions
) -> tuple[Directives, Lifetime]:
    """The directives of an answer, and its freshness lifetime."""
    said, headers = effective_directives(headers, options)
    fraction = options.heuristic_fraction
    return said, lifetime(status, headers, said, received_at, heuristic_fraction=fraction)


def effective_directives(headers: Headers, options: CacheOptions) -> tuple[Directives, Headers]:
    """The directives of an answer that count, and the header fields that do. A targeted field that is present and
    well-formed replaces Cache-Control and Expires (RFC 9213 2.2)."""
    for name in options.targeted_fields:
        said = targeted.parse(_joined(headers, name))
        # A Surrogate-Control that only announces includes says nothing of the lifetime.
        if said is not None and (said != directives.NONE or name != b"surrogate-control"):
            return said, tuple(field for field in headers if field[0] != b"expires")
    return cache_control(headers), headers


def cache_control(headers: Headers) -> Directives:
    """The directives of a message's Cache-Control."""
    return directives.parse(_joined(headers, b"cache-control"))


def _joined(headers: Headers, name: bytes) -> bytes:
    return b",".join(value for key, value in headers if key == name)


def is_event_stream(headers: Headers) -> bool:
    """True for a stream of server-sent events (text/event-stream), which may last for hours."""
    return any(name == b"content-type" and value.lower().startswith(b"text/event-stream") for name, value in headers)


# -- The age of an answer, and its freshness lifetime (RFC 9111 section 4.2). Times are Unix seconds.

HEURISTIC_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""RFC 9110 15.1: statuses for which a cache may choose a lifetime. 206 is left out: partial answers are not stored."""

MAX_HEURISTIC_SECONDS = 86_400.0
MAX_ERROR_SECONDS = 1.0
"""How long an error is fresh here by a heuristic lifetime: it must not outlive its cause (a poisoned request, a
restarting origin). Counted from when it came: by its Date, which has whole seconds, some would have no time at all."""

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
    return min(MAX_HEURISTIC_SECONDS, max(0.0, made_at - changed_at) * fraction)


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
