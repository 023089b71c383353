"""May this answer be stored, may that stored answer be reused: RFC 9111 for a shared cache, as verdicts with reasons.

Stricter than the RFC on purpose in three places: an answer that sets a cookie is never stored, nor is one that differs
by cookie, nor one that refuses who asks, since what is stored was asked for without cookies, by nobody.
"""

from __future__ import annotations

import enum

from proxy.httpcache.directives import NONE, Directives
from proxy.httpcache.key import vary_names
from proxy.httpcache.stored import Choices, StoredResponse, judged, said_by
from proxy.model import CacheVerdict, Headers


class Why(enum.StrEnum):
    """Every reason a verdict may give: the word logs, metrics and headers print."""

    STORABLE = "storable"
    METHOD = "method"  # only answers to GET are stored
    STATUS = "status"  # a part (206), a confirmation (304), or one `must-understand` forbids guessing about
    REFUSED = "refused"  # 401 or 403: it is somebody without credentials who may not see it
    NO_STORE = "no-store"
    PRIVATE = "private"
    SET_COOKIE = "set-cookie"
    VARY_ANY = "vary-any"  # Vary: *
    VARY_COOKIE = "vary-cookie"
    VARY_CLIENT = "vary-client"  # by who asks: an address, which no key holds
    AUTHORIZATION = "authorization"
    NO_LIFETIME = "no-lifetime"  # the origin gave none, and guessing is off or not allowed
    NO_VALIDATOR = "no-validator"  # stale at once and nothing to ask the origin with

    FRESH = "fresh"
    STALE = "stale"
    NO_CACHE = "no-cache"
    REQUEST = "request"  # the client asked for a newer one
    WHILE_REVALIDATE = "stale-while-revalidate"
    IF_ERROR = "stale-if-error"
    MUST_REVALIDATE = "must-revalidate"
    TOO_STALE = "too-stale"


_YES = CacheVerdict(True, Why.STORABLE)
_FRESH = CacheVerdict(True, Why.FRESH)
_STALE = CacheVerdict(False, Why.STALE)
_NO_CACHE = CacheVerdict(False, Why.NO_CACHE)

_CLIENT = frozenset(b"forwarded via x-forwarded-for x-real-ip true-client-ip cf-connecting-ip".split())
_NEVER_STORED = frozenset({206, 304})
_REFUSING = frozenset({401, 403})
_UNDERSTOOD = frozenset({200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 500, 501, 502, 503, 504})


def may_store(
    method: bytes, request: Headers, status: int, response: Headers, received_at: float, choices: Choices
) -> CacheVerdict:
    """RFC 9111 section 3: whether the answer to this request may be kept for everybody."""
    said, life = judged(status, response, received_at, choices)
    no = _forbidden(method, request, status, response, said)
    if no is not None:
        return CacheVerdict(False, no)
    if life.seconds > 0 and not said.no_cache:
        return _YES
    if not life.explicit and not said.no_cache:
        return CacheVerdict(False, Why.NO_LIFETIME)
    if any(name in (b"etag", b"last-modified") for name, _ in response):
        return _YES
    return CacheVerdict(False, Why.NO_VALIDATOR)


def why_never(status: int, response: Headers, choices: Choices) -> Why | None:
    """What forbids to keep the answer to anybody's GET for everybody, whenever it comes."""
    return _forbidden(b"GET", (), status, response, said_by(response, choices)[0])


def _forbidden(method: bytes, request: Headers, status: int, response: Headers, said: Directives) -> Why | None:
    if method != b"GET":
        return Why.METHOD
    if status < 200 or status in _NEVER_STORED or (said.must_understand and status not in _UNDERSTOOD):
        return Why.STATUS
    if status in _REFUSING:
        return Why.REFUSED
    if said.no_store and not said.must_understand:  # RFC 9111 5.2.2.3: who understands the status ignores no-store
        return Why.NO_STORE
    if said.private:
        return Why.PRIVATE
    if any(name == b"set-cookie" for name, _ in response):
        return Why.SET_COOKIE
    if no := _varies(vary_names(response)):
        return no
    # RFC 9111 3.5: what was answered to credentials is shared only when the origin says so in as many words.
    shared = said.public or said.must_revalidate or said.s_maxage is not None
    if not shared and any(name == b"authorization" for name, _ in request):
        return Why.AUTHORIZATION
    return None


def _varies(names: frozenset[bytes]) -> Why | None:
    if b"*" in names:
        return Why.VARY_ANY
    if b"cookie" in names:
        return Why.VARY_COOKIE
    return Why.VARY_CLIENT if names & _CLIENT else None


def may_reuse(stored: StoredResponse, now: float, asked: Directives = NONE) -> CacheVerdict:
    """RFC 9111 section 4: whether the stored answer may be given without asking the origin. `asked` are the request's
    own directives where the operator lets clients have a say, else none. A yes with `stale-while-revalidate` wants a
    validation in the background (RFC 5861)."""
    said, ttl = stored.directives, stored.ttl(now)
    if said.no_cache:
        return _NO_CACHE
    if asked is not NONE and _refuses(asked, stored, now):
        return CacheVerdict(False, Why.REQUEST)
    if ttl > 0:
        return _FRESH
    if _must_revalidate(said):
        return CacheVerdict(False, Why.MUST_REVALIDATE)
    if -ttl < (said.stale_while_revalidate or 0):
        return CacheVerdict(True, Why.WHILE_REVALIDATE)
    if asked.max_stale is not None and said.s_maxage is None and -ttl <= asked.max_stale:
        return CacheVerdict(True, Why.STALE)
    return _STALE


def _refuses(asked: Directives, stored: StoredResponse, now: float) -> bool:
    """RFC 9111 5.2.1. A reload, which says max-age=0, changes nothing about what never changes (RFC 8246)."""
    if asked.no_cache or asked.no_store:
        return True
    ttl = stored.ttl(now)
    is_settled = stored.directives.immutable and ttl > 0
    too_old = asked.max_age is not None and stored.age(now) > asked.max_age and not is_settled
    return too_old or (asked.min_fresh is not None and ttl < asked.min_fresh)


def may_serve_on_error(stored: StoredResponse, now: float, *, default_seconds: float) -> CacheVerdict:
    """Whether a stale answer may stand in for an origin that cannot be reached or answers 5xx: for as long as
    `stale-if-error` says (RFC 5861), else `default_seconds`; never where the origin forbade it (RFC 9111 4.2.4)."""
    said = stored.directives
    if said.no_cache or _must_revalidate(said):
        return CacheVerdict(False, Why.MUST_REVALIDATE)
    longest: float = default_seconds
    if said.stale_if_error is not None:
        longest = said.stale_if_error
    elif said.s_maxage is not None:  # implies proxy-revalidate (RFC 9111 5.2.2.10)
        return CacheVerdict(False, Why.MUST_REVALIDATE)
    if -stored.ttl(now) > longest:
        return CacheVerdict(False, Why.TOO_STALE)
    return CacheVerdict(True, Why.IF_ERROR)


def _must_revalidate(said: Directives) -> bool:
    return said.must_revalidate or said.proxy_revalidate
