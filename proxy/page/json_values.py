"""Values in JSON, found by their bytes, by a path like `$.content.hero` or `$.blocks[0]['main.hero']`.

An answer is never serialised again: numbers, escapes and the order of members stay as the origin wrote them. So a value
is found as its first and last byte. The law: a real parser has checked the whole answer before, so this search may rely
on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from proxy.errors import EditorError

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
