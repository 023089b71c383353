"""Changes to a page by bytes: what is removed, what is put in its place, and where a hole is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proxy.page.holes import Fill, HoleAt

SHORTEST_SECRET = 8
"""Bytes. A shorter text, as a count of 3, may well stand elsewhere by chance."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces the bytes `start` to `end` by `before` and `after`, with the hole of `fill` between them, if any.
    `taken` is the value that an attribute had."""

    start: int
    end: int
    fill: Fill | None = None
    before: str = ""
    after: str = ""
    is_attribute: bool = False
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A page with empty holes. `taken` has the values of holes that are attributes."""

    body: bytes
    holes: tuple[HoleAt, ...] = ()
    taken: frozenset[bytes] = frozenset()


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
    # What an element holds is for people to read, and may well be said twice.
    taken = {edit.taken.strip().encode("latin-1") for edit in edits if edit.is_attribute}
    secrets = frozenset(text for text in taken if len(text) >= SHORTEST_SECRET)
    return Redacted(b"".join([*parts, body[cursor:]]), tuple(holes), secrets)
