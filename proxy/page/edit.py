"""Edits of a page by byte offsets: what is removed, what replaces it, and where a hole is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proxy.page.holes import Fill, HoleAt

SHORTEST_SECRET = 8
"""Bytes. A shorter text, as a count of 3, may occur elsewhere in the page by chance."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces the bytes `start` to `end` by `before` and `after`, with the hole of `fill` between them, if any.
    `old_value` is the value that an attribute had."""

    start: int
    end: int
    fill: Fill | None = None
    before: str = ""
    after: str = ""
    is_attribute: bool = False
    old_value: str = ""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A page with empty holes. `secrets` are the values that attributes had, unless they are short."""

    body: bytes
    holes: tuple[HoleAt, ...] = ()
    secrets: frozenset[bytes] = frozenset()


def outermost(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in page order, without those within another, and without duplicates."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        last = kept[-1] if kept else None
        if last is None or (edit.start >= last.end and (edit.start, edit.end) != (last.start, last.end)):
            kept.append(edit)
    return kept


def edited(body: bytes, edits: Sequence[Edit]) -> Redacted:
    """The page with these edits, which must not overlap."""
    if not edits:
        return Redacted(body)
    parts, holes, length, cursor = [], [], 0, 0
    for edit in edits:
        opened = body[cursor : edit.start] + edit.before.encode("latin-1")
        length += len(opened)
        if edit.fill is not None:
            holes.append(HoleAt(length, edit.fill, edit.is_attribute))
        closed = edit.after.encode("latin-1")
        length += len(closed)
        parts += [opened, closed]
        cursor = edit.end
    # Only attributes: the content of an element is for people to read, and may occur twice.
    taken = {edit.old_value.strip().encode("latin-1") for edit in edits if edit.is_attribute}
    secrets = frozenset(text for text in taken if len(text) >= SHORTEST_SECRET)
    return Redacted(b"".join([*parts, body[cursor:]]), tuple(holes), secrets)
