"""The products of a shop as they are now: looked up by id and by address, listed by category.

It is filled by the catalogue file, changed one by one as prices and stock change, and, where no feed knows a product,
learnt from the pages that pass; of one that a feed knows, its page tells what the feed does not. What is shown is
looked up here when a page is asked for, so that nothing sold out is shown a second longer than this knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from proxy.catalogue.feeds import merged
from proxy.catalogue.products import Warn, product_of
from proxy.catalogue.quality import adds, completed
from proxy.model import Product

EVERYTHING = "everything"
Origin = Literal["catalogue", "change", "page", ""]
MOST_LEARNT = 100_000
"""Products known from pages alone; those of the catalogue of which pages tell something else."""


_PLAIN_LINK = re.compile(
    r"(?:https?://[\w.:-]+)?(/(?!/)[\w./~!$&'()*+,;=:@-]*)(?:\?[\w./~!$&'()*+,;=:@%-]*)?", re.ASCII
)


class Directory(NamedTuple):
    """The products of a catalogue by id, and their ids by the paths of their pages. Of a large catalogue it takes a
    tenth of a second to make, so that is done before it is published."""

    by_id: Mapping[str, Product]
    by_path: Mapping[str, str]


def directory(products: Iterable[Product]) -> Directory:
    """The products by id and by path; of two with the same, the last."""
    by_id = {product.id: product for product in products}
    return Directory(by_id, {path_of(product.link): product.id for product in by_id.values()})


class Hub:
    """All products. `version` rises with every change."""

    def __init__(self, products: Iterable[Product] = ()) -> None:
        self.version = 0
        self._products: dict[str, Product] = {}
        self._catalogue: dict[str, Product] = {}
        self._learnt: dict[str, Product] = {}
        self._seen: dict[str, Product] = {}
        self._changed: dict[str, tuple[Product | None, Product]] = {}
        self._by_path: dict[str, str] = {}
        self.replace(products)

    def __len__(self) -> int:
        return len(self._products)

    def get(self, product_id: str) -> Product | None:
        """The product as it is now; None for one that is not sold here."""
        return self._products.get(product_id)

    def origin(self, product_id: str) -> Origin:
        """Who told of the product: the catalogue, a change made since, or its page alone; "" for one not sold here."""
        if product_id in self._changed:
            return "change"
        if product_id in self._catalogue:
            return "catalogue"
        return "page" if product_id in self._learnt else ""

    def by_page(self, product_id: str) -> Product | None:
        """What the product's page says, where that is more than is known otherwise, or something else."""
        return self._learnt.get(product_id) or self._seen.get(product_id)

    def at(self, path: str) -> Product | None:
        """The product whose page is at `path`, percent-decoded."""
        return self._products.get(self._by_path.get(path, ""))

    @property
    def is_learnt(self) -> bool:
        """True when no feed lists the products: they are known from pages that passed, and there may be more."""
        return len(self._products) == len(self._learnt)

    @property
    def products(self) -> Iterable[Product]:
        """All of them, in the order of the catalogue."""
        return self._products.values()

    def within(self, category: str) -> list[Product]:
        """The products of a category and of those within it, in the order of the catalogue."""
        if category.casefold() == EVERYTHING:
            return list(self._products.values())
        return [product for product in self._products.values() if is_within(product.category, category)]

    # -- changes

    def replace(self, products: Iterable[Product] | Directory) -> None:
        """Takes a new catalogue. Products known from pages alone stay; a change that was made since holds where the
        catalogue still says what it said then."""
        catalogue, by_path = products if isinstance(products, Directory) else directory(products)
        self._catalogue = dict(catalogue)
        self._changed = {id: change for id, change in self._changed.items() if self._catalogue.get(id) == change[0]}
        known = self._catalogue | {id: product for id, (_, product) in self._changed.items()}
        self._seen = {id: page for id, page in (self._seen | self._learnt).items() if id in known}
        known |= {id: completed(known[id], page) for id, page in self._seen.items()}
        self._learnt = {id: product for id, product in self._learnt.items() if id not in known}
        self._products = known | self._learnt
        self._by_path = dict(by_path)
        for id in [*self._changed, *self._seen, *self._learnt]:
            self._move(self._catalogue.get(id), self._products[id])
        self.version += 1

    def _move(self, before: Product | None, now: Product) -> None:
        """Lists the product under the path of its page, and under no other."""
        if before is not None and before.link != now.link and self._by_path.get(path := path_of(before.link)) == now.id:
            del self._by_path[path]
        self._by_path[path_of(now.link)] = now.id

    def change(self, words: Mapping[str, Any], warn: Warn) -> Product:
        """Changes a product by a feed's words, or adds one. Raises `Unreadable`."""
        known = self._products.get(str(words.get("id")))
        product = product_of(words, warn) if known is None else merged(known, words, warn)
        self._learnt.pop(product.id, None)
        self._changed[product.id] = (self._catalogue.get(product.id), product)
        self._put(product)
        return product

    def changed(self, product_id: str) -> tuple[Product | None, Product] | None:
        """What the catalogue had of a product when it was changed, and what it became; None for one that was not
        changed."""
        return self._changed.get(product_id)

    def recall(self, base: Product | None, product: Product) -> None:
        """Applies an earlier change again, unless there was another since, or the catalogue says something else now."""
        if product.id not in self._changed and self._catalogue.get(product.id) == base:
            self._learnt.pop(product.id, None)
            self._changed[product.id] = (base, product)
            self._put(product)

    def unlearn(self, product_id: str) -> bool:
        """Says that the product's page is gone: a product known from its page alone is off sale. True when that was
        new."""
        if product_id not in self._learnt:
            return self._seen.pop(product_id, None) is not None
        del self._learnt[product_id]
        self._by_path.pop(path_of(self._products.pop(product_id).link), None)
        self.version += 1
        return True

    def learn(self, product: Product) -> bool:
        """Takes what a page says of its product: everything when the catalogue does not know it, else only what the
        catalogue does not say. True when that was new."""
        known = self._products.get(product.id)
        if known is not None and product.id not in self._learnt:
            return self._compare(product)
        if known == product:
            return False
        if known is None and len(self._learnt) >= MOST_LEARNT:
            return False
        self._learnt[product.id] = product
        self._put(product)
        return True

    def _compare(self, page: Product) -> bool:
        known = self._changed[page.id][1] if page.id in self._changed else self._catalogue[page.id]
        before = self._seen.pop(page.id, None)
        if not adds(known, page):
            return before is not None
        if before is not None or len(self._seen) < MOST_LEARNT:
            self._seen[page.id] = page
            if (product := completed(known, page)) != self._products[page.id]:
                self._put(product)
        return before != page

    def _put(self, product: Product) -> None:
        self._products[product.id] = product
        self._by_path[path_of(product.link)] = product.id
        self.version += 1


def path_of(link: str) -> str:
    """The path of an address, percent-decoded."""
    if plain := _PLAIN_LINK.fullmatch(link):
        return plain[1]
    try:
        return unquote(urlsplit(link).path)
    except ValueError:
        return ""


def is_within(category: str, wanted: str) -> bool:
    """True for the category itself and what lies below it: `shoes/trail` is within `shoes`."""
    category, wanted = category.casefold(), wanted.casefold().strip("/")
    return category == wanted or category.startswith(wanted + "/")
