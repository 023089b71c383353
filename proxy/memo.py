"""Room in a memo: a dict of what was worked out before, which may hold only so much: so many, or, where what they take
is for others to say, so many bytes.

Not all of it goes at once when it is full. A memo that is emptied makes everybody wait while everything is worked out
again, and its memory goes up and down by all of it: a worker that has many then grows for days, to where all of them
happen to be full together.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Generic, TypeVar

PART = 8

K = TypeVar("K")
V = TypeVar("V")


def make_room(memo: dict[Any, Any], most: int) -> None:
    """To be called before one more is put in: where there are `most`, an eighth of them goes, the oldest."""
    if len(memo) >= most:
        for key in list(islice(memo, max(1, most // PART))):
            del memo[key]


class Memo(Generic[K, V]):
    """Holds at most `most_bytes`, by the sizes told. It is looked up in `known`, and changed by the methods alone."""

    def __init__(self, most_bytes: int) -> None:
        self.known: dict[K, V] = {}
        self._most_bytes = most_bytes
        self._sizes: dict[K, int] = {}
        self.used_bytes = 0

    def put(self, key: K, value: V, size: int) -> None:
        """Remembers it, unless it is larger than all of the room."""
        self.drop(key)
        if size > self._most_bytes:
            return
        while self.known and self.used_bytes + size > self._most_bytes:
            for oldest in list(islice(self.known, max(1, len(self.known) // PART))):
                self.drop(oldest)
        self.known[key] = value
        self._sizes[key] = size
        self.used_bytes += size

    def drop(self, key: K) -> None:
        """Forgets it, if it is known."""
        if key in self._sizes:
            del self.known[key]
            self.used_bytes -= self._sizes.pop(key)

    def clear(self) -> None:
        """Forgets all."""
        self.known.clear()
        self._sizes.clear()
        self.used_bytes = 0
