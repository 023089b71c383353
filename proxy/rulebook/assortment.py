"""The catalogue that rules are checked against. What is looked up in it is made once, for all rules of a folder: of
50,000 products each takes a tenth of a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from proxy.catalogue.shop import Shop
from proxy.model import Product

Names = Mapping[str, str]
"""Names as the catalogue has them, by the same in small letters."""


@dataclass(frozen=True)
class Assortment:
    """The products of a catalogue. False where there are none: then nobody knows what is sold."""

    products: Sequence[Product]

    def __bool__(self) -> bool:
        return bool(self.products)

    @cached_property
    def shop(self) -> Shop:
        """A shop of these products, in which nobody has looked at anything yet."""
        return Shop(self.products)

    def get(self, product_id: str) -> Product | None:
        """The product; None if it is unknown."""
        return self.shop.products.get(product_id)

    @cached_property
    def names(self) -> Mapping[str, Names]:
        """The names of each kind: product, category, brand and tag. A category counts with all those above it."""
        categories = {product.category for product in self.products}
        paths = {path for category in categories for path in accumulate(category.split("/"), "{}/{}".format)}
        return {
            "product": _by_small(product.id for product in self.products),
            "category": _by_small(sorted(paths)),
            "brand": _by_small({product.brand: None for product in self.products}),
            "tag": _by_small({tag: None for product in self.products for tag in product.tags}),
        }


def _by_small(names: Iterable[str]) -> Names:
    return {name.casefold(): name for name in names if name}
