"""Memos: dicts of results, limited in number, or in bytes where the caller gives the sizes.

A full memo does not drop everything at once. If it did, all requests would have to wait while results are worked out
again, and its memory would go up and down: a worker with many memos would then grow for days, until all of them happen
to be full.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Generic, TypeVar

PART = 8

K = TypeVar("K")
V = TypeVar("V")


def make_room(memo: dict[Any, Any], most: int) -> None:
    """To be called before an entry is added: if there are `most`, the oldest eighth is dropped."""
    if len(memo) >= most:
        for key in list(islice(memo, max(1, most // PART))):
            del memo[key]


class Memo(Generic[K, V]):
    """Holds at most `most_bytes`, by the sizes given. Look-ups use `known`; changes only the methods."""

    def __init__(self, most_bytes: int) -> None:
        self.known: dict[K, V] = {}
        self._most_bytes = most_bytes
        self._sizes: dict[K, int] = {}
        self.used_bytes = 0

    def put(self, key: K, value: V, size: int) -> None:
        """Adds an entry, unless it is larger than the whole memo."""
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
        """Drops an entry, if it is there."""
        if key in self._sizes:
            del self.known[key]
            self.used_bytes -= self._sizes.pop(key)

    def clear(self) -> None:
        """Drops all entries."""
        self.known.clear()
        self._sizes.clear()
        self.used_bytes = 0
