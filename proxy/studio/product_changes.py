"""`POST /api/products`: what changed of products, as it changes: a price, what is sold out, a new one.

    [{"id": "BUN-4", "availability": "out_of_stock"}, {"id": "TENT-2", "title": "Tent", "link": "/p/TENT-2"}]

Words are those of a feed; what a change does not name stays. Every worker takes it, and pages follow at once. It holds
until the catalogue file says something else of the product.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from proxy.catalogue.product_index import ProductIndex
from proxy.catalogue.products import Unreadable
from proxy.errors import UNDECODABLE, RequestError
from proxy.ports import Replies

MOST_CHANGES = 10_000
CHANGED_AT_ONCE = 50
"""A millisecond's work."""


class LeftOut(msgspec.Struct, frozen=True):
    """A change that was not applied, and why."""

    id: str
    what: str
    help: str = ""


class ProductsChanged(msgspec.Struct, frozen=True):
    """How many products changed; which changes were invalid; how many workers there are, and how many applied the
    changes."""

    changed: int
    left_out: tuple[LeftOut, ...]
    workers: int = 1
    confirmed: int = 1


def changes_in(body: bytes) -> list[dict[str, Any]]:
    """The changes of a request: an object, or a list of them. Raises `RequestError`."""
    try:
        found = msgspec.json.decode(body)
    except UNDECODABLE as error:
        raise RequestError(f"this is not JSON: {error}") from None
    changes = found if isinstance(found, list) else [found]
    if not all(isinstance(change, dict) for change in changes):
        raise RequestError("a change is an object", help='write {"id": "SKU-1", "availability": "out_of_stock"}')
    if len(changes) > MOST_CHANGES:
        raise RequestError(f"more than {MOST_CHANGES:,} changes at once", help="send them in parts", status=413)
    return changes


async def change(hub: ProductIndex, changes: list[dict[str, Any]]) -> ProductsChanged:
    """Changes these products, a few at a time, so that requests are not held up."""
    left: list[LeftOut] = []
    for place, words in enumerate(changes, start=1):
        try:
            hub.change(words, lambda *told: None)
        except Unreadable as error:
            left.append(LeftOut(str(words.get("id", "")), error.what, error.help))
        if place % CHANGED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return ProductsChanged(len(changes) - len(left), tuple(left))


def products_changed(told: Replies) -> ProductsChanged:
    """The result of changes that were sent to all workers; each answered with its own."""
    done = [msgspec.msgpack.decode(answer, type=ProductsChanged) for answer in told.answers.values()]
    first = done[0] if done else ProductsChanged(0, ())
    return msgspec.structs.replace(first, workers=len(told.live), confirmed=len(done))
