"""The beginning of a page that is still coming, as far as filling cannot change it, whatever comes after it.

A slot lies behind the word that marks it; one that an operator's selector finds, behind the start tag of an element
that does not stand in a head. Up to the first of these, a page is the same filled or not. What only looks like one, as
in a script, makes the beginning shorter, never too long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxy.page.slots import DeclaredSlot

_MARKS = (b"data-slot", b"tb-slot", b"<esi:")
"""Names of tags and attributes cannot be written in other characters, but for capitals."""
_LONGEST = max(map(len, _MARKS))
_IN_HEADS = rb"html|head|title|meta|link|style|script|base|noscript"
_TAG = re.compile(rb"<(?!(?:" + _IN_HEADS + rb")[ \t\n\f\r/>])[a-z][^ \t\n\f\r/>]*[ \t\n\f\r/>]")
_BEGUN_TAG = re.compile(rb"<(?:[a-z][^ \t\n\f\r/>]*)?\Z")


def may_begin(declared: Sequence[DeclaredSlot]) -> bool:
    """Whether a page with these slots has such a beginning: not where a list brings a stylesheet, or a slot at the
    start or end of an element may be that of the head."""
    return not any(slot.is_list or (slot.selector and slot.place != "inside") for slot in declared)


class Beginning:
    """Where it ends, in a page of which more and more is there. With `has_selectors`, slots may be found by them."""

    def __init__(self, *, has_selectors: bool) -> None:
        self._has_selectors = has_selectors
        self._is_over = False
        self.end = 0

    def look_on(self, page: bytearray) -> None:
        """Moves the end; `page` is what was there before, and more. What may go on as a mark is not part of it yet."""
        if self._is_over:
            return
        text = bytes(memoryview(page)[self.end :]).lower()
        found = [at for mark in _MARKS if (at := text.find(mark)) >= 0]
        if self._has_selectors and (tag := _TAG.search(text)) is not None:
            found.append(tag.start())
        self._is_over = bool(found)
        self.end += min(found) if found else len(text) - self._open(text)

    def _open(self, text: bytes) -> int:
        """How many bytes at its end may go on as a mark."""
        begun = _BEGUN_TAG.search(text, text.rfind(b"<")) if self._has_selectors and b"<" in text else None
        sizes = range(min(_LONGEST - 1, len(text)), 0, -1)
        of_mark = next((size for size in sizes if any(mark.startswith(text[-size:]) for mark in _MARKS)), 0)
        return of_mark if begun is None else max(of_mark, len(text) - begun.start())
