"""Where stored answers live: bounded in bytes, the longest unused goes first. Holds anything that is stored under a
key and chosen by what its Vary names; knows nothing of freshness."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from proxy.httpcache.key import Varying, matches
from proxy.model import Headers

E = TypeVar("E")

MAX_VARIANTS = 64
"""Answers under one key; with more the oldest goes. An origin that varies by User-Agent must not fill the memory."""

OVERHEAD_BYTES = 2_048
"""What an entry costs beside its bytes: objects, headers, the key. Measured with small answers."""


@dataclass(frozen=True, slots=True)
class _Variant(Generic[E]):
    varying: Varying
    entry: E
    size: int


class Memory(Generic[E]):
    """Entries by key and by what their Vary names; at most `max_bytes`, by the sizes told."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._shelves: OrderedDict[bytes, list[_Variant[E]]] = OrderedDict()
        self.used_bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self._shelves.values()))

    def get(self, key: bytes, request: Headers) -> E | None:
        """The newest entry under `key` that was chosen by what this request says too."""
        shelf = self._shelves.get(key)
        if shelf is None:
            return None
        self._shelves.move_to_end(key)
        for variant in shelf:
            if not variant.varying or matches(variant.varying, request):
                return variant.entry
        return None

    def names(self, key: bytes) -> frozenset[bytes]:
        """The request fields by which answers under `key` are known to differ."""
        return frozenset(name for variant in self._shelves.get(key, ()) for name, _ in variant.varying)

    def put(self, key: bytes, varying: Varying, entry: E, size: int) -> bool:
        """Stores the entry in place of the one it supersedes; False when it is larger than the whole memory."""
        size += len(key) + OVERHEAD_BYTES
        if size > self._max_bytes:
            self.discard(key)
            return False
        before = self._shelves.pop(key, [])
        others = (variant for variant in before if variant.varying != varying)
        shelf = [_Variant(varying, entry, size), *others][:MAX_VARIANTS]
        self._shelves[key] = shelf
        self.used_bytes += _bytes(shelf) - _bytes(before)
        self._evict()
        return True

    def discard(self, key: bytes) -> None:
        """Forgets everything under `key`."""
        self.used_bytes -= _bytes(self._shelves.pop(key, []))

    def _evict(self) -> None:
        while self.used_bytes > self._max_bytes:
            key, shelf = next(iter(self._shelves.items()))
            self.used_bytes -= shelf.pop().size
            if not shelf:
                del self._shelves[key]


def _bytes(shelf: list[_Variant[E]]) -> int:
    return sum(variant.size for variant in shelf)


class Marks:
    """Keys found not to be shared, with why, each until a time; the newest `most` of them."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._marks: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def put(self, key: bytes, reason: str, until: float) -> None:
        """Marks the key, in place of an earlier mark."""
        self._marks.pop(key, None)
        self._marks[key] = (reason, until)
        if len(self._marks) > self._most:
            self._marks.popitem(last=False)

    def reason(self, key: bytes, now: float) -> str | None:
        """Why the key is not shared; None when it is unknown or its mark has lapsed."""
        reason, until = self._marks.get(key, (None, 0.0))
        return reason if now < until else None
