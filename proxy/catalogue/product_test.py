"""Tests of a product: what editors may ask of it in `only`, `never`, `boost` and `bury`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Literal

from proxy.catalogue.product_index import is_within
from proxy.catalogue.shopper import Shopper
from proxy.catalogue.strategy_context import BOUGHT, IN_CART, VIEWED
from proxy.model import Product

_LESS_THAN_A_CENT = 0.005

By = Literal[
    "product", "category", "tag", "brand", "price", "discount", "in stock", "out of stock", "on sale",
    "cheaper since viewed", "back in stock since viewed", "words", "affinity", "score",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProductTest:
    """A test of a product: it has one of `values`, or a price or discount (in percent) from `low` to `high`; or it
    costs less than when the visitor looked at it last, or was sold out then. `words` are those that stand for products
    of the visitor (`products in cart`)."""

    by: By
    values: frozenset[str] = frozenset()
    low: float = 0.0
    high: float = float("inf")

    def test(self, shopper: Shopper, now: float) -> Callable[[Product], bool]:
        """The test of a product, for this visitor at this moment."""
        values = self.values
        match self.by:
            case "in stock" | "out of stock" as stock:
                return lambda product: product.in_stock == (stock == "in stock")
            case "on sale":
                return lambda product: product.is_on_sale(now)
            case "product":
                return lambda product: product.id.casefold() in values
            case "category":
                return lambda product: any(is_within(product.category, category) for category in values)
            case "tag":
                return lambda product: any(tag.casefold() in values for tag in product.tags)
            case "brand":
                return lambda product: product.brand.casefold() in values
            case "price":
                return lambda product: self.low <= product.price_at(now) <= self.high
            case "discount":
                return lambda product: self.low <= product.discount_at(now) <= self.high
            case "cheaper since viewed":
                prices = shopper.prices
                return lambda product: product.price_at(now) < prices.get(product.id, 0.0) - _LESS_THAN_A_CENT
            case "back in stock since viewed":
                return lambda product: product.in_stock and product.id in shopper.sold_out
            case "words":
                theirs = {IN_CART: shopper.cart, VIEWED: shopper.viewed, BOUGHT: shopper.bought}
                meant = frozenset(id for word in values for id in theirs.get(word, ()))
                return lambda product: product.id in meant
        return lambda product: False

    @property
    def reads_history(self) -> bool:
        """True when it holds for one visitor and not for another."""
        return self.by in ("words", "affinity", "cheaper since viewed", "back in stock since viewed")

    def __str__(self) -> str:
        match self.by:
            case "price" | "discount" as by:
                if self.low == self.high:
                    return f"{by} {self.low:g}"
                if self.high == inf:
                    return f"{by} from {self.low:g}"
                return f"{by} {self.low:g} to {self.high:g}" if self.low > 0 else f"{by} up to {self.high:g}"
        named = ", ".join(sorted(self.values))
        return named if self.by == "words" else f"{self.by} {named}".rstrip()
