"""A page cut at its slots: what the cache keeps of it, and what every answer is joined from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from proxy.page.piece import Piece
from proxy.page.scan import MARKER, Doubt, Uncut, find_slots
from proxy.page.seams import Seams
from proxy.page.slots import DeclaredSlot

__all__ = ["Doubt", "Template", "Uncut", "cut"]


@dataclass(frozen=True)
class Template:
    """`statics[0]`, the default of slot 0, `statics[1]`, ... `statics[n]` are, joined, the page as it came.

    `slots` are names in page order; a name may stand there more than once.
    """

    slots: tuple[str, ...]
    statics: tuple[Piece, ...]
    defaults: tuple[Piece, ...]

    @cached_property
    def seams(self) -> Seams:
        """Those made so far; none at first."""
        return Seams(self.statics)

    def deflate(self) -> None:
        """Deflates every piece now, some milliseconds for a large page, so that no answer has to wait for it."""
        for piece in (*self.statics, *self.defaults):
            piece.prepare()


def cut(
    body: bytes,
    *,
    path: str,
    charset: str,
    declared: Iterable[DeclaredSlot],
    max_slots: int,
    marker: str = MARKER,
) -> Template | Uncut:
    """The page cut at its slots, or why it stays whole; the arguments are those of `find_slots`."""
    slots = find_slots(body, path=path, charset=charset, declared=declared, max_slots=max_slots, marker=marker)
    if isinstance(slots, Uncut):
        return slots
    starts, ends = [slot.start for slot in slots], [slot.end for slot in slots]
    return Template(
        slots=tuple(slot.name for slot in slots),
        statics=tuple(Piece(body[a:b]) for a, b in zip([0, *ends], [*starts, len(body)], strict=True)),
        defaults=tuple(Piece(body[a:b]) for a, b in zip(starts, ends, strict=True)),
    )
