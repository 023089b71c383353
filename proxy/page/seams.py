"""Seams: with them, popular pages are nearly as small as if each were compressed as a whole.

Pieces that are deflated each alone (`piece.py`) cannot refer to one another: a page of them is a quarter larger than
gzip would make it. But what stands right before a slot is the same whatever fills it, and so is what stands right
after. So a slot's content and the static text after it are deflated as one, a *seam*, with the static text before the
slot as history:

    static 0 | content 1  static 1 | content 2  static 2 |        a seam between two bars refers to itself
    <------------------'  <------------------'                    and to the static text before, no further back

Further back stands the content of another slot, whose length is not the same for all: a reference across it would
point elsewhere. (Padding every content of a slot with blanks to one length would allow that. Measured, it gains
nothing, 6 % over `gzip -6` where seams are 4 % over, and the blanks would stand in every page.) How a seam is made
depends on no other slot, so there are as many as there are contents, not combinations of them.

A seam takes a fraction of a millisecond to make and some kilobytes to keep. So it is made for content that is often
asked for, off the event loop; until then, and around a visitor's own words, the page has independent pieces. Whether a
seam was there shows in an answer's length alone: decoded it is the same bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proxy.memo import make_room
from proxy.page.piece import TABLE_BYTES, CrcPast, Piece, crc_past, deflated, inflated

HOT_AFTER = 16
"""How often a content must be asked for in a slot until its seam is wanted."""

_MOST_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Seam:
    """A slot's content deflated with the static text after it; `size` bytes when inflated. It takes the place of two
    pieces in an answer; its checksum is like a piece's."""

    deflated: bytes
    size: int
    digest: bytes
    crc: int
    crc_past: CrcPast

    def name(self) -> bytes:
        """Like that of a piece."""
        return self.digest


def seam_of(before: Piece, content: Piece, after: Piece) -> Seam | None:
    """The seam of `content` between two static texts; None unless, inflated again, it proves to be right."""
    plain = content.plain + after.plain
    blocks = deflated(plain, history=before.plain)
    if inflated(blocks, history=before.plain) != plain:
        return None
    return Seam(blocks, len(plain), content.name() + after.name(), zlib.crc32(plain), crc_past(len(plain)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A content that is often shown in a slot, by the slot's place in the page."""

    slot: int
    content: Piece


class Seams:
    """The seams of one page: `made[slot]` has those of a slot by the digest of their content, and may change at any
    moment, from another thread too."""

    def __init__(self, statics: Sequence[Piece]) -> None:
        self.made: tuple[dict[bytes, Seam], ...] = tuple({} for _ in statics[1:])
        self.wanted: list[Wanted] = []
        self._statics = statics
        self._asked: tuple[dict[bytes, int], ...] = tuple({} for _ in statics[1:])

    def note_missing(self, slot: int, content: Piece) -> None:
        """Notes that the seam of this content is missing."""
        asked, digest = self._asked[slot], content.name()
        count = asked.get(digest, 0)
        if not count:
            make_room(asked, _MOST_COUNTED)
        asked[digest] = count + 1
        if count + 1 == HOT_AFTER:
            self.wanted.append(Wanted(slot, content))

    def take_wanted(self) -> list[Wanted]:
        """What became wanted since this was last asked."""
        taken, self.wanted = self.wanted, []
        return taken

    def make(self, wanted: Iterable[Wanted]) -> None:
        """Makes these seams, some milliseconds for a few dozen."""
        for one in wanted:
            seam = seam_of(self._statics[one.slot], one.content, self._statics[one.slot + 1])
            if seam is not None:
                self.made[one.slot][one.content.name()] = seam

    @property
    def size(self) -> int:
        """Bytes of memory that the seams take, about."""
        return sum(len(seam.deflated) + TABLE_BYTES for made in self.made for seam in list(made.values()))

    def forget(self) -> None:
        """Starts again without any."""
        for made, asked in zip(self.made, self._asked, strict=True):
            made.clear()
            asked.clear()
