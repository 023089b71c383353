"""A chunked body, undone quickly: pages that are made as they are asked for mostly come so, and to have a parser take
them apart costs more than all else that is done for one that is known.

Its law: the quick reading gives what the strict one (`answer.py`) gives, or nothing. An extension, a trailer, a byte
after the end, whatever else is unusual is for the strict one, which then reads all of it again.
"""

from __future__ import annotations

import re

MOST_BYTES = 512 * 1024
MOST_CHUNKS = 512

_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,7})\r\n")
_BEGUN = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,7}(?:\r(?:\n\r?)?)?)?)?)?")
"""What may yet become a size, or the end."""


class Chunks:
    """What came of a body of at most `most_bytes`: it may be `is_over`, and is not copied but where a size stands
    across two reads."""

    __slots__ = ("_left", "_rest", "_room", "is_over", "pieces")

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.pieces: list[memoryview] = []
        self.is_over = False
        self._left = 0  # bytes due of the present chunk
        self._rest = b""  # what may yet become a size
        self._room = most_bytes

    @property
    def body(self) -> memoryview:
        """All of it."""
        return self.pieces[0] if len(self.pieces) == 1 else memoryview(b"".join(self.pieces))

    def feed(self, data: bytes, at: int = 0) -> bool:
        """Takes what comes next, from there; at first, from the line end before the first size. False for what is
        unusual: then all that was taken is for others to read."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        while not self.is_over:
            if self._left:
                piece = memoryview(data)[at : at + self._left]
                self.pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return True
            size = _SIZE.match(data, at)
            self._left = 0 if size is None else int(size[1], 16)
            if size is None or not self._left:
                return self._ends(data, at, size)
            self._room -= self._left
            at = size.end()
            if self._room < 0 or len(self.pieces) > MOST_CHUNKS:
                return False
        return not data

    def _ends(self, data: bytes, at: int, last: re.Match[bytes] | None) -> bool:
        """Whether it ends with these bytes, or may with more."""
        self.is_over = last is not None and data[last.end() :] == b"\r\n"
        self._rest = b"" if self.is_over else data[at:]
        return self.is_over or _BEGUN.fullmatch(data, at) is not None
