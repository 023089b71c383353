"""Slots in JSON: the values of an API's answer that a decision may replace. Only the bytes of these values are replaced
(`json_values.py`); all others stay as the origin wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from proxy.errors import UNDECODABLE
from proxy.page.json_values import steps_of, values_at
from proxy.page.scan import SlotRange, Uncut, UncutReason
from proxy.page.slots import DeclaredSlot


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
