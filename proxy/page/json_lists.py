"""Listings in JSON: arrays of products in an API's answer, whose elements may be in another order for each visitor.

    listings:
      search: {page: /api/search, json: $.results.products, product: sku}

As with the cards of a page (`lists.py`), only whole elements move, each with all its bytes; commas, spaces and
everything around them stay. An element without a product stays where it is. A list is left as the origin sorted it if
the path does not lead to exactly one array, if a product occurs twice, or if it is too long."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from proxy.page.json_values import Steps, elements, end_of, steps_of, values_at
from proxy.page.lists import CardList, ListAt, Lists, reason_not_to_reorder, without_overlaps
from proxy.page.piece import Piece
from proxy.page.scan import SlotRange, Uncut, UncutReason
from proxy.page.slots import DeclaredSlot

PRODUCT = "id"
"""The member of an element that names its product, unless the shop says another."""


def steps_to_list(path: str) -> Steps:
    """The path to an array, read: `$` is the whole answer. Raises `EditorError`."""
    return () if path == "$" else steps_of(path)


def steps_to_product(path: str) -> Steps:
    """The path from an element to its product's id, read: a mere name is that of a member. Raises `EditorError`."""
    return steps_of(path) if path.startswith("$") else (path,)


def find_json_lists(
    body: bytes, *, path: str, declared: Iterable[DeclaredSlot], taken: Sequence[SlotRange] = ()
) -> Lists:
    """The lists that `declared` names and the answer at `path` (percent-decoded) has; those that overlap a slot `taken`
    are left out. The answer is known to be JSON."""
    wanted = [slot for slot in declared if slot.is_list and slot.json and slot.is_on(path)]
    return without_overlaps(taken, (at for slot in wanted for at in _lists(body, slot)))


def _lists(body: bytes, slot: DeclaredSlot) -> Iterator[ListAt | Uncut]:
    arrays = list(values_at(body, 0, steps_to_list(slot.json or "")))
    if len(arrays) > 1:
        yield Uncut(UncutReason.SEVERAL_VALUES, arrays[1][0], slot.name)
    if len(arrays) != 1 or body[arrays[0][0] : arrays[0][0] + 1] != b"[":
        return
    spans = list(_spans(body, arrays[0][0], steps_to_product(slot.product or PRODUCT)))
    if len(spans) < 2:
        return
    products = tuple(product for product, *_ in spans)
    if doubt := reason_not_to_reorder(products):
        yield Uncut(doubt, spans[0][1], slot.name)
        return
    yield ListAt(
        SlotRange(slot.name, spans[0][1], spans[-1][2]),
        CardList(
            products,
            tuple(Piece(body[start:end]) for _, start, end in spans),
            tuple(Piece(body[one[2] : two[1]]) for one, two in pairwise(spans)),
        ),
    )


def _spans(body: bytes, array: int, steps: Steps) -> Iterator[tuple[str, int, int]]:
    """Each element that names a product: which one, and where it begins and ends."""
    for start in elements(body, array):
        end = end_of(body, start)
        if product := _product(body[start:end], steps):
            yield product, start, end


def _product(element: bytes, steps: Steps) -> str:
    """The id, a text or a whole number; "" where there is none, or more than one."""
    found = list(values_at(element, 0, steps))
    value = json.loads(element[slice(*found[0])]) if len(found) == 1 else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
