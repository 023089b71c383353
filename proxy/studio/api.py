"""The admin listener's routes for programs: purge, product changes, the data stored of a person, metrics, health."""

from __future__ import annotations

import asyncio
import logging

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from proxy.errors import UNDECODABLE, RequestError
from proxy.studio.forms import body_of
from proxy.studio.product_changes import changes_in
from proxy.studio.purging import purge_in, purge_named
from proxy.studio.views import Site, status_view

log = logging.getLogger("tailorbird.studio")

MAX_BYTES = 32 * 1024 * 1024
"""Of a request: 10,000 changed products with three kilobytes each."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The visitor in a request. It is in the body, because addresses are logged."""

    visitor: str


def api_routes(site: Site) -> list[Route]:
    """The routes. They raise `RequestError` and `StoreError`, which `refused` answers."""

    async def status(request: Request) -> Response:
        view = await status_view(site, *list_query(request, page=0))
        return _json(await asyncio.to_thread(msgspec.json.encode, view))

    async def live(request: Request) -> Response:
        return _json(await site.live())

    async def products(request: Request) -> Response:
        changes = changes_in(await _sent(request, "changes of products come as"))
        _tell(request, f"changes {len(changes)} products")
        return _json(await site.change_products(changes))

    async def purge(request: Request) -> Response:
        body, named = await _sent(request, "a purge is"), request.query_params.multi_items()
        purge = purge_named(named) if named else purge_in(body)
        done = await site.purge(purge)
        _tell(request, f"purged {purge}: {done.purged} stored copies, {done.confirmed} of {done.workers} workers")
        return _json(done, 200 if done.everywhere else 503)

    async def export(request: Request) -> Response:
        visitor = _visitor_in(await _sent(request, "this is asked with"))
        _tell(request, "exports what is stored of a visitor")
        return _json(await site.export(visitor))

    async def erase(request: Request) -> Response:
        visitor = _visitor_in(await _sent(request, "this is asked with"))
        _tell(request, "erases a visitor")
        receipt = await site.erase(visitor)
        return _json(receipt, 200 if receipt.is_whole else 503)

    async def metrics(request: Request) -> Response:
        return PlainTextResponse(await site.metrics_text(), media_type="text/plain; version=0.0.4")

    async def livez(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        state = await site.readiness()
        return _json(state, 503 if state.is_stopping else 200)

    return [
        Route("/api/status", status),
        Route("/api/live", live),
        Route("/api/purge", purge, methods=["POST"]),
        Route("/api/products", products, methods=["POST"]),
        Route("/api/export", export, methods=["POST"]),
        Route("/api/erase", erase, methods=["POST"]),
        Route("/metrics", metrics),
        Route("/livez", livez),
        Route("/readyz", readyz),
    ]


async def refused(request: Request, error: Exception) -> Response:
    """The answer to an error: a bad request, a store that is away, or something for the operator to mend."""
    return PlainTextResponse(f"{error}\n", error.status if isinstance(error, RequestError) else 503)


def list_query(request: Request, *, page: int) -> tuple[str, int]:
    """The words and the page of the list of rules in an address; `page` when it names none."""
    said = request.query_params.get("page", "")
    return request.query_params.get("find", ""), int(said) if said.isdecimal() and len(said) < 7 else page


def _visitor_in(body: bytes) -> str:
    """The visitor in a request's body. Raises `RequestError`."""
    try:
        return msgspec.json.decode(body, type=Asked).visitor
    except UNDECODABLE as error:
        raise RequestError(f"this names no visitor: {error}", help='write {"visitor": "..."}') from error


async def _sent(request: Request, says: str) -> bytes:
    """The body. It must be application/json: another site can make a browser that has the token send a form or plain
    text, but not that. Raises `RequestError`; `says` describes the expected body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestError(f"{says} application/json", status=415)
    return await body_of(request, MAX_BYTES)


def _tell(request: Request, what: str) -> None:
    """Logs who does what. Whom it is about is not told: the log outlives them."""
    log.info("%s %s", request.client.host if request.client else "somebody", what)


def _json(value: object, status: int = 200) -> Response:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(body, status, media_type="application/json")
