"""Cutting a page in one call, where the proxy parses it for more than its slots."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.page.markup import Markup
from proxy.page.scan import Uncut, find_slots
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template, cut_at


def cut(body: bytes, *, path: str, charset: str, declared: Iterable[DeclaredSlot], max_slots: int) -> Template | Uncut:
    """The page cut at its slots, or why it stays whole; the arguments are those of `Markup` and `find_slots`."""
    slots = find_slots(Markup(body, charset), path=path, declared=declared, max_slots=max_slots)
    return slots if isinstance(slots, Uncut) else cut_at(body, slots)
