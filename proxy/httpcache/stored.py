"""A stored answer: the origin's bytes, never personalised, and the values from which its freshness is calculated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import formatdate

from proxy.httpcache import directives, freshness, targeted
from proxy.httpcache.directives import Directives
from proxy.httpcache.freshness import Lifetime
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
    return StoredResponse(
        status,
        tuple((name, value) for name, value in headers if name not in left_out),
        body,
        said,
        life.seconds,
        life.explicit,
        freshness.initial_age(headers, requested_at, received_at),
        received_at,
    )


def directives_and_lifetime(
    status: int, headers: Headers, received_at: float, options: CacheOptions
) -> tuple[Directives, Lifetime]:
    """The directives of an answer, and its freshness lifetime."""
    said, headers = effective_directives(headers, options)
    fraction = options.heuristic_fraction
    return said, freshness.lifetime(status, headers, said, received_at, heuristic_fraction=fraction)


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
