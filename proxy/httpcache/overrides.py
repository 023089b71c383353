"""The cache settings of an operator (`cache.yaml`) for an origin that does not send them: how long pages may be stored,
which cookies and query parameters they depend on, and which cookies are set needlessly.

Pure. The settings are written into a Cache-Control field of our own (`OWN_FIELD`) that takes precedence, so that
everything else follows RFC 9111 as usual. Directives of the origin that are stricter stay, unless the operator
overrules them by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from proxy.httpcache.cookies import cookie_value, pair_set_by
from proxy.httpcache.directives import Directives
from proxy.httpcache.key import COOKIE, vary_names
from proxy.httpcache.stored import CacheOptions, directives_and_lifetime, is_event_stream
from proxy.model import Headers

OWN_FIELD = b"tailorbird-cache-control"
OVERRULABLE = ("private", "no-cache", "no-store")
"""The directives of an origin that an operator may overrule, by name."""


@dataclass(frozen=True)
class CacheOverrides:
    """An operator's cache settings for the pages of one pattern. Times are seconds; None for what the origin says.

    * `overruled`: directives of the origin (of `OVERRULABLE`) that do not count.
    * `cookies`: None if nothing is said of cookies; an answer that varies by them is then not stored.
    * `only_parameters`: the query parameters that count; None for all except `ignored_parameters`.
    * `dropped_cookies`: names of cookies that the origin sets needlessly.
    """

    fresh_seconds: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None
    overruled: frozenset[str] = frozenset()
    cookies: CookieRoles | None = None
    ignored_parameters: tuple[str, ...] = ()
    only_parameters: tuple[str, ...] | None = None
    dropped_cookies: tuple[str, ...] = ()

    @cached_property
    def _ignored(self) -> re.Pattern[bytes]:
        return names_pattern(self.ignored_parameters)

    @cached_property
    def _only(self) -> re.Pattern[bytes] | None:
        return None if self.only_parameters is None else names_pattern(self.only_parameters)

    @cached_property
    def _dropped(self) -> re.Pattern[bytes]:
        return names_pattern(self.dropped_cookies)

    def significant_query(self, query: bytes) -> bytes:
        """The query with only the parameters that count, in their order."""
        if not query or not (self.ignored_parameters or self._only):
            return query
        return b"&".join(pair for pair in query.split(b"&") if self._counts(pair.partition(b"=")[0]))

    def _counts(self, name: bytes) -> bool:
        if self._only is not None:
            return bool(self._only.fullmatch(name))
        return not self._ignored.fullmatch(name)

    def needless_cookies(self, headers: Headers) -> tuple[bytes, ...]:
        """The Set-Cookie values that need not reach visitors."""
        return tuple(value for name, value in headers if name == b"set-cookie" and self._is_needless(value))

    def _is_needless(self, set_cookie: bytes) -> bool:
        return bool(self._dropped.fullmatch(pair_set_by(set_cookie)[0]))

    def stored_headers(self, headers: Headers, status: int, received_at: float, options: CacheOptions) -> Headers:
        """The origin's fields as they are stored: without needless cookies, and with the operator's settings."""
        own = self._cache_control(headers, status, received_at, options)
        replaced = OWN_FIELD if own is not None else b""
        stored = tuple(
            (name, value)
            for name, value in headers
            if name != replaced and not (name == b"set-cookie" and self._is_needless(value))
        )
        return stored if own is None else (*stored, (OWN_FIELD, own))

    def without_own_field(self, stored: Headers, status: int) -> Headers:
        """Stored fields without `OWN_FIELD`, to be evaluated again with newer fields of the origin."""
        return tuple(field for field in stored if field[0] != OWN_FIELD) if self._applies_to(stored, status) else stored

    def _applies_to(self, headers: Headers, status: int) -> bool:
        """Whether lifetime settings apply: only to pages that were found (status 200), and not to event streams, even
        if their path matches the pattern."""
        return (
            status == 200 and (self.fresh_seconds is not None or bool(self.overruled)) and not is_event_stream(headers)
        )

    def _cache_control(self, headers: Headers, status: int, received_at: float, options: CacheOptions) -> bytes | None:
        """The value of `OWN_FIELD`; None if the origin's fields count."""
        if not self._applies_to(headers, status):
            return None
        origin, life = directives_and_lifetime(status, headers, received_at, options)
        seconds = life.seconds if self.fresh_seconds is None else self.fresh_seconds
        own = [b"max-age=%d" % seconds] if life.explicit or self.fresh_seconds is not None else []
        own += [b"%b=%d" % pair for pair in self._stale_directives(origin)]
        own += [flag for flag, is_set in self._flags(origin) if is_set and flag.decode() not in self.overruled]
        qualified = ((b"private", origin.private_fields), (b"no-cache", origin.no_cache_fields))
        own += [b'%b="%b"' % (name, b",".join(sorted(fields))) for name, fields in qualified if fields]
        return b", ".join(own) or b"overruled"  # an empty field would count as absent

    def _stale_directives(self, origin: Directives) -> Iterable[tuple[bytes, int]]:
        renewing = origin.stale_while_revalidate if self.stale_while_revalidate is None else self.stale_while_revalidate
        down = origin.stale_if_error if self.stale_if_error is None else self.stale_if_error
        pairs = ((b"stale-while-revalidate", renewing), (b"stale-if-error", down))
        return ((name, seconds) for name, seconds in pairs if seconds is not None)

    def _flags(self, origin: Directives) -> Iterable[tuple[bytes, bool]]:
        # The origin's must-revalidate belongs to the lifetime it gave, and is dropped with that.
        must_revalidate = origin.must_revalidate and self.fresh_seconds is None
        return (
            (b"private", origin.private),
            (b"no-cache", origin.no_cache),
            (b"no-store", origin.no_store),
            (b"must-revalidate", must_revalidate),
        )

    def with_own_field(self, options: CacheOptions) -> CacheOptions:
        """The options to evaluate a stored answer by: `OWN_FIELD` takes precedence."""
        return replace(options, targeted_fields=(OWN_FIELD, *options.targeted_fields))

    def without_vary_cookie(self, headers: Headers) -> Headers:
        """The fields for the verdict on storing: without `Vary: Cookie` if `cookies` says what each cookie means."""
        if self.cookies is None or b"cookie" not in vary_names(headers):
            return headers
        names = b", ".join(sorted(vary_names(headers) - {b"cookie"}))
        return (*(field for field in headers if field[0] != b"vary"), (b"vary", names))


@dataclass(frozen=True)
class CookieRoles:
    """What cookies mean for some pages, by name; a name may end in `*`.

    * `own`: a visitor with this cookie makes their own request; so does one with a cookie that is not listed.
    * `key`: one page is stored for each value.
    * `ignored`: the cookie makes no difference.
    """

    own: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @cached_property
    def _own(self) -> re.Pattern[bytes]:
        return names_pattern(self.own)

    @cached_property
    def _settled(self) -> re.Pattern[bytes]:
        return names_pattern((*self.key, *self.ignored))

    def makes_own(self, name: bytes) -> bool:
        """True if a visitor with this cookie gets no shared page."""
        return bool(self._own.fullmatch(name))

    def is_settled(self, name: bytes) -> bool:
        """True if this cookie is part of the key, or ignored."""
        return bool(self._settled.fullmatch(name))

    @cached_property
    def varying_names(self) -> frozenset[bytes]:
        """The names of the key cookies as in `Varying`."""
        return frozenset(COOKIE + name.encode() for name in self.key)

    def cookie_field(self, request: Headers) -> Headers:
        """The Cookie field of a shared fetch: the request's key cookies; no field if it has none of them."""
        pairs = [(name.encode(), cookie_value(name.encode(), request)) for name in self.key]
        cookies = b"; ".join(b"%b=%b" % (name, value) for name, value in pairs if value)
        return ((b"cookie", cookies),) if cookies else ()


def names_pattern(names: Iterable[str]) -> re.Pattern[bytes]:
    """A pattern whose `fullmatch` matches any of the names; a `*` at the end stands for anything. Without names it
    matches nothing."""
    patterns = [re.escape(name.removesuffix("*")) + ("[^=]*" if name.endswith("*") else "") for name in names]
    return re.compile("|".join(patterns).encode() if patterns else b"(?!)")
