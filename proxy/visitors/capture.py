"""What pages tell by themselves: which page, product or list a visitor opened, what they searched and how they narrowed
it, which banners they were shown. No tag is needed.

On the way to a visitor this is one append. What was noted is made into events when somebody's profile is asked for, so
that it counts on the next request, and otherwise a moment later. Only a browser that opens a page to show it counts:
no bot, no prefetch, no part of a page, nobody who does not want it. A visitor's first page waits until they come back
with their cookie: who never does is nobody's profile.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from proxy.events.intake import cut
from proxy.http.message import Request
from proxy.model import Arrival, Decision, Event, Item, Product, Visitor
from proxy.page.about import About
from proxy.settings import Settings
from proxy.visitors.consent import Consents
from proxy.visitors.context import REQUEST_ATTRIBUTES, SEARCH_PARAMETERS, Seen
from proxy.visitors.counted import is_opened, why_not_counted
from proxy.visitors.journal import Journal
from proxy.visitors.visitor import Cookies

SETTLE_SECONDS = 0.01
MOST_HELD = 10_000
MOST_REFINEMENTS = 5
SOURCE = "page"
NO_REFINEMENTS = {
    *SEARCH_PARAMETERS,
    "page",
    "p",
    "sort",
    "order",
    "view",
    "limit",
    "gclid",
    "fbclid",
    "msclkid",
    "ref",
}


class View(NamedTuple):
    """A page as it was given. `visitor` is None when nobody looked at the cookies yet; `is_first` when they get theirs
    with this page."""

    at: float
    request: Request
    about: About
    visitor: Visitor | None
    decisions: Sequence[Decision] = ()
    is_first: bool = False


class Capture:
    """One worker's. `journal` None: nothing is noted. `products` knows the catalogue."""

    def __init__(
        self,
        journal: Journal | None,
        cookies: Cookies,
        settings: Settings,
        products: Callable[[str], Product | None] = lambda _: None,
    ) -> None:
        self._journal = journal if settings.capture else None
        self._cookies = cookies
        self._consents = Consents(settings)
        self._products = products
        self._noted: list[View] = []
        self._held: OrderedDict[str, list[Arrival]] = OrderedDict()
        self._name = secrets.token_hex(6)
        self._numbers = itertools.count()

    def note(self, view: View) -> None:
        """A page is given to somebody."""
        if self._journal is None:
            return
        if not self._noted:
            asyncio.get_running_loop().call_later(SETTLE_SECONDS, self.settle)
        self._noted.append(view)

    def settle(self) -> None:
        """What was noted counts from now on."""
        if not self._noted or self._journal is None:
            return
        noted, self._noted = self._noted, []
        arrivals = [arrival for view in noted for arrival in self._counted(view)]
        if arrivals:
            self._journal.note(arrivals)

    def _counted(self, view: View) -> list[Arrival]:
        """The events of a page, if they count already."""
        if not is_opened(view.request) or why_not_counted(view.request, self._consents):
            return []
        visitor = view.visitor or self._cookies.read(view.request.cookies, view.at)
        if not visitor.id:
            return []
        arrivals = self._arrivals(view, visitor)
        if not view.is_first:
            return self._held.pop(visitor.id, []) + arrivals
        self._held[visitor.id] = arrivals
        if len(self._held) > MOST_HELD:
            self._held.popitem(last=False)
        return []

    def _arrivals(self, view: View, visitor: Visitor) -> list[Arrival]:
        id = f"{SOURCE}:{self._name}{next(self._numbers):x}"
        seen = Seen(view.request, visitor, view.at, b"")
        return [
            Arrival(
                visitor.id,
                Event(view.at, f"{id}-{number}", said.kind, cut(said.subject, 200), said.items, said.value),
                SOURCE,
                view.at,
                details=dict(said.details),
            )
            for number, said in enumerate(self._said(view, seen))
        ]

    def _said(self, view: View, seen: Seen) -> Iterator[Said]:
        yield Said("page viewed", str(_asked(seen, "page")), details=_origin(seen))
        if view.about.product is not None:
            item = self._completed(view.about.product)
            yield Said("product viewed", items=(item,), value=item.price)
        term = str(_asked(seen, "search term") or "")
        if term:
            yield Said("searched", term)
        elif view.about.listing:
            yield Said("list viewed", view.about.listing)
        if term or view.about.listing:
            yield from (Said("list filtered", refinement) for refinement in _refinements(seen))
        for decision in view.decisions:
            if decision.rule and decision.variant:
                yield Said(
                    "banner shown", decision.rule, details=(("slot", decision.slot), ("variant", decision.variant))
                )

    def _completed(self, item: Item) -> Item:
        """With what the catalogue knows and the page did not say."""
        known = self._products(item.product)
        if known is None:
            return item
        return replace(
            item,
            category=item.category or known.category,
            brand=item.brand or known.brand,
            price=item.price or known.price,
        )


class Said(NamedTuple):
    """An event that a page tells of."""

    kind: str
    subject: str = ""
    items: tuple[Item, ...] = ()
    value: float = 0.0
    details: tuple[tuple[str, str], ...] = ()


def _asked(seen: Seen, name: str) -> object:
    return REQUEST_ATTRIBUTES[name](seen)


def _origin(seen: Seen) -> tuple[tuple[str, str], ...]:
    """Where the visitor came from."""
    return tuple((name, cut(str(said), 200)) for name in ("referrer", "campaign") if (said := _asked(seen, name)))


def _refinements(seen: Seen) -> Iterator[str]:
    chosen = (
        f"{name}:{value}"
        for name, values in seen.parameters.items()
        if name.casefold() not in NO_REFINEMENTS and not name.casefold().startswith("utm_")
        for value in values
    )
    return itertools.islice(chosen, MOST_REFINEMENTS)
