"""Reads a catalogue: one JSON object a line, in the words of a Google Merchant feed or of `Product`.

A line that cannot be read is left out and told, with its number; the others count. Words not listed here are ignored:
feeds carry many.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from proxy.model import Product

MAX_TEXT = 1_000

_ID = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_PRICE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:\s*([A-Z]{3}))?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_AVAILABLE = {"in_stock": True, "in stock": True, "preorder": True, "backorder": True}
_AVAILABLE |= {"out_of_stock": False, "out of stock": False}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the product on `line` (from 1) was left out."""

    line: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The products in the order of the file, and what was wrong with the lines left out."""

    products: tuple[Product, ...]
    problems: tuple[Problem, ...]


class _Unreadable(Exception):
    """Says what is wrong with a line."""


def read_products(data: bytes) -> Catalogue:
    """The catalogue in `data`, JSON lines in UTF-8. Of two lines with one id, the later is left out."""
    products: dict[str, Product] = {}
    problems = []
    for number, line in _lines(data):
        try:
            product = _product(line)
            if product.id in products:
                raise _Unreadable(f"there is already a product `{product.id}`")
            products[product.id] = product
        except _Unreadable as error:
            problems.append(Problem(number, str(error)))
    return Catalogue(tuple(products.values()), tuple(problems))


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _product(line: bytes) -> Product:
    words = _object(line)
    price, currency = _price(words)
    return Product(
        id=_id(words),
        title=_text(words, "title", is_needed=True),
        link=_text(words, "link", is_needed=True),
        category=_text(words, "category", "product_type"),
        brand=_text(words, "brand"),
        price=price,
        currency=currency,
        image=_text(words, "image", "image_link"),
        image_width=_pixels(words, "image_width"),
        image_height=_pixels(words, "image_height"),
        in_stock=_in_stock(words),
        tags=_tags(words),
        popularity=_number(words, "popularity"),
    )


def _object(line: bytes) -> dict[str, Any]:
    try:
        words = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _Unreadable(f"this is not JSON: {error}") from None
    if not isinstance(words, dict):
        raise _Unreadable("a product is written {...}")
    return words


def _id(words: dict[str, Any]) -> str:
    written = words.get("id")
    text = str(written) if isinstance(written, int) and not isinstance(written, bool) else written
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise _Unreadable("`id` is 1 to 64 characters without blanks")
    return text


def _text(words: dict[str, Any], *names: str, is_needed: bool = False) -> str:
    value = next((words[name] for name in names if words.get(name) is not None), "")
    if not isinstance(value, str):
        raise _Unreadable(f"`{names[0]}` is not text")
    if is_needed and not value.strip():
        raise _Unreadable(f"`{names[0]}` is missing")
    return value.strip()[:MAX_TEXT]


def _price(words: dict[str, Any]) -> tuple[float, str]:
    """A feed writes `12.99 EUR`; a shop's own file a number, and the currency beside it."""
    currency = _text(words, "currency")
    if isinstance(words.get("price"), str):
        written = _PRICE.fullmatch(words["price"].strip())
        if written is None:
            raise _Unreadable(f"`price` is `{words['price']}`, write it like 12.99 EUR")
        amount, currency = float(written[1]), written[2] or currency
    else:
        amount = _number(words, "price")
    if currency and not _CURRENCY.fullmatch(currency):
        raise _Unreadable(f"`currency` is `{currency}`, write it like EUR")
    return amount, currency


def _number(words: dict[str, Any], name: str) -> float:
    value = words.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise _Unreadable(f"`{name}` is not a number from 0 up")
    return float(value)


def _pixels(words: dict[str, Any], name: str) -> int:
    value = _number(words, name)
    if value != int(value):
        raise _Unreadable(f"`{name}` is not a whole number")
    return int(value)


def _in_stock(words: dict[str, Any]) -> bool:
    """Feeds write `in_stock` as well as `in stock`. What says nothing is for sale."""
    if "availability" in words:
        known = _AVAILABLE.get(str(words["availability"]).strip().lower())
        if known is None:
            raise _Unreadable(f"`availability` is `{words['availability']}`, write in_stock or out_of_stock")
        return known
    value = words.get("in_stock", True)
    if not isinstance(value, bool):
        raise _Unreadable("`in_stock` is neither true nor false")
    return value


def _tags(words: dict[str, Any]) -> frozenset[str]:
    value = words.get("tags") or []
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise _Unreadable("`tags` is not a list of texts")
    return frozenset(tag.strip() for tag in value if tag.strip())
