"""An operator's policy (`cache.yaml`) for pages of an origin that sends no usable cache headers.

Its law: what a policy does not mention is as the origin says. It is read by `cachefile.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote_plus, unquote_to_bytes

from proxy.httpcache.overrides import CacheOverrides, CookieRoles
from proxy.memo import make_room
from proxy.page.holes import FillKind, Hole
from proxy.page.slots import matches_page

_REMEMBERED, _LONGEST = 20_000, 200
"""So many paths' policy is remembered, if they are not longer than that."""
_CODED_NAME = re.compile("[^=]*?[%+]")


@dataclass(frozen=True)
class PagePolicy:
    """What holds for the pages of one pattern: a path, and parameters that an address must have, as
    `/index.php?route=checkout/*`.

    * `is_kept` False: every visitor asks the origin.
    * `is_compared` False: a page is kept without comparing two fetches of it first.
    * `is_changed_by_forms` False: a POST to a page does not put it out of date (RFC 9111 4.4 would).
    * `fills_cart`: a form sent to it puts a product into the cart.
    * `has_includes`: `<esi:include>` counts here although the origin does not say so.
    * `has_slots` False: none of its slots is filled.
    * `wait_seconds`: how long the origin may be silent before it answers (long polling), 0 for as the settings say.
    """

    pattern: str
    overrides: CacheOverrides = field(default_factory=CacheOverrides)
    holes: tuple[Hole, ...] = ()
    is_kept: bool = True
    is_compared: bool = True
    is_changed_by_forms: bool = True
    fills_cart: bool = False
    has_includes: bool = False
    has_slots: bool = True
    wait_seconds: int = 0

    @cached_property
    def path(self) -> str:
        """The pattern without parameters."""
        return self.pattern.partition("?")[0]

    @cached_property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """What the parameters of an address must match, by name; any value where a name stands alone."""
        pairs = [pair for pair in self.pattern.partition("?")[2].split("&") if pair]
        return tuple(_read(pair if "=" in pair else f"{pair}=*") for pair in pairs)

    def is_for(self, path: str, parameters: Mapping[str, str]) -> bool:
        """Whether it holds for the page at a path, decoded, with these parameters."""
        return matches_page(self.path, path) and all(
            name in parameters and matches_page(value, parameters[name]) for name, value in self.parameters
        )

    @property
    def is_passed_on(self) -> bool:
        """True when nothing in the page is filled, so that it need not be read whole."""
        return not (self.is_kept or self.has_slots or self.holes or self.has_includes)

    @cached_property
    def has_nonce(self) -> bool:
        """True when the page's nonces are holes."""
        return any(hole.fill.kind is FillKind.NONCE for hole in self.holes)

    @cached_property
    def cookies(self) -> CookieRoles | None:
        """The roles of a request's cookies for these pages. Those that holes are filled from do not affect what is
        stored."""
        said = self.overrides.cookies
        if said is None:
            return None
        return CookieRoles(said.own, said.key, (*said.ignored, *cookies_of(self.holes)))


def _read(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return unquote_plus(name), unquote_plus(value)


def cookies_of(holes: tuple[Hole, ...]) -> Iterator[str]:
    """The cookies that holes are filled from."""
    kinds = (FillKind.COOKIE, FillKind.DJANGO_TOKEN)
    return (hole.fill.source for hole in holes if hole.fill.kind in kinds)


@dataclass(frozen=True)
class Policy:
    """The policies of all pages, in order: the first whose pattern matches a path applies. What holes are filled with
    by a fetch is each visitor's own, unless a policy is for that very path."""

    pages: tuple[PagePolicy, ...] = ()
    _known: dict[bytes, PagePolicy | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, path: bytes, query: bytes = b"") -> PagePolicy | None:
        """The policy of the page at a path with a query (both in wire form); None when there is none."""
        if not self.pages:
            return None
        asked = b"%b?%b" % (path, query) if query and self._names else path
        if len(asked) > _LONGEST:
            return self._found(asked)
        if asked not in self._known:
            make_room(self._known, _REMEMBERED)
            self._known[asked] = self._found(asked)
        return self._known[asked]

    def _found(self, asked: bytes) -> PagePolicy | None:
        path, _, query = asked.partition(b"?")
        readable = unquote_to_bytes(path).decode("utf-8", "replace")
        pairs = query.decode("utf-8", "replace").split("&") if query else ()
        parameters = dict(
            _read(pair) for pair in pairs if _CODED_NAME.match(pair) or pair.partition("=")[0] in self._names
        )
        page = next((page for page in self.pages if page.is_for(readable, parameters)), None)
        is_own = page is not None and page.pattern != readable and readable in self._fetched
        return PagePolicy(page.pattern, is_kept=False) if page and is_own else page

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name for page in self.pages for name, _ in page.parameters)

    @cached_property
    def _fetched(self) -> frozenset[str]:
        fills = [hole.fill for page in self.pages for hole in page.holes]
        return frozenset(fill.source.partition("?")[0] for fill in fills if fill.kind is FillKind.FETCH)


NO_POLICY = Policy()
