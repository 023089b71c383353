"""Products, and what pages and changes say of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Product:
    """A product for sale.

    * `price`: in units of `currency` (12.5 EUR); `prices`: its prices in other currencies.
    * `image_width`, `image_height`: pixels, 0 when unknown.
    * `popularity`: any number; a larger one sells more.
    * `sale_price`: the price from `sale_from` until before `sale_until` (Unix seconds); 0 for no sale.
    * `group`: the same for all variants (sizes, colours) of one product.
    * `added_at`: when it came into the shop (Unix seconds), 0 when unknown.
    """

    id: str
    title: str
    link: str
    category: str = ""
    brand: str = ""
    price: float = 0.0
    currency: str = ""
    image: str = ""
    image_width: int = 0
    image_height: int = 0
    in_stock: bool = True
    tags: frozenset[str] = frozenset()
    popularity: float = 0.0
    sale_price: float = 0.0
    sale_from: float = -inf
    sale_until: float = inf
    group: str = ""
    added_at: float = 0.0
    prices: tuple[tuple[str, float], ...] = ()

    def is_on_sale(self, now: float) -> bool:
        """Whether it costs less at that time (Unix seconds)."""
        return bool(self.sale_price) and self.sale_from <= now < self.sale_until

    def price_at(self, now: float) -> float:
        """The price at a time (Unix seconds)."""
        return self.sale_price if self.is_on_sale(now) else self.price

    def discount_at(self, now: float) -> float:
        """By how many percent it is cheaper at a time (Unix seconds) than without a sale."""
        return round(100 * (1 - self.sale_price / self.price), 2) if self.price and self.is_on_sale(now) else 0.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """The newest data on a product from a source other than the catalogue's file.

    * From the product's page: `product` is what the page says; None if the page is gone.
    * From a change over the admin API (`is_change`): `product` is the changed product, None if the change no longer
      applies; `base` is what the catalogue had at that time.
    """

    id: str
    at: float
    product: Product | None
    base: Product | None = None
    is_change: bool = False

    @property
    def key(self) -> str:
        """The key it is stored under; the data of pages and of changes are stored apart."""
        return f"change {self.id}" if self.is_change else self.id
