"""Rows of Shopify's product export: one a variant, and what all variants share on the first row of a handle only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from proxy.catalogue.products import Fields, Flaw, Problem

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
