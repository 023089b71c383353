"""What a strategy may look at (the shop, the shopper, the page, the moment), and what an editor's words mean there:
`products in cart`, `this category`, or an id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proxy.catalogue.product_index import EVERYTHING
from proxy.catalogue.shop import Shop
from proxy.catalogue.shopper import Shopper, shopper_of
from proxy.model import EvaluationContext

IN_CART, HERE, VIEWED, BOUGHT = "products in cart", "this product", "products viewed", "products bought"
PRODUCT_WORDS = (IN_CART, HERE, VIEWED, BOUGHT)
CATEGORY_WORDS = ("categories in cart", "this category", "categories viewed", EVERYTHING)
OF_HISTORY = frozenset({IN_CART, VIEWED, BOUGHT, "categories in cart", "categories viewed"})
OF_PAGE = frozenset({HERE, "this category"})


@dataclass(frozen=True, slots=True)
class StrategyContext:
    """`here` is the id of the product whose page is shown, "" on any other page; `now` in Unix seconds."""

    shop: Shop
    shopper: Shopper
    here: str = ""
    now: float = 0.0

    def products(self, words: Sequence[str]) -> list[str]:
        """The ids of the products that these words stand for."""
        found: list[str] = []
        for word in words:
            match word:
                case "products in cart":
                    found += self.shopper.cart
                case "this product":
                    found += [self.here] if self.here else []
                case "products viewed":
                    found += reversed(self.shopper.visit)
                case "products bought":
                    found += self.shopper.bought
                case _:
                    found.append(word)
        return list(dict.fromkeys(found))

    def categories(self, words: Sequence[str]) -> list[str]:
        """The categories that these words stand for."""
        found: list[str] = []
        for word in words:
            match word:
                case "categories in cart":
                    found += self._of(self.shopper.cart)
                case "this category":
                    found += self._of([self.here])
                case "categories viewed":
                    found += self._of(reversed(self.shopper.visit))
                case _:
                    found.append(word)
        return list(dict.fromkeys(found)) or ([] if words else [EVERYTHING])

    def _of(self, products: Iterable[str]) -> list[str]:
        known = map(self.shop.products.get, products)
        return [product.category for product in known if product and product.category]

    def title(self, product: str) -> str:
        """What the product is called."""
        known = self.shop.products.get(product)
        return known.title if known else product


def asking_of(context: EvaluationContext, shop: Shop) -> StrategyContext:
    """Who asks for products. What the history says of them is read once, and remembered with their profile."""
    shopper = context.remembered.get(Shopper)
    if not isinstance(shopper, Shopper):
        shopper = context.remembered[Shopper] = shopper_of(context.history, shop.products.get)
    page = context.attributes.get("page")
    here = shop.products.at_path(page, lambda name: _parameter(context, name)) if isinstance(page, str) else None
    return StrategyContext(shop, shopper, here.id if here else "", context.now)


def _parameter(context: EvaluationContext, name: str) -> str:
    values = context.attributes.get(f"refinement.{name}")
    return min(values, default="") if isinstance(values, frozenset) else ""
