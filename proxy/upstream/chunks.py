"""Chunked bodies, decoded quickly: pages made on request mostly come chunked, and a full parser costs more than all
else that is done for a known page.

Its law: this decodes as the strict parser (`answer.py`), or gives up. An extension, a trailer, a byte after the end:
anything unusual is left to the strict one, which then reads all of it again.
"""

from __future__ import annotations

import re

MOST_BYTES = 512 * 1024
MOST_CHUNKS = 512

_SIZE = re.compile(rb"\r\n([0-9A-Fa-f]{1,7})\r\n")
_BEGUN = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,7}(?:\r(?:\n\r?)?)?)?)?)?")
"""The beginning of a chunk size, or of the end."""


class Chunks:
    """The body so far, of at most `most_bytes`; complete if it `is_over`. Not copied, except where a chunk size is
    split between two reads."""

    __slots__ = ("_left", "_rest", "_room", "is_over", "pieces")

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.pieces: list[memoryview] = []
        self.is_over = False
        self._left = 0  # bytes missing of the current chunk
        self._rest = b""  # the beginning of a size
        self._room = most_bytes

    @property
    def body(self) -> memoryview:
        """The body so far."""
        return self.pieces[0] if len(self.pieces) == 1 else memoryview(b"".join(self.pieces))

    def feed(self, data: bytes, at: int = 0) -> bool:
        """Reads the next bytes, from `at`; the first call begins at the line end before the first size. False for
        anything unusual: then the strict parser has to read all of it."""
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
        """Whether these bytes end the body, or may with more."""
        self.is_over = last is not None and data[last.end() :] == b"\r\n"
        self._rest = b"" if self.is_over else data[at:]
        return self.is_over or _BEGUN.fullmatch(data, at) is not None
