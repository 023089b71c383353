"""Listings and slots in JSON, by their paths. A listing is an array of products in an API's answer, whose
elements may be in another order for each visitor.

    listings:
      search: {page: /api/search, json: $.results.products, product: sku}

As with the cards of a page (`lists.py`), only whole elements move, each with all its bytes; commas, spaces and
everything around them stay. An element without a product stays where it is. A list is left as the origin sorted it if
the path does not lead to exactly one array, if a product occurs twice, or if it is too long."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from proxy.errors import UNDECODABLE, EditorError
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


# -- Slots in JSON: the values of an API's answer that a decision may replace. Only the bytes of these values are
# replaced; all others stay as the origin wrote them.


def find_json_slots(
    body: bytes, *, path: str, declared: Iterable[DeclaredSlot], max_slots: int
) -> tuple[SlotRange, ...] | Uncut:
    """The slots of an answer at `path` (percent-decoded), none within another; or why it is left unchanged. Slots whose
    value is missing in the answer are left out."""
    wanted = [slot for slot in declared if slot.json and not slot.is_list and slot.is_on(path)]
    try:
        msgspec.json.decode(body)
    except UNDECODABLE:
        return Uncut(UncutReason.NOT_JSON, 0)
    found: list[SlotRange] = []
    for slot in wanted:
        values = list(values_at(body, 0, steps_of(slot.json or "")))
        if len(values) > 1:
            return Uncut(UncutReason.SEVERAL_VALUES, values[1][0], slot.name)
        found += [SlotRange(slot.name, start, end) for start, end in values]
    slots = _outermost(found)
    if not slots:
        return Uncut(UncutReason.NO_SLOTS, 0)
    if len(slots) > max_slots:
        return Uncut(UncutReason.TOO_MANY_SLOTS, slots[max_slots].start, slots[max_slots].name)
    return tuple(slots)


def _outermost(found: Iterable[SlotRange]) -> list[SlotRange]:
    kept: list[SlotRange] = []
    for slot in sorted(found, key=lambda slot: (slot.start, -slot.end)):
        if not kept or slot.start >= kept[-1].end:
            kept.append(slot)
    return kept


# -- Values in JSON, found by their bytes, by a path like `$.content.hero` or `$.blocks[0]['main.hero']`.
# An answer is never serialised again: numbers, escapes and the order of members stay as the origin wrote them. So a
# value is found as its first and last byte. The law: a real parser has checked the whole answer before, so this search
# may rely on it.

Steps = tuple[str | int, ...]

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\['([^'\\]+)'\]|\[\"([^\"\\]+)\"\]")
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]+")
_TURN = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}])', re.DOTALL)
"""Up to the next bracket that stands in no text, in one match: most of an answer is texts."""


def steps_of(path: str) -> Steps:
    """The steps of a path. Raises `EditorError`."""
    steps: list[str | int] = []
    at = 1
    while path.startswith("$") and at < len(path) and (match := _STEP.match(path, at)):
        steps.append(int(match[2]) if match[2] else match[1] or match[3] or match[4])
        at = match.end()
    if not steps or at < len(path):
        raise EditorError(f"`{path}` is no path into JSON", help="write it like $.content.hero or $.blocks[0]")
    return tuple(steps)


def values_at(body: bytes, at: int, steps: Steps) -> Iterator[tuple[int, int]]:
    """Where the values at this path stand, from the value at `at`; several when a member is there twice."""
    start = _past_space(body, at)
    if not steps:
        yield start, end_of(body, start)
        return
    first, *rest = steps
    if isinstance(first, str) and body[start : start + 1] == b"{":
        for name, value in members(body, start):
            if name == first:
                yield from values_at(body, value, tuple(rest))
    elif isinstance(first, int) and body[start : start + 1] == b"[":
        for number, value in enumerate(elements(body, start)):
            if number == first:
                yield from values_at(body, value, tuple(rest))


def members(body: bytes, start: int) -> Iterator[tuple[str, int]]:
    """The name of each member of the object at `start`, and where its value stands."""
    at = _past_space(body, start + 1)
    while body[at : at + 1] == b'"':
        end = end_of(body, at)
        value = _past_space(body, _past_space(body, end) + 1)
        yield json.loads(body[at:end]), value
        at = _past_comma(body, value)


def elements(body: bytes, start: int) -> Iterator[int]:
    """Where each element of the array at `start` stands."""
    at = _past_space(body, start + 1)
    while body[at : at + 1] not in (b"]", b""):
        yield at
        at = _past_comma(body, at)


def _past_comma(body: bytes, value: int) -> int:
    """The offset of the next value, or of the closing bracket."""
    at = _past_space(body, end_of(body, value))
    return _past_space(body, at + 1) if body[at : at + 1] == b"," else at


def _past_space(body: bytes, at: int) -> int:
    match = _SPACE.match(body, at)
    return match.end() if match else at


def end_of(body: bytes, start: int) -> int:
    """Where the value at `start` ends."""
    if body[start : start + 1] not in (b"{", b"["):
        match = _STRING.match(body, start) or _SCALAR.match(body, start)
        return match.end() if match else start
    depth = 0
    for turn in _TURN.finditer(body, start):
        depth += 1 if turn[1] in b"{[" else -1
        if depth == 0:
            return turn.end()
    return len(body)
