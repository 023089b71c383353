"""The properties of an event, as Segment and GA4 name them: products, money, order ids, and further ones."""

from __future__ import annotations

import math
from collections.abc import Mapping

from proxy.audience.clean import number_of
from proxy.model import Item

OWN_PRODUCT_NAMES = ("product_id", "sku", "item_id")
PRODUCT_NAMES = (*OWN_PRODUCT_NAMES, "id")
BRAND_NAMES = ("brand", "item_brand")
CATEGORY_NAMES = ("category", "item_category", *(f"item_category{number}" for number in range(2, 6)))
CATEGORIES = frozenset(CATEGORY_NAMES)
VALUE_NAMES = ("revenue", "total", "value")
ORDER_NAMES = ("order_id", "transaction_id")
RENAMED = {"creative": "variant", "creative_name": "variant", "position": "slot", "creative_slot": "slot"}
"""What we have a word of our own for."""
NUMERIC = (int, float, str)
"""What may be a number. A union written out would be made anew at each look."""
MAX_DETAILS = 30
MAX_NAME = 64
MAX_DETAIL = 200
MOST_AMOUNT = 1e12
"""Of money or pieces: what is said to be more is none. So all that anybody does comes to a sum that a float can be."""

Properties = Mapping[str, object]


def items_of(properties: Properties) -> tuple[Item, ...]:
    """The products: those of a list, or the one of the properties themselves."""
    listed = properties.get("products", properties.get("items"))
    if isinstance(listed, list) and (said := [each for each in listed if isinstance(each, dict)]):
        return tuple([_item(each, product) for each in said if (product := first(each, PRODUCT_NAMES))])
    product = first(properties, OWN_PRODUCT_NAMES)
    return (_item(properties, product),) if product else ()


def _item(said: Properties, product: str) -> Item:
    quantity = amount(said["quantity"]) if "quantity" in said else 1.0
    price = amount(said["price"]) if "price" in said else 0.0
    return Item(
        product[:64],
        _category(said),
        first(said, BRAND_NAMES)[:50],
        price if price > 0 else 0.0,
        quantity if quantity > 0 else 1.0,
    )


def _category(said: Properties) -> str:
    if CATEGORIES.isdisjoint(said):
        return ""
    parts = [part.strip() for name in CATEGORY_NAMES if name in said for part in text(said, name).split(">")]
    return "/".join(filter(None, parts))[:100]


def value_of(properties: Properties, items: tuple[Item, ...]) -> float:
    """The value in money: as given, else the price of the products."""
    for name in VALUE_NAMES:
        if properties.get(name) not in (None, ""):
            return amount(properties[name])
    if len(items) == 1:
        return items[0].price * items[0].quantity
    return math.fsum([item.price * item.quantity for item in items])


def details_of(properties: Properties) -> dict[str, str | float | bool]:
    """The further properties kept in the log: texts, numbers and booleans, limited in number and length."""
    kept: dict[str, str | float | bool] = {}
    for name, value in properties.items():
        if len(name) > MAX_NAME:
            continue
        if isinstance(value, str):
            if not value:
                continue
            value = value[:MAX_DETAIL]
        elif not isinstance(value, bool):
            if not isinstance(value, NUMERIC):
                continue
            value = number(value)
        kept[RENAMED.get(name, name)] = value
        if len(kept) == MAX_DETAILS:
            break
    return kept


def first(properties: Properties, names: tuple[str, ...]) -> str:
    """The first of these with a value, as a text."""
    for name in names:
        if name in properties and (found := text(properties, name)):
            return found
    return ""


def text(properties: Properties, name: str) -> str:
    """A text or a number as a text; "" for anything else."""
    value = properties.get(name)
    if isinstance(value, str):
        return value.strip()
    return f"{value:g}" if isinstance(value, float) else str(value) if type(value) is int else ""


def number(value: object) -> float:
    """A number, or a text that is one; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, NUMERIC):
        return 0.0
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def amount(value: object) -> float:
    """The same for an amount of money or pieces; of a text also as shops write it, as `€ 1.234,50`."""
    found = number(value)
    if not found and isinstance(value, str):
        found = number_of(value.strip()) or 0.0
    return found if abs(found) <= MOST_AMOUNT else 0.0
