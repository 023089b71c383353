"""What is doubtful about a catalogue: products that contradict one another, or what their own pages say of them, or are
there twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from proxy.catalogue.products import Catalogue, Flaw, Problem
from proxy.model import Product

FIELDS: Mapping[str, Callable[[Product], bool]] = {
    "price": lambda product: bool(product.price),
    "currency": lambda product: bool(product.currency),
    "picture": lambda product: bool(product.image),
    "its size": lambda product: bool(product.image_width and product.image_height),
    "brand": lambda product: bool(product.brand),
    "category": lambda product: bool(product.category),
    "tags": lambda product: bool(product.tags),
}
"""What a catalogue may say of a product, and whether it does."""

MOST_ALIKE = 5
"""So many problems of one kind are told one by one."""
_SAID = re.compile(r"`(?![a-z_]+`)[^`]*`|[0-9]+")
"""What differs between problems of one kind: values and ids, not names of fields."""

_COMPARED = ("title", "link", "category", "brand", "price", "currency", "image")


def told_by_kind(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The first of each kind, and how many more there are: what a program got wrong in one row it got wrong in all."""
    kinds = Counter[tuple[bool, str]]()
    first_untold: dict[tuple[bool, str], Problem] = {}
    for problem in problems:
        kind = problem.is_warning, _SAID.sub("", problem.what)
        kinds[kind] += 1
        if kinds[kind] <= MOST_ALIKE:
            yield problem
        else:
            first_untold.setdefault(kind, problem)
    for kind, problem in first_untold.items():
        yield replace(problem, what=f"and {kinds[kind] - MOST_ALIKE:,} more like it: {problem.what}")


def contradictions(products: Collection[Product], lines: Mapping[str, int]) -> Iterator[Problem]:
    """What is doubtful about them as a whole, each a warning at the line of the later one. `lines` are the lines of
    products by id."""
    yield from _different_variants(products, lines)
    yield from _twice(products, lines)
    yield from _other_currencies(products, lines)


def _different_variants(products: Collection[Product], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Variants of one thing differ in size or colour, not in what they are."""
    first: dict[str, Product] = {}
    for product in products:
        if not product.group:
            continue
        other = first.setdefault(product.group, product)
        for name in ("brand", "category", "currency"):
            mine, theirs = getattr(product, name), getattr(other, name)
            if mine.casefold() != theirs.casefold():
                what = f"`{product.id}` has {name} `{mine}`, its variant `{other.id}` has `{theirs}`"
                help = f"see line {lines[other.id]}: write one {name}, or give them different groups"
                yield Problem(lines[product.id], what, help, True, Flaw.CONTRADICTORY)


def _twice(products: Collection[Product], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Two ids at one address, or of one name and brand, are likely one product."""
    by_link: dict[str, Product] = {}
    by_name: dict[tuple[str, str], Product] = {}
    for product in products:
        same_link = by_link.setdefault(product.link, product)
        same_name = by_name.setdefault((product.title.casefold(), product.brand.casefold()), product)
        other = same_link if same_link is not product else same_name
        if other is product or (product.group and product.group == other.group):
            continue
        shared = f"link {product.link}" if other is same_link else f"title `{product.title}`"
        what = f"`{product.id}` and `{other.id}` have the same {shared}"
        help = f"see line {lines[other.id]}: keep one of them, or give both the same item_group_id"
        yield Problem(lines[product.id], what, help, True, Flaw.DUPLICATE)


def _other_currencies(products: Collection[Product], lines: Mapping[str, int]) -> Iterator[Problem]:
    """A feed has one currency; one or two products in another are a slip."""
    counts = Counter(product.currency for product in products if product.currency)
    usual, most = counts.most_common(1)[0] if counts else ("", 0)
    for product in products:
        if product.currency and counts[product.currency] * 10 <= most:
            what = f"`{product.id}` is priced in {product.currency}, nearly all others in {usual}"
            help = "if it is no slip, keep a feed for each currency"
            yield Problem(lines[product.id], what, help, True, Flaw.CONTRADICTORY)


def contradictions_of_feeds(feeds: Mapping[str, Catalogue]) -> Iterator[tuple[str, Problem]]:
    """Where a feed contradicts one before it, by the feed's name: of two that are imported, the later counts."""
    first: dict[str, tuple[str, Product]] = {}
    for name, feed in feeds.items():
        for product in feed.products:
            file, known = first.setdefault(product.id, (name, product))
            if file == name:
                continue
            for field in _COMPARED:
                mine, theirs = getattr(product, field), getattr(known, field)
                if mine and theirs and mine != theirs:
                    what = f"`{product.id}` has {field} `{mine}`, and `{theirs}` in {file}"
                    help = f"see {file}:{feeds[file].lines[product.id]}; the feed that is imported later counts"
                    yield name, Problem(feed.lines[product.id], what, help, True, Flaw.CONTRADICTORY)


def contradictions_with_pages(
    pages: Mapping[str, Product], feeds: Mapping[str, Catalogue]
) -> Iterator[tuple[str, Problem]]:
    """Where a product's own page contradicts a feed, by the feed's name. `pages` is what they tell, by id."""
    for name, feed in feeds.items():
        for product in feed.products:
            page = pages.get(product.id)
            if page is not None and (said := contradiction(product, page)):
                help = f"the catalogue counts; see {page.link}, and mend whichever is wrong"
                yield name, Problem(feed.lines[product.id], f"`{product.id}` {said}", help, True, Flaw.CONTRADICTORY)


# -- beside what its page tells


def completed(product: Product, page: Product) -> Product:
    """The product with what its page says where nothing else does: brand, category, price, picture and the picture's
    size."""
    lacking: dict[str, Any] = {}
    for name in ("brand", "category"):
        if not getattr(product, name) and getattr(page, name):
            lacking[name] = getattr(page, name)
    if not product.price and page.price:
        lacking |= {"price": page.price, "currency": page.currency}
    if page.image and (not product.image or (not product.image_width and _is_one_picture(product.image, page.image))):
        lacking |= {
            "image": product.image or page.image,
            "image_width": page.image_width,
            "image_height": page.image_height,
        }
    return replace(product, **lacking) if lacking else product


def adds_something(product: Product, page: Product) -> bool:
    """True when the page says something that is unknown, or contradicts it."""
    return completed(product, page) != product or bool(contradiction(product, page))


def contradiction(product: Product, page: Product) -> str:
    """What the page says differently; "" for nothing. A sale price or another currency is no contradiction."""
    prices = {product.price, product.sale_price, *(price for name, price in product.prices if name == page.currency)}
    if product.price and page.price not in prices and page.currency in ("", product.currency):
        return f"costs {page.price:g} on its page, {product.price:g} in the catalogue"
    if page.in_stock != product.in_stock:
        if product.in_stock:
            return "is sold out on its page, and not in the catalogue"
        return "is sold out in the catalogue, and not on its page"
    return ""


def _is_one_picture(one: str, other: str) -> bool:
    """Whichever host and version the addresses name."""
    try:
        return urlsplit(one).path == urlsplit(other).path
    except ValueError:
        return False
