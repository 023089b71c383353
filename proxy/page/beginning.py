"""The beginning of a page that is still coming, as far as filling cannot change it, whatever comes after it.

A slot lies behind the word that marks it; a list, which a second `<body>` may mark behind its cards, and what an
operator's selector finds, behind the start tag of an element that does not stand in a head. Up to the first of these, a
page is the same filled or not. What only looks like one, as in a script, makes the beginning shorter, never too long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from proxy.page.page_shape import is_structural
from proxy.page.slots import DeclaredSlot

_MARKS = (b"data-slot", b"tb-slot", b"<esi:")
"""Names of tags and attributes cannot be written in other characters, but for capitals."""
_MARKS_OF_LISTS = (b"data-list", b"</head")  # before which the stylesheet of a list is inserted
_LONGEST = max(map(len, _MARKS))


def _tag_beside(in_heads: bytes) -> re.Pattern[bytes]:
    """Finds a start tag that is none of these."""
    return re.compile(rb"<(?!(?:" + in_heads + rb"))[a-z][^ \t\n\f\r/>]*[ \t\n\f\r/>]")


_IN_HEADS = rb"(?:html|title|meta|link|style|script|base|noscript)[ \t\n\f\r/>]|head"
_TAG = _tag_beside(_IN_HEADS + rb"[ \t\n\f\r/>]")
_TAG_OR_MARKED_HEAD = _tag_beside(_IN_HEADS + b">")
_BEGUN_TAG = re.compile(rb"<(?:[a-z][^ \t\n\f\r/>]*)?\Z")
_NEVER_HEAD = re.compile(r"(?!(?:head|html)\b)[\w-]+.*|[^*]*[.#].*", re.IGNORECASE)


class Bounds(NamedTuple):
    """Before what a beginning ends: before these words, and, if there is one, this tag."""

    marks: tuple[bytes, ...]
    tag: re.Pattern[bytes] | None = None


def bounds_of(declared: Sequence[DeclaredSlot]) -> Bounds | None:
    """Those of pages with these slots; None where a slot at the start or end of an element may be that of the head."""
    lists = any(slot.is_list for slot in declared)
    at_edges = [slot.selector for slot in declared if slot.selector and (slot.is_list or slot.place != "inside")]
    if not all(map(_is_never_head, at_edges)):
        return None
    by_tag = lists or any(slot.selector for slot in declared)
    tag = _TAG_OR_MARKED_HEAD if at_edges else _TAG if by_tag else None
    return Bounds(_MARKS + _MARKS_OF_LISTS if lists else _MARKS, tag)


def _is_never_head(selector: str) -> bool:
    """Whether it cannot find a head that has no attributes."""
    ends = [re.split(r"[\s>+~]+", each.strip())[-1] for each in selector.split(",")]
    return is_structural(selector) and all(map(_NEVER_HEAD.fullmatch, ends))


class Beginning:
    """Where it ends, in a page of which more and more is there."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._is_over = False
        self.end = 0

    def look_on(self, page: bytearray) -> None:
        """Moves the end; `page` is what was there before, and more. What may go on as a mark is not part of it yet."""
        if self._is_over:
            return
        text = bytes(memoryview(page)[self.end :]).lower()
        found = [at for mark in self._bounds.marks if (at := text.find(mark)) >= 0]
        if self._bounds.tag is not None and (tag := self._bounds.tag.search(text)) is not None:
            found.append(tag.start())
        self._is_over = bool(found)
        self.end += min(found) if found else len(text) - self._open(text)

    def _open(self, text: bytes) -> int:
        """How many bytes at its end may go on as a mark."""
        begun = _BEGUN_TAG.search(text, text.rfind(b"<")) if self._bounds.tag is not None and b"<" in text else None
        sizes = range(min(_LONGEST - 1, len(text)), 0, -1)
        of_mark = next((size for size in sizes if any(mark.startswith(text[-size:]) for mark in self._bounds.marks)), 0)
        return of_mark if begun is None else max(of_mark, len(text) - begun.start())
