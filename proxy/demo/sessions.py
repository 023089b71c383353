"""Who is shopping: sessions behind a cookie with their carts, the demo's accounts, and the orders placed.

All of it lives in memory, bounded, and is gone at restart: enough for a demo, and nothing to set up. A visitor gets a
cookie before the shop remembers anything of them; only who put something into the cart, searched or logged in takes
room here.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import date

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from proxy.demo.catalogue import Catalogue, Item

COOKIE = "nw_session"
COOKIE_SECONDS = 14 * 24 * 3600
MAX_SESSIONS = 20_000
MAX_ORDERS = 5_000
MAX_SEARCHES = 5

SESSION_ID = re.compile(r"[A-Za-z0-9_-]{32}")
FREE_DELIVERY_FROM = 60.0
DELIVERY = 4.95
MAX_PIECES = 20
MAX_LINES = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One product in the cart."""

    item: Item
    quantity: int

    @property
    def total(self) -> float:
        return _sum(self.item.price * self.quantity)


@dataclass(frozen=True, slots=True)
class Cart:
    """The lines in the order they were put in. All amounts in the shop's one currency, added in cents."""

    lines: tuple[Line, ...] = ()

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def subtotal(self) -> float:
        return _sum(*(line.total for line in self.lines))

    @property
    def delivery(self) -> float:
        return 0.0 if not self.lines or self.subtotal >= FREE_DELIVERY_FROM else DELIVERY

    @property
    def total(self) -> float:
        return _sum(self.subtotal, self.delivery)

    @property
    def until_free_delivery(self) -> float:
        """What is missing until delivery costs nothing; 0 when nothing is."""
        return max(_sum(FREE_DELIVERY_FROM, -self.subtotal), 0.0)


def cart_of(catalogue: Catalogue, quantities: Mapping[str, int]) -> Cart:
    """The cart of a session; products that are gone from the catalogue are gone from the cart."""
    found = ((catalogue.get(product_id), quantity) for product_id, quantity in quantities.items())
    return Cart(tuple(Line(item, quantity) for item, quantity in found if item))


def with_pieces(quantities: Mapping[str, int], product_id: str, pieces: int) -> dict[str, int]:
    """The cart's quantities with `pieces` of the product: 0 or less removes it, too many are cut, and a full cart
    takes no more lines."""
    changed = dict(quantities)
    if pieces <= 0:
        changed.pop(product_id, None)
    elif product_id in changed or len(changed) < MAX_LINES:
        changed[product_id] = min(pieces, MAX_PIECES)
    return changed


def _sum(*amounts: float) -> float:
    return sum(round(amount * 100) for amount in amounts) / 100


@dataclass(frozen=True, slots=True)
class Account:
    """A customer with a password. These four are public knowledge."""

    login: str
    name: str
    email: str
    street: str
    city: str
    password: str = "demo"  # noqa: S105 - printed on the login page

    @property
    def first_name(self) -> str:
        return self.name.partition(" ")[0]


ACCOUNTS = {
    account.login: account
    for account in (
        Account("anna", "Anna Visser", "anna@example.com", "Keizersgracht 12", "1015 CN Amsterdam"),
        Account("ben", "Ben Hartley", "ben@example.com", "4 Fell Lane", "LA22 9AB Ambleside"),
        Account("cleo", "Cleo Martens", "cleo@example.com", "Graslei 3", "9000 Ghent"),
        Account("dan", "Dan Berg", "dan@example.com", "Bryggen 7", "5003 Bergen"),
    )
}


@dataclass(frozen=True, slots=True)
class Order:
    """What was bought, as it was at that moment."""

    number: str
    placed_on: date
    cart: Cart
    name: str
    email: str
    street: str
    city: str
    login: str = ""


@dataclass(slots=True)
class Session:
    """One browser. `quantities` is the cart: pieces by product id. `orders` are the numbers placed here."""

    id: str
    login: str = ""
    quantities: dict[str, int] = field(default_factory=dict)
    searches: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)

    @property
    def account(self) -> Account | None:
        return ACCOUNTS.get(self.login)

    def remember_search(self, query: str) -> None:
        """Puts the query in front of the last few."""
        self.searches = [query, *(other for other in self.searches if other != query)][:MAX_SEARCHES]


class Sessions:
    """Every session and order of the shop."""

    def __init__(self) -> None:
        self._sessions: MutableMapping[str, Session] = LRUCache(MAX_SESSIONS)
        self._orders: MutableMapping[str, Order] = LRUCache(MAX_ORDERS)

    def of(self, request: Request) -> Session:
        """The session of the request's cookie; an empty one, not yet kept, when there is none."""
        session_id = request.cookies.get(COOKIE, "")
        if not SESSION_ID.fullmatch(session_id):
            session_id = secrets.token_urlsafe(24)
        return self._sessions.get(session_id) or Session(session_id)

    def keep(self, session: Session) -> None:
        self._sessions[session.id] = session

    def log_in(self, session: Session, account: Account) -> Session:
        """The session under a new id: an id planted before the login is worth nothing after it."""
        self._sessions.pop(session.id, None)
        session.id, session.login = secrets.token_urlsafe(24), account.login
        self.keep(session)
        return session

    def log_out(self, session: Session) -> None:
        self._sessions.pop(session.id, None)

    def place(self, session: Session, order: Order) -> None:
        """Keeps the order and empties the cart."""
        self._orders[order.number] = order
        session.orders.append(order.number)
        session.quantities.clear()
        self.keep(session)

    def order(self, session: Session, number: str) -> Order | None:
        """The order, for who placed it; None for anybody else."""
        order = self._orders.get(number)
        if order and (number in session.orders or (order.login and order.login == session.login)):
            return order
        return None

    def orders(self, login: str) -> list[Order]:
        """The account's orders, latest first."""
        return [order for order in reversed(list(self._orders.values())) if order.login == login]

    def hand_out(self, request: Request, response: Response, session: Session) -> Response:
        """The response, with the session's cookie when the browser does not have it yet."""
        if request.cookies.get(COOKIE) != session.id:
            response.set_cookie(COOKIE, session.id, COOKIE_SECONDS, httponly=True, samesite="lax")
        return response


def account_for(login: str, password: str) -> Account | None:
    """The account, when the password is right."""
    account = ACCOUNTS.get(login.strip().casefold())
    if account and hmac.compare_digest(password.encode(), account.password.encode()):
        return account
    return None


def order_number() -> str:
    """A number nobody guesses."""
    return f"NW-{secrets.token_hex(5).upper()}"
