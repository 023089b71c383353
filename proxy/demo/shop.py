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
from starlette.routing import BaseRoute, Route

from proxy.demo import answers
from proxy.demo.catalogue import load
from proxy.demo.checkout import Checkout, posted_form
from proxy.demo.forgery import Tokens
from proxy.demo.pages import Assets, Pages, static_files
from proxy.demo.pictures import pictures
from proxy.demo.sessions import ACCOUNTS, Sessions, account_for
from proxy.demo.storefront import Storefront

EXCUSES = {403: "We could not be sure this came from you", 404: "This path leads nowhere", 409: "Sold out, sorry"}


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


class Accounts:
    """Log in, log out, and the account with its orders. Every answer is private."""

    def __init__(self, pages: Pages, sessions: Sessions, tokens: Tokens) -> None:
        self.pages = pages
        self.sessions = sessions
        self.tokens = tokens

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/login", self.login_page),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
            Route("/account", self.account),
        ]

    async def login_page(self, request: Request) -> Response:
        return self._login_page(request)

    async def log_in(self, request: Request) -> Response:
        session = self.sessions.of(request)
        form = await posted_form(request, session, self.tokens)
        account = account_for(form.get("login", ""), form.get("password", ""))
        if account is None:
            return self._login_page(request, login=form.get("login", ""), status=422)
        session = self.sessions.log_in(session, account)
        return self.sessions.hand_out(request, answers.see_other("/account"), session)

    async def log_out(self, request: Request) -> Response:
        session = self.sessions.of(request)
        await posted_form(request, session, self.tokens)
        self.sessions.log_out(session)
        return answers.see_other("/")

    async def account(self, request: Request) -> Response:
        session = self.sessions.of(request)
        if session.account is None:
            return answers.see_other("/login")
        context = {
            "account": session.account,
            "orders": self.sessions.orders(session.login),
            "token": self.tokens.of(session.id),
        }
        return answers.private(self.pages.render("account.html", context))

    def _login_page(self, request: Request, *, login: str = "", status: int = 200) -> Response:
        session = self.sessions.of(request)
        context = {
            "token": self.tokens.of(session.id),
            "login": login,
            "has_failed": status != 200,
            "logins": list(ACCOUNTS),
        }
        response = answers.private(self.pages.render("login.html", context), status)
        return self.sessions.hand_out(request, response, session)
