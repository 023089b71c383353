"""From the cart to the order. Every answer is private; every POST passes `forgery.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from proxy.demo import answers
from proxy.demo.catalogue import Catalogue, Item
from proxy.demo.forgery import Tokens, must_refuse, origin_of, read_form
from proxy.demo.pages import Pages
from proxy.demo.sessions import Cart, Order, Session, Sessions, cart_of, order_number, with_pieces

ADDRESS_FIELDS = ("name", "email", "street", "city")
MAX_FIELD = 120


class Checkout:
    """Cart, checkout and order pages."""

    def __init__(self, catalogue: Catalogue, pages: Pages, sessions: Sessions, tokens: Tokens) -> None:
        self.catalogue = catalogue
        self.pages = pages
        self.sessions = sessions
        self.tokens = tokens

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/cart", self.cart),
            Route("/cart.json", self.cart_json),
            Route("/cart/add", self.add, methods=["POST"]),
            Route("/cart/change", self.change, methods=["POST"]),
            Route("/checkout", self.checkout),
            Route("/checkout", self.place_order, methods=["POST"]),
            Route("/order/{number}", self.order),
        ]

    async def cart(self, request: Request) -> Response:
        session = self.sessions.of(request)
        cart = self._cart(session)
        context = {"cart": cart, "token": self.tokens.of(session.id), "extras": self._extras(cart)}
        response = answers.private(self.pages.render("cart.html", context))
        return self.sessions.hand_out(request, response, session)

    async def cart_json(self, request: Request) -> Response:
        """What `shop.js` asks on every page: the number on the cart, and the token for forms of shared pages."""
        session = self.sessions.of(request)
        response = _json({"count": self._cart(session).count, "token": self.tokens.of(session.id)})
        return self.sessions.hand_out(request, response, session)

    async def add(self, request: Request) -> Response:
        """Adds pieces of a product to the cart. Its form stands in shared pages."""
        session = self.sessions.of(request)
        form = await posted_form(request, session, self.tokens, from_shared_page=True)
        item = self.catalogue.get(form.get("product", ""))
        if item is None:
            raise HTTPException(404, "this product is not in the shop")
        if not item.in_stock:
            raise HTTPException(409, "this product is sold out")
        pieces = session.quantities.get(item.id, 0) + _pieces(form)
        session.quantities = with_pieces(session.quantities, item.id, pieces)
        self.sessions.keep(session)
        wants_json = "application/json" in request.headers.get("accept", "")
        count = self._cart(session).count
        response = _json({"count": count, "added": item.title}) if wants_json else answers.see_other("/cart")
        return self.sessions.hand_out(request, response, session)

    async def change(self, request: Request) -> Response:
        """Sets the quantity of a product in the cart; 0 removes it."""
        session = self.sessions.of(request)
        form = await posted_form(request, session, self.tokens)
        product_id = form.get("product", "")
        if product_id in session.quantities:
            session.quantities = with_pieces(session.quantities, product_id, _pieces(form))
            self.sessions.keep(session)
        return answers.see_other("/cart")

    async def checkout(self, request: Request) -> Response:
        session = self.sessions.of(request)
        if not self._cart(session).lines:
            return answers.see_other("/cart")
        account = session.account
        filled = {name: getattr(account, name, "") for name in ADDRESS_FIELDS}
        return self._checkout_page(session, filled, {})

    async def place_order(self, request: Request) -> Response:
        session = self.sessions.of(request)
        form = await posted_form(request, session, self.tokens)
        cart = self._cart(session)
        if not cart.lines:
            return answers.see_other("/cart")
        filled = {name: form.get(name, "").strip()[:MAX_FIELD] for name in ADDRESS_FIELDS}
        problems = _problems(filled)
        if problems:
            return self._checkout_page(session, filled, problems)
        order = Order(order_number(), date.today(), cart, login=session.login, **filled)
        self.sessions.place(session, order)
        return answers.see_other(f"/order/{order.number}")

    async def order(self, request: Request) -> Response:
        order = self.sessions.order(self.sessions.of(request), request.path_params["number"])
        if order is None:
            raise HTTPException(404)
        return answers.private(self.pages.render("order.html", {"order": order}))

    def _checkout_page(self, session: Session, filled: Mapping[str, str], problems: Mapping[str, str]) -> Response:
        context = {
            "cart": self._cart(session),
            "token": self.tokens.of(session.id),
            "filled": filled,
            "problems": problems,
        }
        return answers.private(self.pages.render("checkout.html", context), 422 if problems else 200)

    def _cart(self, session: Session) -> Cart:
        return cart_of(self.catalogue, session.quantities)

    def _extras(self, cart: Cart) -> list[Item]:
        """Popular and cheap products that are not in the cart yet."""
        there = {line.item.id for line in cart.lines}
        return [item for item in self.catalogue.items if item.price < 20 and item.in_stock and item.id not in there][:4]


async def posted_form(
    request: Request, session: Session, tokens: Tokens, *, from_shared_page: bool = False
) -> dict[str, str]:
    """The form, if one of our pages sent it; else raises 403."""
    form = await read_form(request)
    token = form.get("token", "")
    is_genuine = tokens.is_genuine(token, session.id)
    if must_refuse(origin_of(request.headers), token, is_genuine, from_shared_page=from_shared_page):
        raise HTTPException(403, "this form did not come from a page of ours; please go back and try again")
    return form


def _json(content: Mapping[str, object]) -> Response:
    return answers.private(json.dumps(content).encode(), media_type="application/json")


def _pieces(form: Mapping[str, str]) -> int:
    text = form.get("quantity", "1")
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise HTTPException(400, "a quantity is a whole number")
    return int(text)


def _problems(filled: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with an address, by field, in words for the customer."""
    problems = {name: "Please fill this in." for name, value in filled.items() if not value}
    if "email" not in problems and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", filled["email"]):
        problems["email"] = "This does not look like an e-mail address."
    return problems
