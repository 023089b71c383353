"""What pages tell by themselves: which page, product or list a visitor opened, what they searched and how they narrowed
it, which banners they were shown: the view of a page names them. No tag is needed.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from proxy.audience.showings import SHOWN
from proxy.events.intake import cut
from proxy.http.message import Request
from proxy.model import Arrival, Decision, Event, Item, Product, Visitor
from proxy.page.about import About
from proxy.settings import Settings
from proxy.visitors.agreeing import Agreeing
from proxy.visitors.consent import Consents
from proxy.visitors.context import SEARCH_PARAMETERS, page_of, parameters_of, referrer_of, search_term_of
from proxy.visitors.counted import is_opened, why_not_counted
from proxy.visitors.journal import Journal
from proxy.visitors.visitor import Cookies

SETTLE_SECONDS = 0.01
MOST_HELD = 10_000
MOST_REFINEMENTS = 5
MOST_SHOWN = 16
"""So many banners does a page view name; those of a page with more are events of their own."""
MOST_BYTES = 200
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
    """One worker's. `journal` None: nothing is noted, it is not `is_on`. `products` knows the catalogue."""

    def __init__(
        self,
        journal: Journal | None,
        cookies: Cookies,
        settings: Settings,
        products: Callable[[str], Product | None] = lambda _: None,
    ) -> None:
        self._journal = journal if settings.capture else None
        self.is_on = self._journal is not None
        self._cookies = cookies
        self._consents = Consents(settings)
        self._agreeing = Agreeing(settings, cookies, self._consents)
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
        why_not = why_not_counted(view.request, self._consents)
        if not is_opened(view.request) or why_not == "bot":
            return []
        agreed = self._agreeing.news(view.request, view.visitor, view.at)
        if why_not:
            return agreed
        visitor = view.visitor or self._cookies.read(view.request.cookies, view.at)
        if not visitor.id:
            return []
        arrivals = agreed + self._arrivals(view, visitor)
        if not view.is_first:
            return self._held.pop(visitor.id, []) + arrivals
        self._held[visitor.id] = arrivals
        if len(self._held) > MOST_HELD:
            self._held.popitem(last=False)
        return []

    def _arrivals(self, view: View, visitor: Visitor) -> list[Arrival]:
        id = f"{SOURCE}:{self._name}{next(self._numbers):x}"
        at, details = view.at, _details(view)
        return [
            Arrival(visitor.id, event, SOURCE, at, details=details if event.kind == "page viewed" else {})
            for event in self._events(view, id)
        ]

    def _events(self, view: View, id: str) -> Iterator[Event]:
        """What a page tells of, each by its own number."""
        at, about, numbers = view.at, view.about, itertools.count(1)
        shown = tuple([cut(decision.rule, MOST_BYTES) for decision in _banners(view)])
        yield Event(
            at, f"{id}-0", "page viewed", cut(page_of(view.request.path), MOST_BYTES), (), 0.0, shown[:MOST_SHOWN]
        )
        for rule in shown[MOST_SHOWN:]:
            yield Event(at, f"{id}-{next(numbers)}", SHOWN, rule)
        if about.product is not None:
            item = self._completed(about.product)
            yield Event(at, f"{id}-{next(numbers)}", "product viewed", "", (item,), item.price)
        parameters = parameters_of(view.request.query)
        term = search_term_of(parameters)
        if term:
            yield Event(at, f"{id}-{next(numbers)}", "searched", cut(term, MOST_BYTES))
        elif about.listing:
            yield Event(at, f"{id}-{next(numbers)}", "list viewed", cut(about.listing, MOST_BYTES))
        if term or about.listing:
            for refinement in _refinements(parameters):
                yield Event(at, f"{id}-{next(numbers)}", "list filtered", cut(refinement, MOST_BYTES))

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


def _banners(view: View) -> list[Decision]:
    """What of a rule was shown, in page order."""
    return [decision for decision in view.decisions if decision.rule and decision.variant]


def _details(view: View) -> dict[str, str | float | bool]:
    """Where the visitor came from, and which variant each slot showed."""
    details: dict[str, str | float | bool] = {f"slot {one.slot}": one.variant for one in _banners(view)}
    if referrer := referrer_of(view.request):
        details["referrer"] = cut(referrer, MOST_BYTES)
    if view.request.query and (campaign := parameters_of(view.request.query).get("utm_campaign")):
        details["campaign"] = cut(campaign[0], MOST_BYTES)
    return details


def _refinements(parameters: Mapping[str, Sequence[str]]) -> Iterator[str]:
    chosen = (
        f"{name}:{value}"
        for name, values in parameters.items()
        if name.casefold() not in NO_REFINEMENTS and not name.casefold().startswith("utm_")
        for value in values
    )
    return itertools.islice(chosen, MOST_REFINEMENTS)
