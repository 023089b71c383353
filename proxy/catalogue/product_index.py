"""The current products of a shop: looked up by id and by path, listed by category.

They come from the catalogue file, from single changes of prices and stock, and from product pages that pass through:
for a product that the catalogue lacks, all data is from its page, for others only the data that the catalogue lacks.
Products are looked up when a page is filled, so a change counts at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from proxy.catalogue.feeds import merged
from proxy.catalogue.page_addresses import PageAddresses
from proxy.catalogue.products import Warn, product_of
from proxy.catalogue.quality import adds_something, completed
from proxy.model import Item, Product

EVERYTHING = "everything"
DataSource = Literal["catalogue", "change", "page", ""]
MOST_LEARNT = 100_000
"""The limit for products known only from their pages, and for catalogue products with additions from their pages."""


class CatalogueIndex(NamedTuple):
    """The products of a catalogue by id, and their ids by the addresses of their pages. For a large catalogue it takes
    a tenth of a second to make, so it is made before the catalogue is published."""

    by_id: Mapping[str, Product]
    addresses: PageAddresses


def catalogue_index(products: Iterable[Product]) -> CatalogueIndex:
    """The index of a catalogue; of two products with the same id or address, the last counts."""
    by_id = {product.id: product for product in products}
    return CatalogueIndex(by_id, PageAddresses.of(by_id.values()))


class ProductIndex:
    """All products of the shop. `version` increases with every change, `replaced` with every catalogue."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self.version = self.replaced = 0
        self._products: dict[str, Product] = {}
        self._catalogue: dict[str, Product] = {}
        self._from_pages: dict[str, Product] = {}
        self._page_data: dict[str, Product] = {}
        self._changed: dict[str, tuple[Product | None, Product]] = {}
        self._addresses = PageAddresses.of()
        self.replace(products)

    def __len__(self) -> int:
        return len(self._products)

    def get(self, product_id: str) -> Product | None:
        """The product; None if it is unknown."""
        return self._products.get(product_id)

    def source_of(self, product_id: str) -> DataSource:
        """Where the product's data is from: the catalogue, a later change, or its page only; "" if it is unknown."""
        if product_id in self._changed:
            return "change"
        if product_id in self._catalogue:
            return "catalogue"
        return "page" if product_id in self._from_pages else ""

    def page_data(self, product_id: str) -> Product | None:
        """The product by its own page, if that adds to other data or contradicts it; else None."""
        return self._from_pages.get(product_id) or self._page_data.get(product_id)

    def completed(self, item: Item, at: float, *, keeps_price: bool = False) -> Item:
        """The item with the category, brand and price that it lacks, as known of the product. With `keeps_price`
        none is added: 0 is what it cost."""
        known = self._products.get(item.product)
        if known is None or (item.category and item.brand and (item.price or keeps_price)):
            return item
        return replace(
            item,
            category=item.category or known.category,
            brand=item.brand or known.brand,
            price=item.price if keeps_price else item.price or known.price_at(at) or 0.0,
        )

    def at_path(self, path: str, value: Callable[[str], str] = lambda name: "") -> Product | None:
        """The product whose page is at `path`, percent-decoded; `value` returns that of a parameter, "" for none."""
        return self._products.get(self._addresses.at(path, value))

    def at_link(self, link: str) -> Product | None:
        """The product to whose page a link leads."""
        return self._products.get(self._addresses.of_link(link))

    def ids_of(self, named: Sequence[str]) -> Sequence[str]:
        """The ids of products that are named by id or by the address of their page; as they are named where the
        catalogue has no such page, or two would be one product."""
        of_link = self._addresses.of_link
        ids = [(of_link(name) or name) if "/" in name else name for name in named]
        return ids if len(set(ids)) == len(ids) else named

    @property
    def has_no_catalogue(self) -> bool:
        """True if there is no catalogue: all products are known from their pages, and there may be more."""
        return len(self._products) == len(self._from_pages)

    @property
    def products(self) -> Iterable[Product]:
        """All of them, in the order of the catalogue."""
        return self._products.values()

    def in_category(self, category: str) -> list[Product]:
        """The products of a category and of those within it, in the order of the catalogue."""
        if category.casefold() == EVERYTHING:
            return list(self._products.values())
        products = self._products.values()
        within = {each for each in {product.category for product in products} if is_within(each, category)}
        return [product for product in products if product.category in within]

    # -- changes

    def replace(self, products: Iterable[Product] | CatalogueIndex) -> None:
        """Replaces the catalogue. Products known only from their pages stay; a change stays if the new catalogue has
        the same product as when the change was made."""
        catalogue, addresses = products if isinstance(products, CatalogueIndex) else catalogue_index(products)
        self._catalogue = dict(catalogue)
        self._changed = {id: change for id, change in self._changed.items() if self._catalogue.get(id) == change[0]}
        known = self._catalogue | {id: product for id, (_, product) in self._changed.items()}
        self._page_data = {id: page for id, page in (self._page_data | self._from_pages).items() if id in known}
        known |= {id: completed(known[id], page) for id, page in self._page_data.items()}
        self._from_pages = {id: product for id, product in self._from_pages.items() if id not in known}
        self._products = known | self._from_pages
        self._addresses = addresses.copy()
        for id in [*self._changed, *self._page_data, *self._from_pages]:
            self._move(self._catalogue.get(id), self._products[id])
        self.version += 1
        self.replaced += 1

    def _move(self, before: Product | None, now: Product) -> None:
        """Lists the product under the address of its page, and under no other."""
        if before is not None and before.link != now.link:
            self._addresses.remove(before)
        self._addresses.put(now)

    def change(self, fields: Mapping[str, Any], warn: Warn) -> Product:
        """Changes a product, or adds one, by columns of a feed. Raises `Unreadable`."""
        known = self._products.get(str(fields.get("id")))
        product = product_of(fields, warn) if known is None else merged(known, fields, warn)
        self._from_pages.pop(product.id, None)
        self._changed[product.id] = (self._catalogue.get(product.id), product)
        self._put(product)
        return product

    def change_of(self, product_id: str) -> tuple[Product | None, Product] | None:
        """The catalogue's product at the time of the last change (None if it had none), and the changed product; None
        without a change."""
        return self._changed.get(product_id)

    def reapply_change(self, base: Product | None, product: Product) -> None:
        """Applies a stored change again, unless there is a newer one, or the catalogue's product is no longer
        `base`."""
        if product.id not in self._changed and self._catalogue.get(product.id) == base:
            self._from_pages.pop(product.id, None)
            self._changed[product.id] = (base, product)
            self._put(product)

    def forget_page(self, product_id: str) -> bool:
        """Forgets the data of the product's page, which is gone; a product known only from it is removed. True if
        anything was forgotten."""
        if product_id not in self._from_pages:
            return self._page_data.pop(product_id, None) is not None
        del self._from_pages[product_id]
        self._addresses.remove(self._products.pop(product_id))
        self.version += 1
        return True

    def learn_page(self, product: Product) -> bool:
        """Takes the product of a page: all of it if the catalogue lacks the product, else only what the catalogue does
        not say. True if anything was new."""
        known = self._products.get(product.id)
        if known is not None and product.id not in self._from_pages:
            return self._learn_additions(product)
        if known == product:
            return False
        if known is None and len(self._from_pages) >= MOST_LEARNT:
            return False
        self._from_pages[product.id] = product
        self._put(product)
        return True

    def _learn_additions(self, page: Product) -> bool:
        known = self._changed[page.id][1] if page.id in self._changed else self._catalogue[page.id]
        before = self._page_data.pop(page.id, None)
        if not adds_something(known, page):
            return before is not None
        if before is not None or len(self._page_data) < MOST_LEARNT:
            self._page_data[page.id] = page
            if (product := completed(known, page)) != self._products[page.id]:
                self._put(product)
        return before != page

    def _put(self, product: Product) -> None:
        self._move(self._products.get(product.id), product)
        self._products[product.id] = product
        self.version += 1


def is_within(category: str, wanted: str) -> bool:
    """True for the category itself and those below it: `shoes/trail` is within `shoes`."""
    category, wanted = category.casefold(), wanted.casefold().strip("/")
    return category == wanted or category.startswith(wanted + "/")
