"""A page cut at its slots: what the cache keeps of it, and what every answer is joined from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from proxy.page.holes import HoleAt
from proxy.page.json_fills import JsonForm, form_of
from proxy.page.lists import CardList, ListAt
from proxy.page.page_subject import NO_SUBJECT, PageSubject
from proxy.page.piece import Piece
from proxy.page.scan import SlotRange
from proxy.page.seams import Seams


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
