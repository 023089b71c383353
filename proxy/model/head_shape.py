"""Header fields, the cache's verdict on an answer; and head shapes: the head that many answers of an origin share,
except for a few values such as the date, which is processed once for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]
"""Header fields in wire order: lower-case name, value. Repeated fields stay repeated."""


@dataclass(frozen=True, slots=True)
class CacheVerdict:
    """Whether a response may be stored, or reused; `reason` is the word that logs, metrics and headers print."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


FieldPattern = bytes | tuple[bytes, ...] | None
"""The value of a field: constant bytes; the constant bytes around values that vary; or None if all of it varies."""

_MARK = b" \x01mArK %d\x01 "  # trimming it, folding its case or cutting it shows
_MARKS = re.compile(rb" \x01mArK (\d+)\x01 ")


class HeadShape:
    """The head that many answers of an origin share; each answer has its own values of what varies. No value has a
    control character."""

    __slots__ = ("_fields", "_kept", "_pieces", "status")

    def __init__(
        self, status: int, fields: Sequence[tuple[bytes, FieldPattern]], kept: Sequence[int] | None = None
    ) -> None:
        self.status = status
        self._kept = kept  # the positions of the values that its fields have, of all values of an answer; None for all
        self._fields = [(name, _constant_parts(pattern)) for name, pattern in fields]
        self._pieces = [b""]
        for name, (first, *others) in self._fields:
            self._pieces[-1] += name + b": " + first
            for piece in others:
                self._pieces += [b"", piece]
            self._pieces[-1] += b"\r\n"

    def headers(self, values: Sequence[bytes] = ()) -> Headers:
        """The fields of the answer with these values; without values, what varies is empty."""
        left = iter(values if self._kept is None or not values else [values[number] for number in self._kept])
        return tuple([
            (name, b"".join([first, *(next(left, b"") + piece for piece in others)]))
            for name, (first, *others) in self._fields
        ])  # fmt: skip

    def lines(self, values: Sequence[bytes]) -> bytes:
        """The same fields as the lines of a head."""
        pieces, kept = self._pieces.copy(), self._kept
        pieces[1::2] = values if kept is None else [values[number] for number in kept]
        return b"".join(pieces)

    def transformed(self, changed: Callable[[Headers], Headers]) -> HeadShape:
        """The shape after `changed` is applied to its fields. `changed` must keep each varying value as it is, or drop
        its whole field; else `ValueError`."""
        before = [name for name, (_, *others) in self._fields for _ in others]
        numbers = range(len(before)) if self._kept is None else self._kept
        marked = changed(self.headers([_MARK % number for number in range(max(numbers, default=-1) + 1)]))
        fields = [(name, _MARKS.split(value)) for name, value in marked]
        kept = [int(number) for _, parts in fields for number in parts[1::2]]
        gone = [name for number, name in zip(numbers, before, strict=True) if number not in kept]
        is_cut = any(b"\x01" in piece for _, parts in fields for piece in parts[::2])
        if is_cut or kept != sorted(set(kept)) or any(name in gone for name, _ in fields):
            raise ValueError("a varying value was changed")
        made = [(name, tuple(parts[::2])) for name, parts in fields]
        return HeadShape(self.status, made, None if self._kept is None and not gone else kept)


def _constant_parts(pattern: FieldPattern) -> tuple[bytes, ...]:
    """The constant bytes around the values that vary."""
    if pattern is None:
        return b"", b""
    return (pattern,) if isinstance(pattern, bytes) else pattern
