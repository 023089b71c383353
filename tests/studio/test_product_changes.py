from __future__ import annotations

import asyncio

import pytest

from proxy.catalogue.product_index import ProductIndex
from proxy.errors import RequestError
from proxy.model import Product
from proxy.ports import Replies
from proxy.studio.product_changes import CHANGED_AT_ONCE, LeftOut, change, changes_in, products_changed


async def test_changes_are_taken_and_what_makes_no_sense_is_told() -> None:
    hub = ProductIndex([Product("BUN", "Buns", "/p/BUN", price=1.0)])
    done = await change(hub, changes_in(b'[{"id": "BUN", "availability": "out_of_stock"}, {"id": "X"}]'))
    found = hub.get("BUN")
    assert found and not found.in_stock and found.price == 1.0
    assert (done.changed, done.left_out) == (1, (LeftOut("X", "`title` is missing", done.left_out[0].help),))


async def test_requests_have_their_turn_between_many_changes() -> None:
    hub = ProductIndex()
    changes = [{"id": f"P{number}", "title": "P", "link": f"/p/{number}"} for number in range(4 * CHANGED_AT_ONCE)]
    changing, seen = asyncio.create_task(change(hub, changes)), []
    while not changing.done():
        seen.append(len(hub))
        await asyncio.sleep(0)
    assert {CHANGED_AT_ONCE, 2 * CHANGED_AT_ONCE, 3 * CHANGED_AT_ONCE} <= set(seen)
    assert (await changing).changed == len(hub) == len(changes)


def test_one_change_needs_no_list() -> None:
    assert changes_in(b'{"id": "BUN"}') == [{"id": "BUN"}]


@pytest.mark.parametrize("body", [b"{half", b"[1]"])
def test_what_is_no_change_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        changes_in(body)


def test_without_replies_no_change_is_confirmed() -> None:
    assert products_changed(Replies(frozenset({"a"}), {})).confirmed == 0
