"""Many values in one row of a SQLite table, a run, each of which is read as if it were alone.

A row costs SQLite as much as to pack what is in it, and one that fills a page of the file is read as quickly as one
that fills a tenth. So a run fills a page; it is named by the place of its `first`, and the others follow. Where each
begins and ends in its `value` is in `bounds`, a character for a number, counted from one as SQL does: so SQL cuts a
value out.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from sys import byteorder

ROOM = 3_850
"""So many bytes of values fit into a page of 4,096 with their bounds."""
_OF_ONE = f"{chr(1)}{chr(0x10FFFF)}"
"""The bounds of one that is the only one of its row: it ends where the value ends."""
_BEGINS, _ENDS = "unicode(substr(bounds, 1 + place - first, 1))", "unicode(substr(bounds, 2 + place - first, 1))"
CUT = f"substr(value, {_BEGINS}, {_ENDS} - {_BEGINS})"
"""The value at a `place` of a run in SQL: empty when it was taken out, NULL when the run has no such place."""
_CODING = f"utf-32-{byteorder[0]}e"


def runs(first: int, values: Sequence[bytes]) -> Iterator[tuple[int, bytes, str]]:
    """The rows of these values, one after the other from a place on: first, value, bounds."""
    ends = list(accumulate(map(len, values), initial=0))
    begins = 0
    while begins < len(values):
        stops = max(bisect_right(ends, ends[begins] + ROOM, begins) - 1, begins + 1)
        run = values[begins:stops]
        yield first + begins, b"".join(run), bounds(run)
        begins = stops


def bounds(run: Sequence[bytes]) -> str:
    """Where each begins when they are joined, and where the last ends."""
    if len(run) == 1:
        return _OF_ONE
    return array("I", accumulate(map(len, run), initial=1)).tobytes().decode(_CODING)


def pieces(bounds: str, value: bytes) -> list[bytes]:
    """The values of a run; what was taken out is empty."""
    return [value[ord(begins) - 1 : ord(ends) - 1] for begins, ends in pairwise(bounds)]
