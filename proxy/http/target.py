"""What a request means to the cache: its key, the keys that it may change, and whether it may be answered by a shared
answer at all. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urljoin

from proxy.http.authority import DEFAULT_PORTS
from proxy.http.message import Request
from proxy.httpcache.directives import Directives
from proxy.httpcache.key import normalised, target_key
from proxy.model import Headers
from proxy.rulebook.policy import NO_POLICY, PagePolicy, Policy

_SAFE = frozenset(b"GET HEAD OPTIONS TRACE PROPFIND QUERY REPORT SEARCH".split())
"""The methods that IANA's registry calls safe (RFC 9110 16.1), without PRI, which no request has."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What a request asks for: the cache key; the request for a shared fetch, without ignored parameters; and the
    operator's `policy` for the page."""

    key: bytes
    shared: Request
    policy: PagePolicy | None = None


def sought(request: Request, policy: PagePolicy | None, *, is_json: bool = False) -> Sought:
    """What is asked for, by the policy of the page it is. `is_json` when it may be JSON with slots: that is asked for
    uncoded, as pages are, since it is cut."""
    shared = request
    if policy is not None and (query := policy.overrides.significant_query(request.query)) != request.query:
        shared = replace(request, query=query)
    key = key_of(shared)
    if is_json:
        headers = tuple(field for field in request.headers if field[0] != b"accept-encoding")
        shared = replace(shared, headers=headers)
    shared.on_hints, shared.wait = request.on_hints, request.wait
    return Sought(key, shared, policy)


def kept_as(address: bytes, policy: Policy) -> bytes:
    """A key, or a target on every host, as its page is kept: without the parameters that make no difference there."""
    whole, _, query = address.partition(b"?")
    page = policy.of(path_of(whole), query) if query else None
    counts = query if page is None else page.overrides.significant_query(query)
    if counts == query:
        return address
    return whole + b"?" + counts if counts else whole


def path_of(address: bytes) -> bytes:
    """The path of a key, or of a target on every host."""
    whole = address.partition(b"?")[0]
    return whole if whole.startswith(b"/") else whole[whole.index(b"/", whole.index(b"://") + 3) :]


def key_of(request: Request) -> bytes:
    """The key under which its answer is stored."""
    if request.question is not None:
        return request.question.key
    return target_key(request.scheme.encode(), request.host, request.target)


def is_for_the_origin(request: Request) -> bool:
    """True when it has a condition that only the origin can evaluate (RFC 9111 4.3.2)."""
    if request.question is not None:  # no header set has one
        return False
    return request.get(b"if-match") is not None or request.get(b"if-unmodified-since") is not None


def why_never_shared(request: Request, wishes: Directives, *, is_stored: bool) -> str:
    """The reason why only the visitor's own request can be answered; "" when a shared fetch might do. A range of an
    answer that is not stored comes from the origin."""
    if wishes.no_store:
        return "no-store"
    if not is_stored and request.get(b"range") is not None:
        return "range"
    return "condition" if is_for_the_origin(request) else ""


def changed_by(request: Request, status: int, headers: Headers, policy: Policy = NO_POLICY) -> set[bytes]:
    """The keys that are out of date once `request` was answered so (RFC 9111 4.4): its own, and what Location and
    Content-Location name on the same host, as they are kept; but not pages that an operator says forms leave alone, or
    are not kept at all."""
    if request.method in _SAFE or not 200 <= status < 400:
        return set()
    key = key_of(request)
    named = (_on_our_host(request, value) for name, value in headers if name in (b"location", b"content-location"))
    about = (key, *filter(None, named))
    return {kept_as(one, policy) for one in about if _is_changed_by_forms(one, policy)}


def _is_changed_by_forms(address: bytes, policy: Policy) -> bool:
    page = policy.of(path_of(address), address.partition(b"?")[2])
    return page is None or (page.is_kept and page.is_changed_by_forms)


def _on_our_host(request: Request, reference: bytes) -> bytes:
    """The key of an address that the answer names; "" for none, and for one elsewhere."""
    try:
        whole, mark, query = urljoin(key_of(request), reference).partition(b"#")[0].partition(b"?")
    except ValueError:  # as `http://[`
        return b""
    scheme, _, rest = whole.partition(b"://")
    host, _, path = rest.partition(b"/")
    ours, usual_port = request.scheme.encode(), b":%d" % DEFAULT_PORTS[request.scheme]
    is_ours = host.lower().removesuffix(usual_port) == request.host.removesuffix(usual_port)
    if scheme.lower() != ours or not is_ours:
        return b""
    return target_key(ours, request.host, normalised(b"/" + path)) + mark + query
