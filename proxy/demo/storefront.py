"""The pages everybody sees alike: home, listings, products, sale. And the search page, which looks like them but
remembers what this session searched for, so it is private."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from proxy.demo import answers
from proxy.demo.catalogue import Catalogue, Item
from proxy.demo.listing import facets, refinement_of, sorts
from proxy.demo.pages import Pages
from proxy.demo.sessions import Sessions

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
