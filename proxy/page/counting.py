"""Fragments with a countdown: the same for everybody until it changes. They are made constant for each number that is
left, so that pages with them are kept, joined and compressed as any other."""

from __future__ import annotations

from dataclasses import replace

from proxy.conditions.countdown import left
from proxy.memo import make_room
from proxy.page.fields import Field, TextWithFields
from proxy.page.fragments import Content, Fragment, ProductIds
from proxy.page.piece import Piece
from proxy.page.product_row import ProductRow

MOST_NUMBERS = 64


class Counting:
    """A fragment whose countdowns are read on the clocks of a time zone."""

    def __init__(self, fragment: Fragment, timezone: str) -> None:
        self._fragment = fragment
        self._timezone = timezone
        self._made: dict[tuple[int, ...], Fragment] = {}

    def at(self, now: float) -> Fragment:
        """The fragment as it is at that time (Unix seconds)."""
        fragment, timezone = self._fragment, self._timezone
        numbers = tuple([left(countdown, timezone, now).number for countdown in fragment.countdowns])
        made = self._made.get(numbers)
        if made is None:
            parts = tuple([part if isinstance(part, Piece) else self._filled(part, now) for part in fragment.parts])
            content: Content = tuple((name, self._told(value, now)) for name, value in fragment.content)
            if isinstance(fragment, ProductRow):  # its own memory is of other words
                made = replace(fragment, parts=parts, content=content, _rows={}, _presentations={})
            else:
                made = replace(fragment, parts=parts, content=content)
            make_room(self._made, MOST_NUMBERS)
            self._made[numbers] = made
        return made

    def _text(self, field: Field, now: float) -> str:
        number = left(field.countdown, self._timezone, now).number if field.countdown else 0
        return field.counted(number)

    def _filled(self, field: Field, now: float) -> Piece | Field:
        return Piece(field.in_place(self._text(field, now))) if field.countdown else field

    def _told(self, value: TextWithFields | int | ProductIds, now: float) -> TextWithFields | int | ProductIds:
        if not isinstance(value, tuple):
            return value
        return tuple([self._text(part, now) if isinstance(part, Field) and part.countdown else part for part in value])
