"""Feeds that are tables: cells by the names in the heading, row by row, each with its line; and Shopify's export."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from proxy.catalogue.products import Fields, Flaw, Problem

MAX_CELL = 1_000_000


def table_rows(data: bytes, separator: str) -> Iterator[tuple[int, dict[str, str]] | Problem]:
    """The rows of a table by the names in its heading: lower case, underscores for blanks, no `g:`. The line is that
    on which a row begins. Cells may be quoted, and then hold line ends."""
    text, problems = decoded(data)
    yield from problems
    csv.field_size_limit(MAX_CELL)
    lines = text.splitlines(keepends=True)
    heading: list[str] = []
    start = 0

    def reader_of_rest() -> Any:
        rest = map(lines.__getitem__, range(start, len(lines)))  # a slice would copy them for each broken row
        return csv.reader(rest, delimiter=separator, strict=True)

    reader = reader_of_rest()
    while True:
        line = start + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(line, f"a cell cannot be read: {error}", "close every quote; write quotes in a text twice")
            start = line  # go on with the next line: a quote never closed takes in all that follow
            reader = reader_of_rest()
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if not heading:
            heading = [re.sub(r"\s+", "_", name.strip().lower().removeprefix("g:")) for name in cells]
            yield from _twice(heading, line)
        elif len(cells) > len(heading):
            what = f"this row has {len(cells)} cells, its heading {len(heading)}"
            yield Problem(line, what, "put quotes around a text that holds the separator")
        else:
            fields: dict[str, str] = {}
            for name, cell in zip(heading, cells, strict=False):
                fields[name] = fields.get(name) or cell.strip()
            yield line, fields


def _twice(heading: list[str], line: int) -> Iterator[Problem]:
    for name in dict.fromkeys(name for name in heading if heading.count(name) > 1 and name):
        what = f"there are {heading.count(name)} columns `{name}`"
        yield Problem(line, what, "keep one of them; the first that says something counts", True, Flaw.DUPLICATE)


def decoded(data: bytes) -> tuple[str, list[Problem]]:
    """The text, in UTF-8 or else Latin-1; where it is not UTF-8, a warning."""
    try:
        return data.decode(), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return data.decode("latin-1"), [
            Problem(line, "this is not UTF-8", "save the file as UTF-8; until then it is read as Latin-1", True)
        ]


# -- Rows of Shopify's product export: one a variant, and what all variants share on the first row of a handle only.

_UNPUBLISHED = ("false", "no", "0")


def shopify_rows(rows: Iterable[tuple[int, dict[str, str]] | Problem]) -> Iterator[tuple[int, Fields] | Problem]:
    """A product for each variant, in the fields of `products.py`; a row that only adds a picture is none.
    Drafts and what is archived or not published are left out silently."""
    first: dict[str, dict[str, str]] = {}
    variants: dict[str, int] = {}
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        line, cells = row
        handle = cells.get("handle", "")
        if not handle:
            yield Problem(line, "`Handle` is missing", "each row names the product it belongs to", flaw=Flaw.MISSING)
            continue
        shared = first.setdefault(handle, cells)
        if not shared.get("title"):
            if shared is cells:
                yield Problem(
                    line,
                    f"`{handle}` has no `Title` on its first row",
                    "keep the rows of a handle together",
                    flaw=Flaw.MISSING,
                )
            continue
        if shared.get("status", "active").lower() not in ("active", "") or (
            shared.get("published", "").lower() in _UNPUBLISHED
        ):
            continue
        if shared is not cells and not _is_variant(cells):
            continue
        variants[handle] = variants.get(handle, 0) + 1
        try:
            yield line, _words(shared, cells, variants[handle])
        except ValueError as error:
            yield Problem(line, str(error), "write the number in digits")


def _is_variant(cells: dict[str, str]) -> bool:
    return any(cells.get(name) for name in ("variant_sku", "option1_value", "variant_price"))


def _words(shared: dict[str, str], cells: dict[str, str], number: int) -> dict[str, Any]:
    options = [cells[name] for name in ("option1_value", "option2_value", "option3_value") if cells.get(name)]
    named = [option for option in options if option != "Default Title"]
    handle = shared["handle"]
    price = _amount(cells, "variant_price")
    regular = _amount(cells, "variant_compare_at_price") or price
    fields: dict[str, Any] = {
        "id": cells.get("variant_sku", "").lstrip("'") or (handle if number == 1 else f"{handle}-{number}"),
        "title": " / ".join([shared["title"], *named]),
        "link": f"/products/{handle}",
        "category": shared.get("product_category") or shared.get("type", ""),
        "brand": shared.get("vendor", ""),
        "tags": shared.get("tags", ""),
        "image": cells.get("variant_image") or shared.get("image_src", ""),
        "price": max(price, regular),
        "group": handle,
    }
    if regular > price:
        fields["sale_price"] = price
    if cells.get("variant_inventory_tracker") and cells.get("variant_inventory_policy", "deny").lower() == "deny":
        fields["quantity"] = cells.get("variant_inventory_qty", "")
    return fields


def _amount(cells: dict[str, str], name: str) -> float:
    written = cells.get(name, "")
    try:
        amount = float(written or 0)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e12:
        column = name.replace("_", " ").title()
        raise ValueError(f"`{column}` is `{written}`")
    return amount
