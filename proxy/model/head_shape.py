"""Head shapes: the head that an origin sends with many answers, the same except for a few values. What follows from it
is worked out once for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from proxy.model.messages import Headers

Said = bytes | tuple[bytes, ...] | None
"""What a field says: always the same, another thing each time (None), or that between what is always the same."""

_MARK = b" \x01mArK %d\x01 "  # whoever trims it, folds its case, or cuts it has changed it
_MARKS = re.compile(rb" \x01mArK (\d+)\x01 ")


class HeadShape:
    """The head that many answers of an origin have in common; they differ only in a few values, as their date and
    length. No value has a control character."""

    __slots__ = ("_fields", "_kept", "_pieces", "status")

    def __init__(self, status: int, fields: Sequence[tuple[bytes, Said]], kept: Sequence[int] | None = None) -> None:
        self.status = status
        self._kept = kept  # which of an answer's values stand in it; None for all
        self._fields = [(name, _around(said)) for name, said in fields]
        self._pieces = [b""]
        for name, (first, *others) in self._fields:
            self._pieces[-1] += name + b": " + first
            for piece in others:
                self._pieces += [b"", piece]
            self._pieces[-1] += b"\r\n"

    def headers(self, values: Sequence[bytes] = ()) -> Headers:
        """The fields of the answer that has these values; without any, they are empty."""
        left = iter(values if self._kept is None or not values else [values[number] for number in self._kept])
        return tuple([
            (name, b"".join([first, *(next(left, b"") + piece for piece in others)]))
            for name, (first, *others) in self._fields
        ])  # fmt: skip

    def lines(self, values: Sequence[bytes]) -> bytes:
        """The same as they stand in a head."""
        pieces, kept = self._pieces.copy(), self._kept
        pieces[1::2] = values if kept is None else [values[number] for number in kept]
        return b"".join(pieces)

    def through(self, changed: Callable[[Headers], Headers]) -> HeadShape:
        """The shape after `changed` is applied to its fields. That has to keep each varying value as it is, or to leave
        out its whole field."""
        before = [name for name, (_, *others) in self._fields for _ in others]
        numbers = range(len(before)) if self._kept is None else self._kept
        marked = changed(self.headers([_MARK % number for number in range(max(numbers, default=-1) + 1)]))
        fields = [(name, _MARKS.split(value)) for name, value in marked]
        kept = [int(number) for _, parts in fields for number in parts[1::2]]
        gone = [name for number, name in zip(numbers, before, strict=True) if number not in kept]
        is_cut = any(b"\x01" in piece for _, parts in fields for piece in parts[::2])
        if is_cut or kept != sorted(set(kept)) or any(name in gone for name, _ in fields):
            raise ValueError("a value was changed in which answers of a shape differ")
        made = [(name, tuple(parts[::2])) for name, parts in fields]
        return HeadShape(self.status, made, None if self._kept is None and not gone else kept)


def _around(said: Said) -> tuple[bytes, ...]:
    """The constant bytes around the values."""
    if said is None:
        return b"", b""
    return (said,) if isinstance(said, bytes) else said
