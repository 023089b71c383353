"""By which fields of a request the origin chooses among its answers, as its Vary says. Pure.

Its law: a field is sent on only if it tells stored answers apart, so what one visitor says there changes nothing for
another.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from proxy.http.message import Request
from proxy.http.target import Sought
from proxy.httpcache.key import Varying, in_coding, vary_names, varying
from proxy.httpcache.stored import StoredResponse
from proxy.model import Headers
from proxy.rulebook.policy import PagePolicy
from proxy.serve.shared_fetch import SharedFetch
from proxy.upstream.asking import Asking, shared_accept_encoding

# We send these ourselves, the same for every request with that key: they cannot tell answers apart.
_SAME_FOR_ALL = frozenset(b"host via forwarded x-forwarded-host x-forwarded-proto surrogate-capability".split())
_FROM_PROXIES = frozenset({b"x-forwarded-host", b"x-forwarded-proto"})
"""Where all fields are forwarded, what a trusted proxy says there stands."""
_NEVER_SENT = frozenset({b"cookie", b"authorization"})
_NEXT_STATE, _NEXT_URL = b"next-router-state-tree", b"next-url"


class Negotiation:
    """What of this is the same for all requests, by the operator's settings."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._same_for_all = _SAME_FOR_ALL - _FROM_PROXIES if asking.tells_all else _SAME_FOR_ALL

    def untold(self, fetch: SharedFetch, answer: Headers, told: Set[bytes]) -> Set[bytes]:
        """The fields that the answer's Vary names, and that the visitor sent and we did not pass on, Accept-Language
        for one."""
        return self._asking.untold(fetch.request, chosen_names(answer) - told - self._same_for_all)

    def chosen_by(self, fetch: SharedFetch, stored: StoredResponse, *, is_cut: bool) -> Varying:
        """The fields the answer was chosen by, as we sent them. An uncoded page is coded by us as anybody wants it, so
        Accept-Encoding does not tell it apart; what came coded is only for who takes that coding."""
        request, cookies = fetch.request, fetch.policy.cookies if fetch.policy else None
        names = fetch.unnamed | chosen_names(judged_headers(fetch.policy, stored.headers)) - self._same_for_all
        came_in = stored.get(b"content-encoding") or b""
        if came_in:
            names |= {b"accept-encoding"}
        elif is_cut:
            names -= {b"accept-encoding"}
        unsent = _NEVER_SENT | {b"accept-encoding"}
        sent = tuple(field for field in request.headers if field[0] not in unsent)
        coding = (b"accept-encoding", shared_accept_encoding(request))
        if cookies is not None:
            names |= cookies.varying_names
        chosen = varying(names, (*sent, *told_cookies(fetch), *self._asking.credentials(request), coding))
        return in_coding(chosen, came_in.strip().lower())


def chosen_names(answer: Headers) -> Set[bytes]:
    """The request fields that the origin chooses by: those its Vary names. Next.js also chooses by `Next-Url`, which it
    does not name: it redirects a router's request unless the address has a hash of that and the others (`_rsc`)."""
    names = vary_names(answer)
    return names | {_NEXT_URL} if _NEXT_STATE in names else names


def depends_on_credentials(answer: Headers, request: Request) -> bool:
    """Whether the origin says that it chooses by credentials, and the request has some: without being told them, it
    answers what is for strangers."""
    return request.get(b"authorization") is not None and b"authorization" in vary_names(answer)


def told_cookies(fetch: SharedFetch) -> Headers:
    """The cookies that the page is kept by."""
    cookies = fetch.policy.cookies if fetch.policy else None
    return () if cookies is None else cookies.cookie_field(fetch.request.headers)


def judged_headers(policy: PagePolicy | None, headers: Headers) -> Headers:
    """The fields of an answer as a verdict on storing sees them."""
    return headers if policy is None else policy.overrides.without_vary_cookie(headers)


def without_choices(fetch: SharedFetch) -> SharedFetch | None:
    """The same fetch on behalf of somebody who says nothing of what Vary names; None where this one does not either."""
    chosen = fetch.told - {b"accept-encoding"}
    if told_cookies(fetch):
        chosen |= {b"cookie"}
    request = fetch.request
    headers = tuple(field for field in request.headers if field[0] not in chosen)
    if len(headers) == len(request.headers):
        return None
    return SharedFetch(Sought(fetch.key, replace(request, headers=headers), fetch.policy), None, is_led=False)
