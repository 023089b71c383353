"""An answer as the cache keeps it: the origin's bytes and what their freshness follows from. Never personalised."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate

from proxy.httpcache import directives, freshness
from proxy.httpcache.directives import Directives
from proxy.model import Headers


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """`headers` are those to forward, without Age. `lifetime` and `initial_age` are seconds (RFC 9111 4.2)."""

    status: int
    headers: Headers
    body: bytes
    directives: Directives
    lifetime: float
    is_explicit: bool
    initial_age: float
    received_at: float

    def age(self, now: float) -> float:
        """Seconds since the origin made or last confirmed it (RFC 9111 4.2.3)."""
        return self.initial_age + max(0.0, now - self.received_at)

    def ttl(self, now: float) -> float:
        """Seconds it stays fresh; negative for how long it has been stale."""
        return self.lifetime - self.age(now)

    def get(self, name: bytes) -> bytes | None:
        """The first value of the field `name` (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


def store(
    status: int, headers: Headers, body: bytes, requested_at: float, received_at: float, *, heuristic_fraction: float
) -> StoredResponse:
    """The answer as it is kept. Fields that a qualified `private` or `no-cache` names are left out: they may not be
    given to anybody without asking (RFC 9111 5.2.2.4, 5.2.2.7)."""
    said = cache_control(headers)
    life = freshness.lifetime(status, headers, said, received_at, heuristic_fraction=heuristic_fraction)
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


def cache_control(headers: Headers) -> Directives:
    """The Cache-Control of a message, read."""
    return directives.parse(b",".join(value for name, value in headers if name == b"cache-control"))
