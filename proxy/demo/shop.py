"""The shop as one ASGI application: `create_shop()`.

Start here: the routes are those of `Storefront` (pages for everybody), `Checkout` (cart to order) and `Accounts`.
`answers.py` says what may be cached, `forgery.py` how a POST is trusted although its form stood in a cached page.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.demo import answers
from proxy.demo.accounts import Accounts
from proxy.demo.assets import Assets, static_files
from proxy.demo.catalogue import load
from proxy.demo.checkout import Checkout
from proxy.demo.forgery import Tokens
from proxy.demo.pages import Pages
from proxy.demo.pictures import pictures
from proxy.demo.sessions import Sessions
from proxy.demo.storefront import Storefront

EXCUSES = {
    403: "We could not be sure this came from you",
    404: "This path leads nowhere",
    409: "Sold out, sorry",
}


def create_shop() -> Starlette:
    """The shop, with its catalogue read and its pictures drawn. Sessions, orders and what signs its forms live in its
    memory."""
    catalogue = load()
    assets = Assets(static_files() | pictures(catalogue.items))
    pages = Pages(catalogue, assets)
    sessions = Sessions()
    tokens = Tokens(secrets.token_urlsafe())

    async def excuse(request: Request, problem: Exception) -> Response:
        return _excuse(pages, problem)

    shop = Starlette(
        routes=[
            *Storefront(catalogue, pages, sessions).routes(),
            *Checkout(catalogue, pages, sessions, tokens).routes(),
            *Accounts(pages, sessions, tokens).routes(),
            Route("/img/{name}", assets.serve),
            Route("/static/{name}", assets.serve),
        ],
        middleware=[Middleware(answers.Safety)],
        exception_handlers={HTTPException: excuse},
    )
    # A redirect to the other spelling would name the host we were called by, which behind a proxy is not the shop's.
    shop.router.redirect_slashes = False
    return shop


def _excuse(pages: Pages, problem: Exception) -> Response:
    """The page that says what went wrong; never stored by anybody."""
    assert isinstance(problem, HTTPException)
    status = HTTPStatus(problem.status_code)
    text = "" if problem.detail == status.phrase else problem.detail
    context = {"title": EXCUSES.get(status, status.phrase), "text": text, "status": int(status)}
    return Response(
        pages.render("excuse.html", context),
        int(status),
        {**(problem.headers or {}), "Cache-Control": "no-store"},
        answers.HTML,
    )
