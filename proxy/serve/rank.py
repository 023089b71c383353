"""`POST /_tb/rank`: the products a search service found, in the order a listing's rules give them for this visitor, and
why each that moved stands where it does. For lists that no page of the shop's has: an app's, a search API's.

Its law is that of pages: whatever fails in deciding, the order is the one that came. The visitor is that of our
cookies, or whom a key may name (`visitors/callers.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

import msgspec

from proxy.audience.results import HELD_OUT
from proxy.catalogue.ranking import Move
from proxy.catalogue.strategy_context import asking_of
from proxy.decide.engine import decide
from proxy.errors import UNDECODABLE, RequestError
from proxy.http.body import read_body
from proxy.http.message import Request, Response, in_json
from proxy.metrics import Metrics
from proxy.model import chosen_name
from proxy.page.piece import Piece
from proxy.page.slots import LISTING
from proxy.page.template import Template
from proxy.personalise import is_sorted
from proxy.serve.decisions import page_at, visitor_of_caller
from proxy.serve.showing import Who
from proxy.serve.showing_as import Shows
from proxy.settings import Settings
from proxy.visitors.callers import Callers

log = logging.getLogger("tailorbird.rank")

MOST_PRODUCTS = 1_000
MAX_BYTES = 128 * 1024
EXAMPLE = 'send {"products": ["SKU-1", "SKU-2"], "listing": "search", "query": "running"}'

_EMPTY = Piece(b"")
_Short = Annotated[str, msgspec.Meta(max_length=200)]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Found(msgspec.Struct, forbid_unknown_fields=True):
    """What a search service found: products in its order, for which of the shop's lists, what was searched for, at
    which address of the shop, and by whom."""

    products: Annotated[list[_Id], msgspec.Meta(max_length=MOST_PRODUCTS)]
    listing: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    query: _Short = ""
    page: Annotated[str, msgspec.Meta(max_length=2_000)] = "/"
    visitor: _Short = ""


class Ranked(msgspec.Struct):
    """The same products, and those that the rule moves. `rule` is "" where none arranges them, and they stand as they
    came; `held_out` is the one that would, but for its holdout. `variant` is what results are to hear of, with an
    experiment's arm; "" where the list would stand so anyway."""

    products: list[str]
    rule: str = ""
    variant: str = ""
    held_out: str = ""
    moved: list[Move] = []


class Rank:
    """Answers `POST /_tb/rank`."""

    def __init__(self, showing: Shows, metrics: Metrics, settings: Settings, clock: Callable[[], float]) -> None:
        self._showing = showing
        self._metrics = metrics
        self._callers = Callers(settings)
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """The list in order, as JSON."""
        try:
            return in_json(200, await self._asked(request))
        except RequestError as error:
            return in_json(error.status, {"error": error.args[0], "help": error.help})

    async def _asked(self, request: Request) -> Ranked:
        if request.method != b"POST":
            raise RequestError("lists are sent by POST", status=405, help=EXAMPLE)
        found = found_in(await read_body(request, MAX_BYTES))
        page, caller = _page(request, found), self._callers.of(request, found.visitor)
        now, template = self._clock(), Template((LISTING + found.listing,), (_EMPTY, _EMPTY), (_EMPTY,))
        try:
            who = await visitor_of_caller(self._showing, template, page, caller, now)
            return self._ranked(found, template, page, who, now)
        except Exception:  # whatever fault of ours it is, a list that cannot be arranged is still a list
            log.exception("listing `%s` stays as it came", found.listing)
            self._metrics.count("tailorbird_decide_errors_total")
            return Ranked(found.products)

    def _ranked(self, found: Found, template: Template, page: Request, who: Who, now: float) -> Ranked:
        context, stock = self._showing.context_of(template, page, who, now), self._showing.stock
        (decision,) = decide(self._showing.publication.plan, context, template.slots).values()
        if is_sorted(context):
            return Ranked(found.products)
        get, shopper = stock.shop.products.get, asking_of(context, stock.shop).shopper
        held_out = decision.withheld if decision.detail == "holdout" else ""
        contrast = stock.contrasts.get(decision.rule or held_out)
        is_met = contrast is None or contrast.is_seen(found.products, get, shopper, now)
        variant = (chosen_name(decision) or (held_out and HELD_OUT)) if is_met else ""
        arrangement = stock.arrangements.get(decision.variant)
        if arrangement is None:
            return Ranked(found.products, decision.rule, variant, held_out)
        order, moves = arrangement.explained(found.products, get, shopper, now)
        return Ranked(order, decision.rule, variant, moved=moves)


def found_in(body: bytes) -> Found:
    """Reads a request's body. Raises `RequestError`."""
    try:
        found = msgspec.json.decode(body, type=Found)
    except UNDECODABLE as error:
        raise RequestError(f"the body cannot be read: {error}", help=EXAMPLE) from None
    seen: set[str] = set()
    for product in found.products:
        if product in seen:
            raise RequestError(f"`{product}` stands twice in `products`", help="send each product once")
        seen.add(product)
    return found


def _page(request: Request, found: Found) -> Request:
    """The request as if it were for the list's page."""
    page = page_at(request, found.page)
    if not found.query:
        return page
    return replace(page, query=b"&".join(filter(None, (b"q=" + quote(found.query, safe="").encode(), page.query))))
