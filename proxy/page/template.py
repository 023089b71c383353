"""A page cut at its slots: what the cache keeps of it, and what every answer is joined from."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from proxy.memo import make_room
from proxy.page.holes import HoleAt
from proxy.page.json_fills import JsonForm, form_of
from proxy.page.lists import CardList, ListAt
from proxy.page.page_subject import NO_SUBJECT, PageSubject
from proxy.page.piece import TABLE_BYTES, CrcPast, Piece, crc_past, deflated, inflated
from proxy.page.scan import SlotRange


@dataclass(frozen=True)
class Template:
    """A page cut at its slots. `statics[0]`, the default of slot 0, `statics[1]`, ... `statics[n]`, joined, are the
    page as it came.

    * `slots`: names in page order; a name may occur several times. `forms`: how each is written, where that is not
      HTML.
    * `holes`: slots without a name; `holes[n][0]` is the place among `slots`.
    * `lists`: the cards of slots that are lists, by place.
    * `about`: what the page says it is about.
    """

    slots: tuple[str, ...]
    statics: tuple[Piece, ...]
    defaults: tuple[Piece, ...]
    holes: tuple[tuple[int, HoleAt], ...] = ()
    forms: tuple[JsonForm, ...] = ()
    about: PageSubject = NO_SUBJECT
    lists: Mapping[int, CardList] = field(default_factory=dict)

    @cached_property
    def seams(self) -> Seams:
        """Those made so far; none at first."""
        return Seams(self.statics)

    def default(self, slot: str) -> bytes | None:
        """What the page has in that slot; None when it has no such slot."""
        return self.defaults[self.slots.index(slot)].plain if slot in self.slots else None

    def deflate(self, *, has_frames: bool = False) -> None:
        """Deflates every piece now, some milliseconds for a large page, so that no answer has to wait for it; and makes
        their frames if they are to have any."""
        cards = [piece for found in self.lists.values() for piece in (*found.cards, *found.gaps)]
        for piece in (*self.statics, *self.defaults, *cards):
            piece.prepare(has_frame=has_frames)


def cut_at(
    body: bytes,
    slots: Iterable[SlotRange],
    holes: Sequence[HoleAt] = (),
    lists: Sequence[ListAt] = (),
    about: PageSubject = NO_SUBJECT,
) -> Template:
    """The page, `about` this, cut at these slots, holes and lists. A slot or list that holds a hole is left whole: its
    default would hold it too."""
    slots = [*slots, *(found.range for found in lists)]
    apart = [slot for slot in slots if not any(slot.start <= hole.at <= slot.end for hole in holes)]
    marks = sorted([*((slot.start, slot.end, slot.name, None) for slot in apart),
                    *((hole.at, hole.at, "", hole) for hole in holes)], key=lambda mark: mark[:2])  # fmt: skip
    starts, ends = [start for start, *_ in marks], [end for _, end, *_ in marks]
    return Template(
        slots=tuple(name for *_, name, _ in marks),
        statics=tuple(Piece(body[a:b]) for a, b in zip([0, *ends], [*starts, len(body)], strict=True)),
        defaults=tuple(Piece(body[a:b]) for a, b in zip(starts, ends, strict=True)),
        lists={
            place: found.cards
            for place, mark in enumerate(marks)
            for found in lists
            if mark[2] and found.range.start == mark[0]
        },
        holes=tuple((place, hole) for place, (*_, hole) in enumerate(marks) if hole is not None),
        about=about,
    )


def cut_json(body: bytes, slots: Sequence[SlotRange], lists: Sequence[ListAt] = ()) -> Template:
    """An API's answer cut at its slots and lists."""
    template = cut_at(body, slots, lists=lists)
    forms = [
        JsonForm.LIST if place in template.lists else form_of(value) for place, value in enumerate(template.defaults)
    ]
    return replace(template, forms=tuple(forms))


# -- Seams: with them, popular pages are nearly as small as if each were compressed as a whole.
# Pieces that are deflated each alone (`piece.py`) cannot refer to one another: a page of them is a quarter larger than
# gzip would make it. But what stands right before a slot is the same whatever fills it, and so is what stands right
# after. So a slot's content and the static text after it are deflated as one, a *seam*, with the static text before the
# slot as history:
#     static 0 | content 1  static 1 | content 2  static 2 |        a seam between two bars refers to itself
#     <------------------'  <------------------'                    and to the static text before, no further back
# Further back stands the content of another slot, whose length is not the same for all: a reference across it would
# point elsewhere. (Padding every content of a slot with blanks to one length would allow that. Measured, it gains
# nothing, 6 % over `gzip -6` where seams are 4 % over, and the blanks would stand in every page.) How a seam is made
# depends on no other slot, so there are as many as there are contents, not combinations of them.
# A seam takes a fraction of a millisecond to make and some kilobytes to keep. So it is made for content that is often
# asked for, off the event loop; until then, and around a visitor's own words, the page has independent pieces. Whether
# a seam was there shows in an answer's length alone: decoded it is the same bytes.

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
