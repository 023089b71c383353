"""A shape: the head that an origin sends with answer after answer, alike except for a few values. What follows from it
is worked out once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from proxy.model.messages import Headers


class HeadShape:
    """What many answers of an origin have in common, who differ in a few values only: when they were made, how long
    they are. `fields` has None where such a value stands. No value has a control character."""

    __slots__ = ("_kept", "_pieces", "fields", "status")

    def __init__(
        self, status: int, fields: Sequence[tuple[bytes, bytes | None]], kept: Sequence[int] | None = None
    ) -> None:
        self.status = status
        self._kept = kept  # which of an answer's values stand in it; None for all
        self.fields = tuple(fields)
        self._pieces = [b""]
        for name, value in fields:
            self._pieces[-1] += name + b": "
            self._pieces += [b"", b""] if value is None else []
            self._pieces[-1] += (value or b"") + b"\r\n"

    def headers(self, values: Sequence[bytes]) -> Headers:
        """The fields of the answer that has these values."""
        left = iter(values if self._kept is None else [values[number] for number in self._kept])
        return tuple([(name, next(left) if value is None else value) for name, value in self.fields])

    def lines(self, values: Sequence[bytes]) -> bytes:
        """The same as they stand in a head."""
        pieces, kept = self._pieces.copy(), self._kept
        pieces[1::2] = values if kept is None else [values[number] for number in kept]
        return b"".join(pieces)

    def through(self, changed: Callable[[Headers], Headers]) -> HeadShape:
        """What `changed` makes of all these answers. Of the values in which they differ it has to leave each alone, or
        its whole field out."""
        before = [name for name, value in self.fields if value is None]
        marks = {number: b"mark %d" % number for number in (range(len(before)) if self._kept is None else self._kept)}
        numbers = {id(mark): number for number, mark in marks.items()}
        fields = changed(self._marked(marks.values()))
        kept = [numbers[id(value)] for _, value in fields if id(value) in numbers]
        gone = [name for number, name in zip(marks, before, strict=True) if number not in kept]
        if kept != sorted(set(kept)) or any(name in gone for name, _ in fields):
            raise ValueError("a value was changed in which answers of a shape differ")
        made = [(name, None if id(value) in numbers else value) for name, value in fields]
        return HeadShape(self.status, made, None if self._kept is None and not gone else kept)

    def _marked(self, marks: Iterable[bytes]) -> Headers:
        left = iter(marks)
        return tuple([(name, next(left) if value is None else value) for name, value in self.fields])
