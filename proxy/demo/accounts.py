"""Log in, log out, and the account with its orders. Every answer is private."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from proxy.demo import answers
from proxy.demo.checkout import posted_form
from proxy.demo.forgery import Tokens
from proxy.demo.pages import Pages
from proxy.demo.sessions import ACCOUNTS, Sessions, account_for


class Accounts:
    """The pages of a customer with a password."""

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
