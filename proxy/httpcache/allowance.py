"""What an operator says for an origin that does not say it itself: how long its pages may be stored, which cookies and
parameters they depend on, and which cookies it sets needlessly.

Pure. Its law: the operator's words are put into a Cache-Control field for us alone, so that everything else follows RFC
9111 as usual. Whatever is stricter in the origin's fields stays, unless the operator names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from proxy.httpcache.cookies import cookie_value, pair_set_by
from proxy.httpcache.directives import Directives
from proxy.httpcache.key import COOKIE, vary_names
from proxy.httpcache.stored import Choices, is_event_stream, judged
from proxy.model import Headers

OUR_FIELD = b"tailorbird-cache-control"
OVERRULED = ("private", "no-cache", "no-store")
"""The words of an origin that an operator may overrule, by name."""


@dataclass(frozen=True)
class Allowance:
    """What the operator says of the pages of one pattern. Times are seconds, None: as the origin says. `cookies` None:
    nothing is said of cookies, and an answer that varies by them is not stored. `only_parameters` None: all parameters
    count except the ignored ones."""

    fresh: int | None = None
    while_renewing: int | None = None
    if_down: int | None = None
    despite: frozenset[str] = frozenset()
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

    def query(self, query: bytes) -> bytes:
        """The parameters that count, in the order they came."""
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

    def kept(self, headers: Headers, status: int, received_at: float, choices: Choices) -> Headers:
        """The origin's fields as they are stored: without needless cookies, and with the operator's lifetime."""
        said = self._said(headers, status, received_at, choices)
        replaced = OUR_FIELD if said is not None else b""
        kept = tuple(
            (name, value)
            for name, value in headers
            if name != replaced and not (name == b"set-cookie" and self._is_needless(value))
        )
        return kept if said is None else (*kept, (OUR_FIELD, said))

    def unsaid(self, kept: Headers, status: int) -> Headers:
        """Stored fields without the operator's additions, to be judged again with newer fields of the origin."""
        return tuple(field for field in kept if field[0] != OUR_FIELD) if self._speaks(kept, status) else kept

    def _speaks(self, headers: Headers, status: int) -> bool:
        """The origin's own words count for anything but a page that was found. A stream of events is none, though its
        path may be among those of pages."""
        return status == 200 and (self.fresh is not None or bool(self.despite)) and not is_event_stream(headers)

    def _said(self, headers: Headers, status: int, received_at: float, choices: Choices) -> bytes | None:
        """The operator's Cache-Control; None where the origin's counts."""
        if not self._speaks(headers, status):
            return None
        said, life = judged(status, headers, received_at, choices)
        seconds = life.seconds if self.fresh is None else self.fresh
        words = [b"max-age=%d" % seconds] if life.explicit or self.fresh is not None else []
        words += [b"%b=%d" % pair for pair in self._stale(said)]
        words += [word for word, holds in self._stricter(said) if holds and word.decode() not in self.despite]
        words += [b'%b="%b"' % (word, b",".join(sorted(named))) for word, named in _qualified(said) if named]
        return b", ".join(words) or b"overruled"  # a field without a member is as if it were not there

    def _stale(self, said: Directives) -> Iterable[tuple[bytes, int]]:
        renewing = said.stale_while_revalidate if self.while_renewing is None else self.while_renewing
        down = said.stale_if_error if self.if_down is None else self.if_down
        pairs = ((b"stale-while-revalidate", renewing), (b"stale-if-error", down))
        return ((word, seconds) for word, seconds in pairs if seconds is not None)

    def _stricter(self, said: Directives) -> Iterable[tuple[bytes, bool]]:
        # The origin's must-revalidate belongs to the lifetime it gave: with ours, ours says what stale pages may do.
        must = said.must_revalidate and self.fresh is None
        return (
            (b"private", said.private),
            (b"no-cache", said.no_cache),
            (b"no-store", said.no_store),
            (b"must-revalidate", must),
        )

    def choices(self, choices: Choices) -> Choices:
        """The choices to judge a stored answer by: the operator's field comes first."""
        return replace(choices, targeted_fields=(OUR_FIELD, *choices.targeted_fields))

    def judged_by(self, headers: Headers) -> Headers:
        """The fields as the verdict on storing sees them: without a Vary on cookies that the policy accounts for."""
        if self.cookies is None or b"cookie" not in vary_names(headers):
            return headers
        names = b", ".join(sorted(vary_names(headers) - {b"cookie"}))
        return (*(field for field in headers if field[0] != b"vary"), (b"vary", names))


def _qualified(said: Directives) -> Iterable[tuple[bytes, frozenset[bytes]]]:
    return ((b"private", said.private_fields), (b"no-cache", said.no_cache_fields))


@dataclass(frozen=True)
class CookieRoles:
    """What cookies mean for some pages. `own`: a visitor with this cookie makes their own request. `key`: there is a
    page for each value. `ignored`: it makes no difference. Any other cookie counts as `own`. A name may end in `*`."""

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
        """True when a visitor with this cookie gets no shared page."""
        return bool(self._own.fullmatch(name))

    def is_settled(self, name: bytes) -> bool:
        """True when this cookie is in the key, or makes no difference."""
        return bool(self._settled.fullmatch(name))

    @cached_property
    def varying_names(self) -> frozenset[bytes]:
        """The key cookies, as `Varying` names them."""
        return frozenset(COOKIE + name.encode() for name in self.key)

    def fields(self, request: Headers) -> Headers:
        """The Cookie field of a shared fetch: the key cookies, with the values in the key."""
        pairs = [(name.encode(), cookie_value(name.encode(), request)) for name in self.key]
        told = b"; ".join(b"%b=%b" % (name, value) for name, value in pairs if value)
        return ((b"cookie", told),) if told else ()


def names_pattern(names: Iterable[str]) -> re.Pattern[bytes]:
    """Matches (whole) any of the names, in which `*` stands for any ending."""
    written = [re.escape(name.removesuffix("*")) + ("[^=]*" if name.endswith("*") else "") for name in names]
    return re.compile("|".join(written).encode() if written else b"(?!)")
