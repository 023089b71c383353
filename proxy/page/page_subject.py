"""The subject of a page: the product of a product page, with its data, or the list that it shows. Read once, when the
page is parsed.

A product page has a JSON-LD `Product` (schema.org), or an element with `data-product` that is in no list; name and
price are read below. A list has `data-list`, or a JSON-LD `ItemList` or `CollectionPage`. A page that
names several products is about none of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from proxy.model import Item
from proxy.page.markup import Markup

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


# -- The product data in a product's page, as a row of a feed: from JSON-LD (schema.org's `Product` and its offer), else
# from Open Graph tags. The size of the picture is from one of these, or from the `<img>` that shows it; cards need it
# so that nothing moves while the page loads.

MOST_PIXELS = 20_000
MOST_PRICE = 1e12
_PIXELS = re.compile(r"([0-9]{1,5})(?:\.0*)?(?:px)?")


def product_data_of(page: Markup, thing: Mapping[str, Any], item: Item) -> Mapping[str, Any]:
    """The product data by the column names of feeds; empty without a name and a price. `thing` is the product in
    JSON-LD, empty if there is none."""
    tags = _tags(page)
    offer = _first(thing.get("offers"))
    offer = offer if isinstance(offer, dict) else {}
    title = text_of(thing, "name") or tags.get("og:title", "")
    price = item.price or price_of({"price": _tag(tags, "price:amount")})
    if not title or not price:
        return {}
    image, width, height = _picture(page, thing, tags)
    return {
        "id": item.product,
        "title": title,
        "link": text_of(thing, "url") or text_of(offer, "url") or tags.get("og:url", "") or _canonical(page),
        "category": item.category,
        "brand": item.brand or _tag(tags, "brand"),
        "price": price,
        "currency": text_of(offer, "priceCurrency") or _tag(tags, "price:currency"),
        "image": image,
        "image_width": width,
        "image_height": height,
        "availability": text_of(offer, "availability") or _tag(tags, "availability"),
    }


def _canonical(page: Markup) -> str:
    """The address that the page says is its own (RFC 6596); "" for none."""
    found = page.document.select('link[rel="canonical" i][href]')
    return page.attribute(found[0], "href") if found else ""


def price_of(offers: object) -> float:
    """The price of the first offer; 0 if it has none."""
    offer = _first(offers)
    if not isinstance(offer, dict):
        return 0.0
    for name in ("price", "lowPrice"):
        try:
            price = float(offer[name])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        return price if 0.0 <= price <= MOST_PRICE else 0.0
    return 0.0


def text_of(thing: Mapping[str, Any], name: str) -> str:
    """The value as text: a text, an integer, or the name of a nested item; "" for anything else."""
    value = thing.get(name)
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, str):
        return value.strip()
    return str(value) if type(value) is int else ""


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


# -- Open Graph


def _tags(page: Markup) -> dict[str, str]:
    """The Open Graph tags by name, the first of each: further ones belong to further pictures."""
    tags: dict[str, str] = {}
    for meta in page.document.select("meta[property][content]"):
        tags.setdefault(page.attribute(meta, "property").lower(), page.attribute(meta, "content").strip())
    return tags


def _tag(tags: Mapping[str, str], name: str) -> str:
    return tags.get(f"product:{name}", "") or tags.get(f"og:{name}", "")


# -- the picture


def _picture(page: Markup, thing: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, int, int]:
    """The address of the picture, its width and height; 0 for an unknown size."""
    image, og_image = _first(thing.get("image")), tags.get("og:image", "")
    picture = image if isinstance(image, dict) else {}
    address = image if isinstance(image, str) else text_of(picture, "url") or text_of(picture, "contentUrl") or og_image
    sizes = [(picture.get("width"), picture.get("height"))]
    if _is_same(address, og_image):
        sizes.append((tags.get("og:image:width"), tags.get("og:image:height")))
    sizes += [
        (element.attrs.get("width"), element.attrs.get("height"))
        for element in page.document.select("img[src][width][height]")
        if _is_same(address, page.attribute(element, "src"))
    ]
    for width, height in sizes:
        if _pixels(width) and _pixels(height):
            return address, _pixels(width), _pixels(height)
    return address, 0, 0


def _is_same(one: str, other: str) -> bool:
    """True if both are addresses of one picture; host and query may differ."""
    try:
        return bool(one) and urlsplit(one).path == urlsplit(other).path != ""
    except ValueError:
        return False


def _pixels(value: object) -> int:
    """`600`, "600", "600px" or schema.org's QuantitativeValue."""
    if isinstance(value, dict):
        value = value.get("value")
    found = _PIXELS.fullmatch(str(value).strip().lower().replace(" ", ""))
    pixels = int(found[1]) if found else 0
    return pixels if pixels <= MOST_PIXELS else 0
