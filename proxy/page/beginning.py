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
# An end that may go on as a mark is not sent yet. Names of tags and attributes cannot be written in other characters.
_BEGUN = [mark[:size] for mark in _MARKS for size in range(len(mark) - 1, 0, -1)]
_MARK = b"|".join(_MARKS) + b"|(?:" + b"|".join(_BEGUN) + rb")\Z"
_TAG = rb"<(?!(?:html|head|title|meta|link|style|script|base|noscript)[\s/>])(?:[a-z]|\Z)"
_MARKED = re.compile(_MARK, re.IGNORECASE)
_SELECTED = re.compile(_MARK + b"|" + _TAG, re.IGNORECASE)

FirstChange = re.Pattern[bytes]
"""Finds the first place in a page behind which filling may change it."""


def first_change(declared: Sequence[DeclaredSlot]) -> FirstChange | None:
    """What finds it in a page with these slots; None where it may be anywhere: a list brings a stylesheet, and a slot
    at the start or end of an element may be that of the head."""
    if any(slot.is_list or (slot.selector and slot.place != "inside") for slot in declared):
        return None
    return _SELECTED if any(slot.selector for slot in declared) else _MARKED


def beginning_of(page: bytes | bytearray, start: int, change: FirstChange) -> int:
    """How many bytes of it never change; `start` of them are known. More may be once more of the page is there."""
    found = change.search(page, start)
    return len(page) if found is None else found.start()
