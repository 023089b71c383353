"""What a page is about, as the page itself says: the product of a product page, or the list it shows. Read once, when
the page is parsed.

A product page says so in JSON-LD (schema.org's `Product`), or by `data-product` on an element that is in no list; name
and price are read by `product_words.py`. A list has `data-list`, or is an `ItemList` or `CollectionPage` in JSON-LD. A
page that names several is about none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from proxy.model import Item
from proxy.page.markup import Markup
from proxy.page.product_words import price_of, text_of, words_of

MAX_DEPTH = 6
_LISTED = "[data-list], li, [data-slot], tb-slot"
"""What is marked within these, or beside another with the mark, is one of a list."""
LISTS = {"ItemList", "CollectionPage", "SearchResultsPage", "OfferCatalog"}


@dataclass(frozen=True, slots=True)
class About:
    """What a page is about. `product` is None unless it is a product's own page; `listing` is the list's name, "" for
    none. `words` is what a product's page says of it, as a feed would; empty when that is too little to sell."""

    product: Item | None = None
    listing: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)


NOTHING = About()


def about(page: Markup) -> About:
    """What an HTML page in any charset that has ASCII in it is about."""
    things = list(_things(page))
    lists = [page.attribute(each, "data-list") for each in page.document.select("[data-list]")]
    listing = next(filter(None, lists), "") or next((text_of(thing, "name") or "list" for thing in things
                                                     if _types(thing) & LISTS), "")  # fmt: skip
    products = [thing for thing in things if _types(thing) & {"Product", "ProductGroup"}]
    told = _item(products[0]) if len(products) == 1 else None
    product = told or _marked(page)
    return About(product, listing, words_of(page, products[0] if told else {}, product) if product else {})


def _marked(page: Markup) -> Item | None:
    found = page.document.select("[data-product]")
    beside = Counter(each.parent for each in found)
    alone = [each for each in found if beside[each.parent] == 1 and each.closest(_LISTED) is None]
    marked = {page.attribute(each, "data-product") for each in alone}
    return Item(marked.pop()[:64]) if len(marked) == 1 else None


# -- JSON-LD


def _things(page: Markup) -> Iterator[dict[str, Any]]:
    for script in page.document.select('script[type="application/ld+json" i]'):
        try:
            yield from _within(msgspec.json.decode(page.text_of(script)), 0)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            continue


def _within(value: object, depth: int) -> Iterator[dict[str, Any]]:
    """The items of a JSON-LD document: itself, those of a list or `@graph`, and a page's main entity."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value:
            yield from _within(each, depth + 1)
    elif isinstance(value, dict):
        yield value
        yield from _within(value.get("@graph"), depth + 1)
        yield from _within(value.get("mainEntity"), depth + 1)


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
