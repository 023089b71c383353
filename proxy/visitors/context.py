"""What is known of a visitor and a request, as the attributes that rule files use.

`REQUEST_ATTRIBUTES` says where each comes from. Only what the page's rules depend on is worked out; unknown values are
left out. Nothing here reads a clock or waits: the profile, if any, was read before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from proxy.audience.traits import TRAIT_MEASURES, reading, trait
from proxy.conditions.localtime import CLOCK_ATTRIBUTES
from proxy.conditions.phrase import site_name
from proxy.errors import RequestError
from proxy.http.message import Request
from proxy.model import AttributeValue, EvaluationContext, Measure, Profile, Visitor, nothing_read
from proxy.visitors.parameters import first_of, parameters_of, search_term_of
from proxy.visitors.places import PLACE_ATTRIBUTES, PlaceHeaders, country_in

NEW_VISITOR_SECONDS = 30 * 60
MAX_LANGUAGES = 20
MAX_FIELD_BYTES = 512
MAX_HOST = 253
REFINEMENT = "refinement."
NOT_SAID: PlaceHeaders = {}

LANGUAGE = re.compile(r"([a-z]{1,8}(?:-[a-z0-9]{1,8}){0,4})(?:\s*;\s*q=([01](?:\.[0-9]{0,3})?))?", re.ASCII)
_SESSION = re.compile(rb";jsessionid=[^/;]*")


class Seen:
    """A request and its visitor at one moment; the query is parsed when first needed. `place_headers` is empty if the
    client is not trusted to say where the visitor is."""

    __slots__ = ("_parameters", "now", "place_headers", "request", "visitor")

    def __init__(self, request: Request, visitor: Visitor, now: float, place_headers: PlaceHeaders) -> None:
        self.request = request
        self.visitor = visitor
        self.now = now
        self.place_headers = place_headers
        self._parameters: dict[str, list[str]] | None = None

    @property
    def parameters(self) -> dict[str, list[str]]:
        """Query parameters by name, decoded; those without a value are left out."""
        if self._parameters is None:
            self._parameters = parameters_of(self.request.query)
        return self._parameters

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return first_of(self.parameters, name) or None

    def place(self, name: str) -> bytes:
        """What is sent in the field that names this place; b"" for none."""
        field = self.place_headers.get(name)
        return (self.request.get(field) or b"")[:MAX_FIELD_BYTES] if field else b""


def context_of(
    request: Request,
    visitor: Visitor,
    profile: Profile | None,
    *,
    now: float,
    place_headers: PlaceHeaders = NOT_SAID,
    asked: Collection[str] | None = None,
    measures: Mapping[str, Measure] = TRAIT_MEASURES,
) -> EvaluationContext:
    """What deciding may know. `asked` names the attributes the page's rules ask for, None is all there are; `measures`
    those that are read off the profile's history.

    `place_headers` are the fields in which a trusted proxy says where the visitor is; pass none when the client that
    connected is not one.
    """
    seen = Seen(request, visitor, now, place_headers)
    names = tuple(_every_attribute(seen, profile, measures) if asked is None else asked)
    return context_from(seen, profile, names, values_of(names, seen, profile, measures))


def context_from(
    seen: Seen, profile: Profile | None, names: Iterable[str], values: Iterable[AttributeValue | None]
) -> EvaluationContext:
    """The same, from attributes and their values; None for what is not known."""
    return EvaluationContext(
        seen.visitor.id,
        seen.now,
        {name: value for name, value in zip(names, values, strict=True) if value is not None},
        unverified=unsigned_only(seen.visitor, profile),
        bucket_key=profile.bucket_key if profile is not None else "",
        read=_reader(profile, seen.now) if profile is not None and profile.history else nothing_read,
        history=profile.history if profile is not None else (),
        remembered=profile.remembered if profile is not None else {},
        consent=seen.visitor.consent,
    )


def values_of(
    names: Iterable[str], seen: Seen, profile: Profile | None, measures: Mapping[str, Measure]
) -> tuple[AttributeValue | None, ...]:
    """The values of these attributes, None for what is not known."""
    values: list[AttributeValue | None] = []
    for name in names:
        source = REQUEST_ATTRIBUTES.get(name)
        if source is not None:
            values.append(source(seen))
        elif name in seen.place_headers:
            values.append(PLACE_ATTRIBUTES[name](seen.place))
        elif name in measures:
            values.append(trait(profile, name, measures[name], seen.now) if profile is not None else None)
        else:
            values.append(_of_visitor(name, seen, profile))
    return tuple(values)


Source = Callable[[Visitor, Profile | None, float], AttributeValue | None]
"""Where an attribute of a visitor comes from, at a moment."""


def source_of(name: str) -> Source:
    """Of an attribute that is neither the request's alone nor read off the history."""
    if name == "visitor":
        return _newness
    if name == "segment":
        return _segments
    return lambda _, profile, now: profile.attributes.get(name) if profile is not None else None


def is_of_request(name: str) -> bool:
    """True for an attribute that depends only on the request, not on visitor or time; places are apart."""
    return (name in REQUEST_ATTRIBUTES and name != "visitor") or name.startswith(REFINEMENT)


def request_of(url: str) -> Request:
    """A request for a page by its path or address, without a client. Raises `RequestError`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.path.startswith("/") and not parts.netloc:
        raise RequestError(f"`{url}` is not a page", help="write its path, like /sale, or its whole address")
    return Request(b"GET", parts.path.encode() or b"/", parts.query.encode(), parts.netloc.encode(), ())


def needs_profile(asked: Collection[str]) -> bool:
    """Whether any of the attributes can come from the profile, so that a look-up is worth its wait. Segments can;
    the clock's weekday and hours cannot."""
    return any(
        name not in REQUEST_ATTRIBUTES and name not in CLOCK_ATTRIBUTES and not name.startswith(REFINEMENT)
        for name in asked
    )


def _reader(profile: Profile, now: float) -> Callable[[Measure], AttributeValue | None]:
    return lambda measure: reading(profile, measure, now)


def _of_visitor(name: str, seen: Seen, profile: Profile | None) -> AttributeValue | None:
    if name.startswith(REFINEMENT):
        return frozenset(seen.parameters.get(name[len(REFINEMENT) :], ())) or None
    return source_of(name)(seen.visitor, profile, seen.now)


def _every_attribute(seen: Seen, profile: Profile | None, measures: Mapping[str, Measure]) -> Iterator[str]:
    yield from REQUEST_ATTRIBUTES
    yield from seen.place_headers.keys() & PLACE_ATTRIBUTES.keys()
    yield "segment"
    yield from (REFINEMENT + name for name in seen.parameters)
    if profile is not None:
        yield from (name for name in profile.attributes if name not in REQUEST_ATTRIBUTES and name != "segment")
        yield from (name for name in measures if name not in profile.attributes)


# -- segments


def _segments(visitor: Visitor, profile: Profile | None, _: float) -> frozenset[str] | None:
    """The visitor's segments; mostly one of the sets unchanged, since its hash is cached."""
    known = visitor.segments
    if profile is not None and profile.segments:
        known = known | profile.segments if known else profile.segments
    if visitor.unverified:
        known = known | visitor.unverified if known else visitor.unverified
    return known or None


def unsigned_only(visitor: Visitor, profile: Profile | None) -> frozenset[str]:
    """The segments that are neither signed nor in the profile."""
    if not visitor.unverified:
        return visitor.unverified
    signed = visitor.segments | (profile.segments if profile is not None else frozenset())
    folded = {name.casefold() for name in signed}
    return frozenset(name for name in visitor.unverified if name.casefold() not in folded)


def device_in(request: Request) -> str | None:
    """The kind of device that a request comes from; None when it does not say."""
    user_agent = (request.get(b"user-agent") or b"")[:MAX_FIELD_BYTES]
    return device_of(user_agent, request.get(b"sec-ch-ua-mobile") or b"")


@lru_cache(maxsize=1_024)
def page_of(path: bytes) -> str:
    """A path as people read it, without the session id that servlets write into it for who has sent no cookie yet."""
    return unquote(_SESSION.sub(b"", path).decode("utf-8", "replace"))


def _newness(visitor: Visitor, _: Profile | None, now: float) -> str:
    is_new = not visitor.id or now - visitor.first_seen_at < NEW_VISITOR_SECONDS
    return "new" if is_new else "returning"


# -- reading fields


def referrer_of(request: Request) -> str:
    """The host of another site that led here; "" for none."""
    referer = request.get(b"referer")
    host = host_of(referer) if referer else ""
    return host if 0 < len(host) <= MAX_HOST and host != host_of(b"//" + request.host) else ""


@lru_cache(maxsize=1_024)
def languages_of(accept_language: bytes) -> frozenset[str] | None:
    """The language wanted most and its primary subtag, as {"nl-be", "nl"}; None when none is named."""
    best, best_weight = "", 0.0
    for entry in accept_language.decode("latin-1").lower().split(",", MAX_LANGUAGES)[:MAX_LANGUAGES]:
        match = LANGUAGE.fullmatch(entry.strip())
        if match and (weight := float(match[2] or 1)) > best_weight:
            best, best_weight = match[1], weight
    return frozenset({best, best.partition("-")[0]}) if best else None


@lru_cache(maxsize=1_024)
def device_of(user_agent: bytes, mobile_hint: bytes) -> str | None:
    """Phone, tablet or desktop; None when the client does not say what it is. Android tablets leave out `Mobile`;
    iPads since iPadOS 13 say they are a Mac, and count as desktop."""
    if b"iPad" in user_agent or b"Tablet" in user_agent or (b"Android" in user_agent and b"Mobi" not in user_agent):
        return "tablet"
    if mobile_hint == b"?1" or (not mobile_hint and b"Mobi" in user_agent):
        return "phone"
    return "desktop" if user_agent or mobile_hint else None


@lru_cache(maxsize=1_024)
def host_of(url: bytes) -> str:
    """The host of a URL as people write it, in small letters, without port and `www.`; empty when there is none."""
    authority = re.split(rb"[/?#]", url.partition(b"//")[2], maxsplit=1)[0]
    host = authority.rpartition(b"@")[2].decode("latin-1").lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return site_name(host.partition(":")[0].removeprefix("www."))


# -- where request attributes come from

REQUEST_ATTRIBUTES: dict[str, Callable[[Seen], AttributeValue | None]] = {
    "country": lambda seen: country_in(seen.place("country")),
    "language": lambda seen: languages_of((seen.request.get(b"accept-language") or b"")[:MAX_FIELD_BYTES]),
    "device": lambda seen: device_in(seen.request),
    "page": lambda seen: page_of(seen.request.path),
    "search term": lambda seen: search_term_of(seen.parameters) or None,
    "campaign": lambda seen: seen.parameter("utm_campaign"),
    "campaign.source": lambda seen: seen.parameter("utm_source"),
    "campaign.medium": lambda seen: seen.parameter("utm_medium"),
    "campaign.term": lambda seen: seen.parameter("utm_term"),
    "campaign.content": lambda seen: seen.parameter("utm_content"),
    "referrer": lambda seen: referrer_of(seen.request) or None,
    "visitor": lambda seen: _newness(seen.visitor, None, seen.now),
}
