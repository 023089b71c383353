"""A manner: the head that an origin gives answer after answer, alike but for a few values. What follows from it is
worked out once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proxy.model.messages import Headers


class Manner:
    """What many answers of an origin have in common, who differ in a few values only: when they were made, how long
    they are. `fields` has None where such a value stands. No value has a control character."""

    __slots__ = ("_pieces", "fields", "status")

    def __init__(self, status: int, fields: Sequence[tuple[bytes, bytes | None]]) -> None:
        self.status = status
        self.fields = tuple(fields)
        self._pieces = [b""]
        for name, value in fields:
            self._pieces[-1] += name + b": "
            self._pieces += [b"", b""] if value is None else []
            self._pieces[-1] += (value or b"") + b"\r\n"

    def headers(self, values: Sequence[bytes]) -> Headers:
        """The fields of the answer that has these values."""
        left = iter(values)
        return tuple([(name, next(left) if value is None else value) for name, value in self.fields])

    def lines(self, values: Sequence[bytes]) -> bytes:
        """The same as they stand in a head."""
        pieces = self._pieces.copy()
        pieces[1::2] = values
        return b"".join(pieces)

    def through(self, changed: Callable[[Headers], Headers]) -> Manner:
        """What `changed` makes of all these answers. It has to leave the values alone in which they differ."""
        marks = [b"mark %d" % number for number in range(len(self._pieces) // 2)]
        numbers = {id(mark): number for number, mark in enumerate(marks)}
        fields = changed(self.headers(marks))
        if [numbers[id(value)] for _, value in fields if id(value) in numbers] != list(range(len(marks))):
            raise ValueError("a value was changed in which answers of a manner differ")
        return Manner(self.status, [(name, None if id(value) in numbers else value) for name, value in fields])
