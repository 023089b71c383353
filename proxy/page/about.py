"""What a page is about, as the page itself says: the product of a product's own page, or the list it shows. Read once,
when the page is.

A product's page says so in JSON-LD (schema.org's `Product`) or by `data-product` on what is not in a list; a list
carries `data-list`, or is an `ItemList` or `CollectionPage` in JSON-LD. What says several things at once says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import turbohtml

from proxy.model import Item

MAX_DEPTH = 6
LISTS = {"ItemList", "CollectionPage", "SearchResultsPage", "OfferCatalog"}


@dataclass(frozen=True, slots=True)
class About:
    """`product` is None unless it is a product's own page; `listing` is the list's name, "" when there is none. `words`
    are what a product's page tells of it in JSON-LD, in the words of a feed; none where that is too little to sell."""

    product: Item | None = None
    listing: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)


NOTHING = About()


def about(body: bytes) -> About:
    """What an HTML page in any charset that has ASCII in it is about. Pages that cannot say so are not even parsed."""
    if b"ld+json" not in body and b"data-product" not in body and b"data-list" not in body:
        return NOTHING
    document = turbohtml.parse(body.decode("utf-8", "replace"))
    things = list(_things(document))
    lists = [str(each.attrs.get("data-list") or "") for each in document.select("[data-list]")]
    listing = next(filter(None, lists), "") or next((_text(thing, "name") or "list" for thing in things
                                                     if _types(thing) & LISTS), "")  # fmt: skip
    products = [thing for thing in things if _types(thing) & {"Product", "ProductGroup"}]
    told = _item(products[0]) if len(products) == 1 else None
    return About(told or _marked(document), listing, _words(products[0], told) if told else {})


def _marked(document: turbohtml.Document) -> Item | None:
    marked = {str(each.attrs["data-product"]) for each in document.select("[data-product]") if _is_alone(each)}
    return Item(marked.pop()[:64]) if len(marked) == 1 else None


def _is_alone(element: turbohtml.Element) -> bool:
    """Not one of a list: outside any, and with no sibling that has the mark too."""
    if element.closest("[data-list], li, [data-slot], tb-slot") is not None:
        return False
    parent = element.parent
    return parent is None or sum("data-product" in getattr(other, "attrs", {}) for other in parent.children) == 1


# -- JSON-LD


def _things(document: turbohtml.Document) -> Iterator[dict[str, Any]]:
    for script in document.select('script[type="application/ld+json" i]'):
        try:
            yield from _within(msgspec.json.decode(script.text), 0)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            continue


def _within(value: object, depth: int) -> Iterator[dict[str, Any]]:
    """The things of a document: itself, those of a list or `@graph`, and what a page says is its main entity."""
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
        _text(product, "sku")
        or _text(product, "productGroupID")
        or _text(product, "productID")
        or _text(product, "mpn")
    )
    if not id:
        return None
    category = "/".join(part.strip() for part in _text(product, "category").split(">") if part.strip())
    return Item(id[:64], category[:100], _text(product, "brand")[:50], _price(product.get("offers")))


def _price(offers: object) -> float:
    offer = offers[0] if isinstance(offers, list) and offers else offers
    if not isinstance(offer, dict):
        return 0.0
    for name in ("price", "lowPrice"):
        try:
            return max(0.0, float(offer[name]))
        except (KeyError, TypeError, ValueError):
            continue
    return 0.0


def _words(product: dict[str, Any], item: Item) -> Mapping[str, Any]:
    """What a feed would say of it."""
    offers = product.get("offers")
    offer = offers[0] if isinstance(offers, list) and offers else offers
    if not isinstance(offer, dict) or not item.price or not (title := _text(product, "name")):
        return {}
    image = product.get("image")
    picture = image[0] if isinstance(image, list) and image else image
    address = (_text(picture, "url") or _text(picture, "contentUrl")) if isinstance(picture, dict) else picture
    return {
        "id": item.product,
        "title": title,
        "link": _text(product, "url") or _text(offer, "url"),
        "category": item.category,
        "brand": item.brand,
        "price": item.price,
        "currency": _text(offer, "priceCurrency"),
        "image": address if isinstance(address, str) else "",
        "availability": _text(offer, "availability"),
    }


def _text(thing: dict[str, Any], name: str) -> str:
    """A text, a number as one, or the name of the thing that stands there."""
    value = thing.get(name)
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, str):
        return value.strip()
    return str(value) if type(value) is int else ""
