"""Reads a catalogue in whatever format a shop has it. `FORMATS` is the table: a row says how a format is
recognised by its first bytes, and how its rows are read; each row becomes fields for `products.py`, with its line.

A bad row never costs a good one: what is wrong is reported by line, and the rest loads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any

import orjson

from proxy.catalogue.products import Catalogue, Fields, Flaw, Problem, Unreadable, Warn, product_of
from proxy.catalogue.quality import contradictions
from proxy.catalogue.tables import shopify_rows, table_rows
from proxy.catalogue.xmlfeed import xml_rows
from proxy.model import Product

Row = tuple[int, Fields]
Rows = Callable[[bytes], Iterator[Row | Problem]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of feeds. `is_it` gets the first bytes. Rows that lack one of `expected` load with a warning."""

    name: str
    is_it: Callable[[bytes], bool]
    rows: Rows
    expected: tuple[str, ...] = ()


def read_feed(data: bytes, *, currency: str = "") -> Catalogue:
    """The products of a feed. Of two rows with one id, the later is left out. `currency` is for prices that name
    none."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if (other := _not_a_feed(data)) is not None:
        return Catalogue((), (other,))
    catalogue = read_rows(format_of(data), data, currency=currency)
    if catalogue.products or catalogue.problems:
        return catalogue
    nothing = Problem(
        1, "there is no product in this file", "write one a row, below the names of the columns", flaw=Flaw.MISSING
    )
    return replace(catalogue, problems=(nothing,))


def _not_a_feed(data: bytes) -> Problem | None:
    """The problem with a file in none of the formats; reported once, not line by line."""
    if data.startswith(b"PK\x03\x04"):
        return Problem(1, "this is a workbook or an archive", "save the sheet as CSV, best as CSV UTF-8")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem(1, "this is in UTF-16", "save it as UTF-8")
    if format_of(data) is not FORMATS[-1] or not data.strip() or re.search(rb"^[^\S\n]*[{\[]", data, re.MULTILINE):
        return None
    columns = "a table whose first line names its columns (id, title, link, price ...)"
    named = re.split(r"[,;\t]", _first_line(data.lstrip()).decode("utf-8", "replace").replace('"', ""))
    if lacking := [name for name in ("id", "title") if name not in map(str.strip, named) and len(named) > 1]:
        what = f"no column of this table is called {' or '.join(f'`{name}`' for name in lacking)}"
        return Problem(1, what, f"rename those that have them: it has {', '.join(map(str.strip, named[:8]))}")
    return Problem(1, "this is no feed that can be read", f"write {columns}, an XML feed, or JSON lines")


def format_of(data: bytes) -> Format:
    """How a feed is written, by its first bytes."""
    head = data[:4096].lstrip()
    return next((format for format in FORMATS if format.is_it(head)), FORMATS[-1])


def find_row(data: bytes, product_id: str) -> Row | None:
    """The row of a product, with its line; None when there is none. Of several, the first."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    for row in format_of(data).rows(data):
        if not isinstance(row, Problem) and str(row[1].get("id", "")) == product_id:
            return row
    return None


def read_products(data: bytes) -> Catalogue:
    """The products of JSON lines."""
    return read_rows(FORMATS[-1], data.removeprefix(b"\xef\xbb\xbf"))


def read_rows(format: Format, data: bytes, *, currency: str = "") -> Catalogue:
    """The products of a feed of that format."""
    products: dict[str, Product] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    for row in format.rows(data):
        if isinstance(row, Problem):
            problems.append(row)
            continue
        line, fields = row
        try:
            product = product_of(fields, partial(_warn, problems, line), currency=currency)
            if product.id in products:
                raise Unreadable(
                    f"there is already a product `{product.id}`",
                    f"it is on line {lines[product.id]}: keep one of them",
                    Flaw.DUPLICATE,
                )
        except Unreadable as error:
            problems.append(Problem(line, error.what, error.help, flaw=error.flaw))
            continue
        problems += _missing(format, product, line, fields)
        products[product.id], lines[product.id] = product, line
    problems += contradictions(products.values(), lines)
    in_order = tuple(sorted(problems, key=lambda problem: problem.line))
    return Catalogue(tuple(products.values()), in_order, lines, format.name)


def _warn(problems: list[Problem], line: int, what: str, help: str, flaw: Flaw) -> None:
    problems.append(Problem(line, what, help, is_warning=True, flaw=flaw))


def _missing(format: Format, product: Product, line: int, fields: Fields) -> Iterator[Problem]:
    """Warnings of fields that a feed of this format should have."""
    lacks = {
        "price": (not product.price, "add its price, as 12.99 EUR; until then none is shown"),
        "currency": (bool(product.price) and not product.currency, "write the currency behind the price: 12.99 EUR"),
        "image_link": (not product.image, "add the address of its picture; until then none is shown"),
        "availability": (not fields.get("availability"), "add in_stock or out_of_stock; until then it is in stock"),
    }
    for name in format.expected:
        is_lacking, help = lacks[name]
        if is_lacking and not (name == "image_link" and fields.get(name)):
            yield Problem(line, f"`{name}` is missing", help, is_warning=True, flaw=Flaw.MISSING)


# -- JSON lines


def _json_rows(data: bytes) -> Iterator[Row | Problem]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            fields: Any = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Problem(
                number, f"this is not JSON: {error.msg} (column {error.colno})", "write one object a line, in UTF-8"
            )
            continue
        if isinstance(fields, dict):
            yield number, fields
        else:
            yield Problem(number, "a product is written {...}", 'as {"id": "SKU-1", "title": ..., "link": ...}')


# -- tables


def _google(rows: Iterable[tuple[int, dict[str, str]] | Problem]) -> Iterator[Row | Problem]:
    for row in rows:
        yield row if isinstance(row, Problem) else (row[0], labelled(row[1]))


def labelled(fields: dict[str, str]) -> Fields:
    """A Google feed's fields, with its custom labels as tags; without empty cells."""
    labels = [fields[name] for name in sorted(fields) if name.startswith("custom_label_") and fields[name]]
    known = {name: value for name, value in fields.items() if value}
    return {**known, "tags": labels} if labels else known


def _first_line(head: bytes) -> bytes:
    return head.partition(b"\n")[0].lower()


def _separator(head: bytes) -> str:
    """Comma or semicolon, whichever parts `id` and `title` in the first line; "" for neither."""
    for mark in ",;":
        if {b"id", b"title"} <= {name.strip(b' "\r') for name in _first_line(head).split(mark.encode())}:
            return mark
    return ""


_EXPECTED = ("price", "currency", "image_link", "availability")

FORMATS: tuple[Format, ...] = (
    Format("Google Merchant, XML", lambda head: head.startswith(b"<"), lambda data: _google(xml_rows(data)), _EXPECTED),
    Format(
        "Shopify, CSV",
        lambda head: _first_line(head).replace(b'"', b"").startswith(b"handle,") or b"variant sku" in _first_line(head),
        lambda data: shopify_rows(table_rows(data, ",")),
        ("price", "image_link"),
    ),
    Format(
        "a table, CSV",
        lambda head: bool(_separator(head)),
        lambda data: _google(table_rows(data, _separator(data.lstrip()))),
        _EXPECTED,
    ),
    Format(
        "Google Merchant, TSV",
        lambda head: b"\t" in _first_line(head) and not head.startswith(b"{"),
        lambda data: _google(table_rows(data, "\t")),
        _EXPECTED,
    ),
    Format("JSON lines", lambda head: head.startswith(b"{"), _json_rows),
)


def merged(known: Product, change: Fields, warn: Warn) -> Product:
    """A product after a change that names some of its fields, as its availability or its price. Raises `Unreadable`."""
    whole = {"id": known.id, "title": known.title, "link": known.link, "currency": known.currency, **change}
    if "price" not in change:
        whole["price"] = known.price
    new = product_of(whole, warn)
    kept = {
        field: getattr(known, field) for field, names in OWN_FIELDS.items() if not any(name in change for name in names)
    }
    return replace(new, **kept)


OWN_FIELDS: Mapping[str, tuple[str, ...]] = {
    "category": ("category", "product_type", "google_product_category"),
    "brand": ("brand",),
    "image": ("image", "image_link"),
    "image_width": ("image_width",),
    "image_height": ("image_height",),
    "in_stock": ("in_stock", "availability", "quantity"),
    "tags": ("tags",),
    "popularity": ("popularity",),
    "sale_price": ("sale_price",),
    "sale_from": ("sale_price", "sale_price_effective_date"),
    "sale_until": ("sale_price", "sale_price_effective_date"),
    "group": ("group", "item_group_id"),
    "added_at": ("added", "created_at"),
    "prices": ("prices",),
}
"""The fields that each fact of a product is read from: the first that is there. Not those that every change has."""


def line_of(product: Product) -> bytes:
    """The product as a line of a shop's own file, without what it does not say."""
    fields: dict[str, Any] = {
        "id": product.id,
        "title": product.title,
        "link": product.link,
        "category": product.category,
        "brand": product.brand,
        "price": product.price,
        "currency": product.currency,
        "image": product.image,
        "image_width": product.image_width,
        "image_height": product.image_height,
        "availability": "in_stock" if product.in_stock else "out_of_stock",
        "tags": sorted(product.tags),
        "popularity": product.popularity,
        "sale_price": product.sale_price,
        "group": product.group,
        "prices": dict(product.prices),
        "added": _date(product.added_at) if product.added_at else "",
    }
    if product.sale_price and (product.sale_from, product.sale_until) != (-inf, inf):
        window = (max(product.sale_from, 0.0), min(product.sale_until, _FAR))
        fields["sale_price_effective_date"] = "/".join(map(_date, window))
    return orjson.dumps({name: value for name, value in fields.items() if value})


_FAR = 4_000_000_000.0


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
