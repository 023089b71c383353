"""May an answer be stored, and may a stored answer be reused? RFC 9111 for a shared cache, as verdicts with reasons.

It is stricter than the RFC in three places: answers that set a cookie, that vary by cookie, or that refuse access (401,
403) are never stored, since shared answers are requested without cookies and credentials.
"""

from __future__ import annotations

import enum

from proxy.httpcache.directives import NONE, Directives
from proxy.httpcache.key import vary_names
from proxy.httpcache.stored import CacheOptions, StoredResponse, directives_and_lifetime, effective_directives
from proxy.model import CacheVerdict, Headers


class CacheReason(enum.StrEnum):
    """Every reason of a verdict: the word that logs, metrics and headers print."""

    STORABLE = "storable"
    STATUS = "status"  # one of `_NEVER_STORED`, or an unknown one with `must-understand`
    REFUSED = "refused"  # 401 or 403: only requests without credentials are refused
    NO_STORE = "no-store"
    PRIVATE = "private"
    SET_COOKIE = "set-cookie"
    VARY_ANY = "vary-any"  # Vary: *
    VARY_COOKIE = "vary-cookie"
    VARY_CLIENT = "vary-client"  # by the client's address, which is in no key
    AUTHORIZATION = "authorization"
    NO_LIFETIME = "no-lifetime"  # the origin gave none, and a heuristic one is off or not allowed
    NO_VALIDATOR = "no-validator"  # stale at once, and cannot be validated

    FRESH = "fresh"
    STALE = "stale"
    NO_CACHE = "no-cache"
    REQUEST = "request"  # the client wants a newer one
    WHILE_REVALIDATE = "stale-while-revalidate"
    IF_ERROR = "stale-if-error"
    MUST_REVALIDATE = "must-revalidate"
    TOO_STALE = "too-stale"


_YES = CacheVerdict(True, CacheReason.STORABLE)
_FRESH = CacheVerdict(True, CacheReason.FRESH)
_STALE = CacheVerdict(False, CacheReason.STALE)
_NO_CACHE = CacheVerdict(False, CacheReason.NO_CACHE)

_CLIENT = frozenset(b"forwarded via x-forwarded-for x-real-ip true-client-ip cf-connecting-ip".split())
_NEVER_STORED = frozenset({206, 304, 428, 429, 431, 511})
"""Parts and confirmations; and what RFC 6585 forbids to store, being about one client: that it asked too often, say."""
_REFUSING = frozenset({401, 403})
_UNDERSTOOD = frozenset({200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 500, 501, 502, 503, 504})


def may_store(
    request: Headers, status: int, response: Headers, received_at: float, options: CacheOptions
) -> CacheVerdict:
    """Whether the answer to this GET may be stored for everybody (RFC 9111 section 3)."""
    directives, life = directives_and_lifetime(status, response, received_at, options)
    no = _forbidden(request, status, response, directives)
    if no is not None:
        return CacheVerdict(False, no)
    if life.seconds > 0 and not directives.no_cache:
        return _YES
    if not life.explicit and not directives.no_cache:
        return CacheVerdict(False, CacheReason.NO_LIFETIME)
    if any(name in (b"etag", b"last-modified") for name, _ in response):
        return _YES
    return CacheVerdict(False, CacheReason.NO_VALIDATOR)


def why_never_storable(status: int, response: Headers, options: CacheOptions) -> CacheReason | None:
    """Why the answer to a GET may never be stored for everybody, whoever sent it and whenever; None if it may."""
    return _forbidden((), status, response, effective_directives(response, options)[0])


def _forbidden(request: Headers, status: int, response: Headers, said: Directives) -> CacheReason | None:
    if status < 200 or status in _NEVER_STORED or (said.must_understand and status not in _UNDERSTOOD):
        return CacheReason.STATUS
    if status in _REFUSING:
        return CacheReason.REFUSED
    if said.no_store and not said.must_understand:  # RFC 9111 5.2.2.3: who understands the status ignores no-store
        return CacheReason.NO_STORE
    if said.private:
        return CacheReason.PRIVATE
    if any(name == b"set-cookie" for name, _ in response):
        return CacheReason.SET_COOKIE
    if no := _varies(vary_names(response)):
        return no
    # RFC 9111 3.5: the answer to a request with credentials is shared only if the origin says so explicitly.
    shared = said.public or said.must_revalidate or said.s_maxage is not None
    if not shared and any(name == b"authorization" for name, _ in request):
        return CacheReason.AUTHORIZATION
    return None


def _varies(names: frozenset[bytes]) -> CacheReason | None:
    if b"*" in names:
        return CacheReason.VARY_ANY
    if b"cookie" in names:
        return CacheReason.VARY_COOKIE
    return CacheReason.VARY_CLIENT if names & _CLIENT else None


def may_reuse(stored: StoredResponse, now: float, requested: Directives = NONE) -> CacheVerdict:
    """Whether the stored answer may be used without asking the origin (RFC 9111 section 4). `requested` are the
    request's directives, if the operator lets them count. With the reason `stale-while-revalidate` it must be validated
    in the background (RFC 5861)."""
    directives, ttl = stored.directives, stored.ttl(now)
    if directives.no_cache:
        return _NO_CACHE
    if requested is not NONE and _refuses(requested, stored, now):
        return CacheVerdict(False, CacheReason.REQUEST)
    if ttl > 0:
        return _FRESH
    if _must_revalidate(directives):
        return CacheVerdict(False, CacheReason.MUST_REVALIDATE)
    if -ttl < (directives.stale_while_revalidate or 0):
        return CacheVerdict(True, CacheReason.WHILE_REVALIDATE)
    if requested.max_stale is not None and directives.s_maxage is None and -ttl <= requested.max_stale:
        return CacheVerdict(True, CacheReason.STALE)
    return _STALE


def _refuses(requested: Directives, stored: StoredResponse, now: float) -> bool:
    """Whether the request's directives refuse the stored answer (RFC 9111 5.2.1). A reload (max-age=0) does not refuse
    an immutable answer (RFC 8246)."""
    if requested.no_cache or requested.no_store:
        return True
    ttl = stored.ttl(now)
    is_settled = stored.directives.immutable and ttl > 0
    too_old = requested.max_age is not None and stored.age(now) > requested.max_age and not is_settled
    return too_old or (requested.min_fresh is not None and ttl < requested.min_fresh)


def may_serve_on_error(stored: StoredResponse, now: float, *, default_seconds: float) -> CacheVerdict:
    """Whether a stale answer may be used because the origin cannot be reached or answers 5xx: for as long as
    `stale-if-error` says (RFC 5861), else `default_seconds`; never if the origin forbids it (RFC 9111 4.2.4)."""
    said = stored.directives
    if said.no_cache or _must_revalidate(said):
        return CacheVerdict(False, CacheReason.MUST_REVALIDATE)
    longest: float = default_seconds
    if said.stale_if_error is not None:
        longest = said.stale_if_error
    elif said.s_maxage is not None:  # implies proxy-revalidate (RFC 9111 5.2.2.10)
        return CacheVerdict(False, CacheReason.MUST_REVALIDATE)
    if -stored.ttl(now) > longest:
        return CacheVerdict(False, CacheReason.TOO_STALE)
    return CacheVerdict(True, CacheReason.IF_ERROR)


def _must_revalidate(said: Directives) -> bool:
    return said.must_revalidate or said.proxy_revalidate
