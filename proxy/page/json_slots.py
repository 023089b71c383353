"""Slots in JSON: the values of an API's answer that a decision may replace, found by their bytes.

The answer is never written anew: numbers, escapes and the order of its members stay as the origin wrote them. What is
found is the bytes of a value, by a path like `$.content.hero` or `$.blocks[0]['main.hero']`. A real parser reads the
answer first, so that the search may trust it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from proxy.errors import EditorError
from proxy.page.scan import Doubt, SlotRange, Uncut
from proxy.page.slots import DeclaredSlot

Steps = tuple[str | int, ...]

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\['([^'\\]+)'\]|\[\"([^\"\\]+)\"\]")
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]+")
_TURN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonCut:
    """The slots of an answer, in order; `are_texts` says of each whether its value is a text."""

    slots: tuple[SlotRange, ...]
    are_texts: tuple[bool, ...]


def steps_of(path: str) -> Steps:
    """The path, read. Raises `EditorError`."""
    steps: list[str | int] = []
    at = 1
    while path.startswith("$") and at < len(path) and (match := _STEP.match(path, at)):
        steps.append(int(match[2]) if match[2] else match[1] or match[3] or match[4])
        at = match.end()
    if not steps or at < len(path):
        raise EditorError(f"`{path}` is no path into JSON", help="write it like $.content.hero or $.blocks[0]")
    return tuple(steps)


def find_json_slots(body: bytes, *, path: str, declared: Iterable[DeclaredSlot], max_slots: int) -> JsonCut | Uncut:
    """The slots of an answer at `path` (percent-decoded), none within another; or why it stays as it came. Those whose
    value it has not got are not there."""
    wanted = [slot for slot in declared if slot.json and slot.is_on(path)]
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Uncut(Doubt.NOT_JSON, 0)
    found: list[SlotRange] = []
    for slot in wanted:
        values = list(_values(body, 0, steps_of(slot.json or "")))
        if len(values) > 1:
            return Uncut(Doubt.SEVERAL_VALUES, values[1][0], slot.name)
        found += [SlotRange(slot.name, start, end) for start, end in values]
    slots = _outermost(found)
    if not slots:
        return Uncut(Doubt.NO_SLOTS, 0)
    if len(slots) > max_slots:
        return Uncut(Doubt.TOO_MANY_SLOTS, slots[max_slots].start, slots[max_slots].name)
    return JsonCut(tuple(slots), tuple(body[slot.start : slot.start + 1] == b'"' for slot in slots))


def _outermost(found: Iterable[SlotRange]) -> list[SlotRange]:
    kept: list[SlotRange] = []
    for slot in sorted(found, key=lambda slot: (slot.start, -slot.end)):
        if not kept or slot.start >= kept[-1].end:
            kept.append(slot)
    return kept


def _values(body: bytes, at: int, steps: Steps) -> Iterator[tuple[int, int]]:
    """Where the values stand that the steps lead to, from the value at `at`: several when a member is there twice."""
    start = _past_space(body, at)
    if not steps:
        yield start, _end(body, start)
        return
    first, *rest = steps
    if isinstance(first, str) and body[start : start + 1] == b"{":
        for name, value in _members(body, start):
            if name == first:
                yield from _values(body, value, tuple(rest))
    elif isinstance(first, int) and body[start : start + 1] == b"[":
        for number, value in enumerate(_elements(body, start)):
            if number == first:
                yield from _values(body, value, tuple(rest))


def _members(body: bytes, start: int) -> Iterator[tuple[str, int]]:
    """The name of each member of the object at `start`, and where its value stands."""
    at = _past_space(body, start + 1)
    while body[at : at + 1] == b'"':
        end = _end(body, at)
        value = _past_space(body, _past_space(body, end) + 1)
        yield json.loads(body[at:end]), value
        at = _past_comma(body, value)


def _elements(body: bytes, start: int) -> Iterator[int]:
    """Where each element of the array at `start` stands."""
    at = _past_space(body, start + 1)
    while body[at : at + 1] not in (b"]", b""):
        yield at
        at = _past_comma(body, at)


def _past_comma(body: bytes, value: int) -> int:
    """Where the next one stands after the value, or what closes them all."""
    at = _past_space(body, _end(body, value))
    return _past_space(body, at + 1) if body[at : at + 1] == b"," else at


def _past_space(body: bytes, at: int) -> int:
    match = _SPACE.match(body, at)
    return match.end() if match else at


def _end(body: bytes, start: int) -> int:
    """Where the value at `start` ends."""
    if body[start : start + 1] not in (b"{", b"["):
        match = _STRING.match(body, start) or _SCALAR.match(body, start)
        return match.end() if match else start
    depth = 0
    for turn in _TURN.finditer(body, start):
        if turn[0] in (b"{", b"["):
            depth += 1
        elif turn[0] in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return turn.end()
    return len(body)
