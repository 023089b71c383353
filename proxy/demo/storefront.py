"""The pages everybody sees alike: home, listings, products, sale. And the search page, which looks like them but
remembers what this session searched for, so it is private.

A listing is narrowed and sorted by its address: `/c/shoes?colour=red&price=50-100&sort=price-up`. Only the parameters
named here count. Others, as those of campaigns, change nothing, so the page stays the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from proxy.demo import answers
from proxy.demo.catalogue import Catalogue, Item
from proxy.demo.pages import Pages
from proxy.demo.sessions import Sessions

BANDS = {"0-25": "Under €25", "25-50": "€25 to €50", "50-100": "€50 to €100", "100-": "€100 and more"}
SORTS = {"popular": "Popular", "new": "New first", "price-up": "Price ↑", "price-down": "Price ↓"}

_SORT_KEYS: Mapping[str, Callable[[Item], float]] = {
    "popular": lambda item: 0,  # as the catalogue or the search gives them
    "new": lambda item: "new" not in item.tags,
    "price-up": lambda item: item.price,
    "price-down": lambda item: -item.price,
}
_FACET_VALUES: Mapping[str, Callable[[Item], str]] = {
    "colour": lambda item: item.colour,
    "brand": lambda item: item.brand,
    "price": lambda item: _band_of(item.price),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One value to narrow by: how many products would be left, and the query of that address."""

    label: str
    value: str
    count: int
    is_chosen: bool
    query: str


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing to narrow by, with its options."""

    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Refinement:
    """What an address asks of a listing. `chosen` holds name and value pairs, several of a name meaning any of them;
    `kept` are pairs that stay in the address whatever is chosen: what was searched for."""

    chosen: frozenset[tuple[str, str]] = frozenset()
    sort: str = "popular"
    kept: tuple[tuple[str, str], ...] = ()

    def apply(self, items: Iterable[Item], *, leaving_out: str = "") -> list[Item]:
        """The items that fit, sorted; `leaving_out` a facet's own name counts what its options would give."""
        fitting = [
            item for item in items if all(self._fits(item, name) for name in _FACET_VALUES if name != leaving_out)
        ]
        return sorted(fitting, key=_SORT_KEYS[self.sort])

    def toggled(self, name: str, value: str) -> Refinement:
        return replace(self, chosen=self.chosen ^ {(name, value)})

    def sorted_by(self, sort: str) -> Refinement:
        return replace(self, sort=sort)

    def cleared(self) -> Refinement:
        return Refinement(kept=self.kept)

    @property
    def query(self) -> str:
        """Its canonical form, `?` included; "" when nothing is asked."""
        pairs = [*self.kept, *sorted(self.chosen), *([("sort", self.sort)] if self.sort != "popular" else [])]
        return "?" + urlencode(pairs) if pairs else ""

    def _fits(self, item: Item, name: str) -> bool:
        values = {value for chosen, value in self.chosen if chosen == name}
        return not values or _FACET_VALUES[name](item).casefold() in values


def refinement_of(pairs: Iterable[tuple[str, str]], kept: tuple[tuple[str, str], ...] = ()) -> Refinement:
    """Reads the query parameters; what it does not know it leaves out, but for what is `kept`."""
    known = [(name, value.casefold()) for name, value in pairs]
    sort = next((value for name, value in known if name == "sort" and value in SORTS), "popular")
    return Refinement(frozenset((name, value) for name, value in known if name in _FACET_VALUES and value), sort, kept)


def facets(items: Sequence[Item], refinement: Refinement) -> list[Facet]:
    """What these items may be narrowed by, most common value first; price bands go up."""
    return [Facet(name, _options(name, items, refinement)) for name in _FACET_VALUES]


def sorts(refinement: Refinement) -> list[Option]:
    """The orders a listing may come in, as options."""
    return [
        Option(label, sort, 0, sort == refinement.sort, refinement.sorted_by(sort).query)
        for sort, label in SORTS.items()
    ]


def _options(name: str, items: Sequence[Item], refinement: Refinement) -> tuple[Option, ...]:
    counts = Counter(_FACET_VALUES[name](item) for item in refinement.apply(items, leaving_out=name))
    chosen = {value for facet, value in refinement.chosen if facet == name}
    values = [value for value, _ in counts.most_common()] if name != "price" else [b for b in BANDS if counts[b]]
    return tuple(
        Option(
            BANDS.get(value, value),
            value,
            counts[value],
            value.casefold() in chosen,
            refinement.toggled(name, value.casefold()).query,
        )
        for value in values
    )


def _band_of(price: float) -> str:
    if price < 25:
        return "0-25"
    if price < 50:
        return "25-50"
    return "50-100" if price < 100 else "100-"


MAX_RESULTS = 48
MAX_QUERY = 80
SUGGESTIONS = ("trail shoes", "hot dogs", "merino", "coffee", "gift", "waterproof")


class Storefront:
    """The public pages. Everything they are made of is fixed at start, so the address alone decides their bytes."""

    def __init__(self, catalogue: Catalogue, pages: Pages, sessions: Sessions) -> None:
        self.catalogue = catalogue
        self.pages = pages
        self.sessions = sessions

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.home),
            Route("/c/{slug:path}", self.category),
            Route("/sale", self.sale),
            Route("/p/{product_id}", self.product),
            Route("/search", self.search),
        ]

    async def home(self, request: Request) -> Response:
        picnic = [item for item in self.catalogue.tagged("picnic") if item.in_stock]
        others = [item for item in self.catalogue.items if item.in_stock and item not in picnic]
        context = {
            "popular": one_a_department(others)[:4],
            "arrivals": one_a_department(item for item in others if "new" in item.tags)[:4],
            "table": picnic[:4],
            "faces": {shelf.slug: self.catalogue.in_category(shelf.slug)[0] for shelf in self.catalogue.top()},
        }
        return answers.cacheable(request, self.pages.render("home.html", context))

    async def category(self, request: Request) -> Response:
        category = self.catalogue.categories.get(request.path_params["slug"])
        if category is None:
            raise HTTPException(404)
        department = self.catalogue.categories[category.slug.partition("/")[0]]
        context = self._listing(request, self.catalogue.in_category(category.slug)) | {
            "category": category,
            "department": department,
            "shelves": self.catalogue.below(department.slug),
        }
        return answers.cacheable(request, self.pages.render("category.html", context))

    async def sale(self, request: Request) -> Response:
        context = self._listing(request, self.catalogue.tagged("sale"))
        return answers.cacheable(request, self.pages.render("sale.html", context))

    async def product(self, request: Request) -> Response:
        item = self.catalogue.get(request.path_params["product_id"])
        if item is None:
            raise HTTPException(404)
        context = {
            "item": item,
            "category": self.catalogue.categories[item.category],
            "department": self.catalogue.categories[item.category.partition("/")[0]],
            "similar": self.catalogue.similar(item),
        }
        return answers.cacheable(request, self.pages.render("product.html", context))

    async def search(self, request: Request) -> Response:
        query = " ".join(request.query_params.get("q", "").split())[:MAX_QUERY]
        session = self.sessions.of(request)
        earlier = [other for other in session.searches if other != query]
        context = self._listing(request, self.catalogue.search(query)[:MAX_RESULTS], (("q", query),)) | {
            "query": query,
            "earlier": earlier,
            "suggestions": SUGGESTIONS,
            "popular": self.catalogue.items[:4],
        }
        response = answers.private(self.pages.render("search.html", context), kept=answers.NO_CACHE)
        if query:
            session.remember_search(query)
            self.sessions.keep(session)
            self.sessions.hand_out(request, response, session)
        return response

    def _listing(
        self, request: Request, items: Sequence[Item], kept: tuple[tuple[str, str], ...] = ()
    ) -> dict[str, object]:
        """What `_listing.html` shows: the items as the address narrows and sorts them, and how to go on."""
        refinement = refinement_of(request.query_params.multi_items(), kept)
        path = request.scope["path"]
        return {
            "path": path,
            "clear": path + refinement.cleared().query,
            "items": refinement.apply(items),
            "facets": facets(items, refinement),
            "sorts": sorts(refinement),
            "is_refined": bool(refinement.chosen),
        }


def one_a_department(items: Iterable[Item]) -> list[Item]:
    """The first item of each department, so that a row shows the breadth of the shop."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item.category.partition("/")[0], item)
    return list(first.values())
