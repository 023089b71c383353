"""Products, and what pages and changes say of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale. `price` is in units of `currency` (12.5 EUR); `image_width`/`image_height` in pixels,
    0 when unknown; `popularity` any number, higher sells more. `sale_price`, when there is one, is what it costs from
    `sale_from` until before `sale_until` (Unix seconds). Variants of one thing share a `group`. `added_at` is when it
    came into the shop, 0 when nobody says. `prices` are what it costs in other currencies."""

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

    def price_at(self, now: float) -> float:
        """What it costs at a moment."""
        is_on_sale = self.sale_price and self.sale_from <= now < self.sale_until
        return self.sale_price if is_on_sale else self.price


@dataclass(frozen=True, slots=True)
class Sighting:
    """The last word on a product from elsewhere than the catalogue's file.

    * From its page: `product` is what the page says, None when the page is gone.
    * By a change (`is_change`): `product` is what it became, None when the change holds no more; `base` is what the
      catalogue had of it then.
    """

    id: str
    at: float
    product: Product | None
    base: Product | None = None
    is_change: bool = False

    @property
    def key(self) -> str:
        """What it is stored under; a page's word and a change's are kept apart."""
        return f"change {self.id}" if self.is_change else self.id
