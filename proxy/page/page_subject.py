"""The subject of a page: the product of a product page, or the list that it shows. Read once, when the page is parsed.

A product page has a JSON-LD `Product` (schema.org), or an element with `data-product` that is in no list; name and
price are read by `product_data.py`. A list has `data-list`, or a JSON-LD `ItemList` or `CollectionPage`. A page that
names several products is about none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from proxy.model import Item
from proxy.page.markup import Markup
from proxy.page.product_data import price_of, product_data_of, text_of

MAX_DEPTH = 6
_LISTED = "[data-list], li, [data-slot], tb-slot"
"""An element with `data-product` within these, or next to another one, is a member of a list."""
LISTS = {"ItemList", "CollectionPage", "SearchResultsPage", "OfferCatalog"}


@dataclass(frozen=True, slots=True)
class PageSubject:
    """The subject of a page. `product` is None unless it is a product's own page; `listing` is the list's name, "" for
    none. `product_data` is the product as a row of a feed, by column; empty without a name and a price."""

    product: Item | None = None
    listing: str = ""
    product_data: Mapping[str, Any] = field(default_factory=dict)


NO_SUBJECT = PageSubject()


def subject_of(page: Markup) -> PageSubject:
    """The subject of an HTML page, in any charset that is a superset of ASCII."""
    things = list(_json_ld_items(page))
    lists = [page.attribute(each, "data-list") for each in page.document.select("[data-list]")]
    listing = next(filter(None, lists), "") or next((text_of(thing, "name") or "list" for thing in things
                                                     if _types(thing) & LISTS), "")  # fmt: skip
    products = [thing for thing in things if _types(thing) & {"Product", "ProductGroup"}]
    item = _item(products[0]) if len(products) == 1 else None
    product = item or _marked_product(page)
    return PageSubject(product, listing, product_data_of(page, products[0] if item else {}, product) if product else {})


def _marked_product(page: Markup) -> Item | None:
    found = page.document.select("[data-product]")
    beside = Counter(each.parent for each in found)
    alone = [each for each in found if beside[each.parent] == 1 and each.closest(_LISTED) is None]
    marked = {page.attribute(each, "data-product") for each in alone}
    return Item(marked.pop()[:64]) if len(marked) == 1 else None


# -- JSON-LD


def _json_ld_items(page: Markup) -> Iterator[dict[str, Any]]:
    for script in page.document.select('script[type="application/ld+json" i]'):
        try:
            yield from _items_within(msgspec.json.decode(page.text_of(script)), 0)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            continue


def _items_within(value: object, depth: int) -> Iterator[dict[str, Any]]:
    """The items of a JSON-LD document: itself, those of a list or `@graph`, and a page's main entity."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value:
            yield from _items_within(each, depth + 1)
    elif isinstance(value, dict):
        yield value
        yield from _items_within(value.get("@graph"), depth + 1)
        yield from _items_within(value.get("mainEntity"), depth + 1)


def _types(thing: dict[str, Any]) -> set[str]:
    named = thing.get("@type")
    names = named if isinstance(named, list) else [named]
    return {name.rpartition("/")[2] for name in names if isinstance(name, str)}


def _item(product: dict[str, Any]) -> Item | None:
    id = (
        text_of(product, "sku")
        or text_of(product, "productGroupID")
        or text_of(product, "productID")
        or text_of(product, "mpn")
    )
    if not id:
        return None
    category = "/".join(part.strip() for part in text_of(product, "category").split(">") if part.strip())
    return Item(id[:64], category[:100], text_of(product, "brand")[:50], price_of(product.get("offers")))
