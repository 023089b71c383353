"""A small shop with a past: hot dogs go with mustard, trail shoes are looked at beside one another."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.catalogue.shop import Shop
from proxy.catalogue.shopper import Shopper, shopper_of
from proxy.catalogue.strategy_context import StrategyContext
from proxy.conditions.behaviours import ADDED, BOUGHT, VIEWED
from proxy.model import Event, Item, Product

PRODUCTS = [
    Product("HOTDOG", "Hot dogs", "/p/HOTDOG", "food/sausages", "Northwind", 3.0, "EUR", popularity=5),
    Product("MUSTARD", "Mustard", "/p/MUSTARD", "food/sauces", "Northwind", 2.0, "EUR"),
    Product("KETCHUP", "Ketchup", "/p/KETCHUP", "food/sauces", "Southwind", 2.2, "EUR"),
    Product("BUN", "Buns", "/p/BUN", "food/bread", "Northwind", 1.5, "EUR", in_stock=False),
    Product("TRAIL", "Trail shoe", "/p/TRAIL", "shoes/trail", "Northwind", 129.0, "EUR", popularity=9),
    Product("SCREE", "Scree shoe", "/p/SCREE", "shoes/trail", "Tarnwell", 149.0, "EUR", tags=frozenset({"New"})),
    Product("SOCK", "Socks", "/p/SOCK", "clothes/socks", "Tarnwell", 12.0, "EUR", added_at=100.0),
]
ORDERS = [*[["HOTDOG", "MUSTARD"]] * 3, *[["HOTDOG", "BUN"]] * 2, ["KETCHUP"], *[["TRAIL", "SOCK"]] * 2, ["SOCK"]]
VISITS = [["TRAIL", "SCREE"], ["TRAIL", "SCREE", "SOCK"], ["TRAIL", "SOCK"]]


def shop() -> Shop:
    made = Shop(PRODUCTS)
    made.seed(ORDERS, VISITS)
    return made


def did(kind: str, *products: str, at: float = 1_000.0) -> Event:
    by_id = {product.id: product for product in PRODUCTS}
    items = tuple(Item(id, by_id[id].category, by_id[id].brand) for id in products)
    return Event(at, f"{kind} {products} {at}", kind, items=items)


def history(viewed: Sequence[str] = (), cart: Sequence[str] = (), bought: Sequence[str] = ()) -> tuple[Event, ...]:
    events = [did(BOUGHT, product, at=10.0 + n) for n, product in enumerate(bought)]
    events += [did(VIEWED, product, at=1_000.0 + n) for n, product in enumerate(viewed)]
    events += [did(ADDED, product, at=1_100.0 + n) for n, product in enumerate(cart)]
    return tuple(events)


def asking(
    viewed: Sequence[str] = (), cart: Sequence[str] = (), bought: Sequence[str] = (), here: str = ""
) -> StrategyContext:
    past = history(viewed, cart, bought)
    return StrategyContext(shop(), shopper_of(past) if past else Shopper(), here, now=2_000.0)
