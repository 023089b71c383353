"""The memory of stored answers: bounded in bytes; answers in use stay. It holds anything that is stored under a key and
selected by Vary, and knows nothing of freshness.

Keys are in two segments, each in order of use. A new key is on probation; one that is asked for again is protected.
Room is made among those on probation, so a crawler that asks for every address once evicts only what was asked for once
(Karedla, Love and Wherry 1994: segmented LRU).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, Protocol, TypeVar

from proxy.httpcache.key import Varying, matches
from proxy.httpcache.purge import Purge
from proxy.model import Headers

E = TypeVar("E")

MAX_VARIANTS = 64
"""Answers under one key; with more the oldest goes. An origin that varies by User-Agent must not fill the memory."""

OVERHEAD_BYTES = 1_200
"""What an entry costs beside its bytes: objects and the key's places. Measured with small answers."""

TAG_BYTES = 128
"""What a tag of an entry costs: its bytes and its place in the index."""

PROTECTED_SHARE = 0.8

KEYS_AT_ONCE = 500
"""A part of what a purge means: two milliseconds' work."""


class Asking(Protocol):
    """A request, as far as the variant depends on it."""

    @property
    def headers(self) -> Headers:
        """Its fields; read only if the variant depends on them."""


@dataclass(frozen=True, slots=True)
class _Variant(Generic[E]):
    varying: Varying
    entry: E
    size: int
    tags: frozenset[bytes]


@dataclass(slots=True)
class _Shelf(Generic[E]):
    """The variants stored under one key, newest first."""

    variants: list[_Variant[E]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(variant.size for variant in self.variants)

    @property
    def tags(self) -> frozenset[bytes]:
        return frozenset().union(*(variant.tags for variant in self.variants))


class Memory(Generic[E]):
    """Entries by key and by the fields of their Vary; at most `max_bytes`, of which `used_bytes` are used, by the sizes
    given."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = self._most_bytes = max_bytes
        self.changed: Callable[[bytes], None] = _ignore
        """Told each key under which something else lies now: who holds some of it for later lets go."""
        self._probation: OrderedDict[bytes, _Shelf[E]] = OrderedDict()
        self._protected: OrderedDict[bytes, _Shelf[E]] = OrderedDict()
        self._protected_bytes = 0
        self._tagged: dict[bytes, set[bytes]] = {}
        self.used_bytes = 0
        self.changes = 0
        """How often what lies under any key became something else."""

    @property
    def addresses(self) -> int:
        """The number of keys."""
        return len(self._probation) + len(self._protected)

    def __len__(self) -> int:
        return sum(len(shelf.variants) for shelves in (self._probation, self._protected) for shelf in shelves.values())

    def get(self, key: bytes, request: Asking) -> E | None:
        """The newest entry under `key` whose Vary fields match this request."""
        shelf = self._protected.get(key)
        if shelf is not None:
            self._protected.move_to_end(key)
        else:
            shelf = self._probation.get(key)
            if shelf is None:
                return None
            self._protect(key, shelf)
        for variant in shelf.variants:
            if not variant.varying or matches(variant.varying, request.headers):
                return variant.entry
        return None

    def only(self, key: bytes) -> E | None:
        """The entry under `key`, if it is the only variant, for any request, and was asked for before; else None, and
        `get` has to choose."""
        shelf = self._protected.get(key)
        if shelf is None:
            return None
        self._protected.move_to_end(key)
        variants = shelf.variants
        return variants[0].entry if len(variants) == 1 and not variants[0].varying else None

    def __contains__(self, key: bytes) -> bool:
        return key in self._protected or key in self._probation

    def names(self, key: bytes) -> frozenset[bytes]:
        """The request fields by which answers under `key` are known to differ."""
        shelf = self._shelf(key)
        return frozenset(name for variant in shelf.variants for name, _ in variant.varying) if shelf else frozenset()

    def put(self, key: bytes, varying: Varying, entry: E, size: int, tags: Collection[bytes] = ()) -> bool:
        """Stores the entry in place of the one it supersedes; False when it is larger than the whole memory."""
        size += len(key) + OVERHEAD_BYTES + sum(map(len, tags)) + TAG_BYTES * len(tags)
        if size > self.max_bytes:
            self.discard(key)
            return False
        shelf = self._shelf(key)
        others = [variant for variant in shelf.variants if variant.varying != varying] if shelf else []
        self._set(key, [_Variant(varying, entry, size, frozenset(tags)), *others][:MAX_VARIANTS])
        while self.used_bytes > self.max_bytes:
            self._evict()
        return True

    def discard(self, key: bytes) -> None:
        """Forgets everything under `key`."""
        self._set(key, [])

    def change(self, key: bytes, change: Callable[[E], E]) -> None:
        """Puts what `change` makes of them in place of the entries under `key`; their sizes stay."""
        if shelf := self._shelf(key):
            self._note_change(key)
            shelf.variants = [
                _Variant(variant.varying, change(variant.entry), variant.size, variant.tags)
                for variant in shelf.variants
            ]

    def shrink(self, size: int) -> None:
        """Reduces the limit to so many bytes less than are used now, but not below a small part; `grow` raises it."""
        self.max_bytes = max(min(self.used_bytes, self.max_bytes) - size, self._most_bytes // 64)
        while self.used_bytes > self.max_bytes:
            self._evict()

    def grow(self) -> None:
        """Raises the limit by a twentieth, up to the configured one."""
        self.max_bytes = min(self._most_bytes, int(1.05 * self.max_bytes) + 1)

    def covered(self, purge: Purge) -> Iterator[list[bytes]]:
        """The stored keys that the purge covers, a part at a time, so that others can run between. They are looked up
        if possible, else searched for among all."""
        tagged = set[bytes]().union(*(self._tagged.get(tag, ()) for tag in purge.tags))
        for part in _parts(tagged):
            yield [key for key in part if self._shelf(key)]
        for part in _parts(purge.urls if purge.names_keys else chain(self._probation, self._protected)):
            yield [key for key in part if key not in tagged and self._shelf(key) and purge.covers(key)]

    def _shelf(self, key: bytes) -> _Shelf[E] | None:
        return self._protected.get(key) or self._probation.get(key)

    def _set(self, key: bytes, variants: list[_Variant[E]]) -> None:
        """Sets the key's variants, in its segment; without any, removes the key."""
        segment = self._protected if key in self._protected else self._probation
        shelf = segment.pop(key, None) or _Shelf()
        size, tags = shelf.size, shelf.tags
        shelf.variants = variants
        self._note_change(key)
        if variants:
            segment[key] = shelf
        self.used_bytes += shelf.size - size
        if segment is self._protected:
            self._protected_bytes += shelf.size - size
        self._index(key, tags, shelf.tags)

    def _note_change(self, key: bytes) -> None:
        self.changes += 1
        self.changed(key)

    def _index(self, key: bytes, before: frozenset[bytes], after: frozenset[bytes]) -> None:
        for tag in after - before:
            self._tagged.setdefault(tag, set()).add(key)
        for tag in before - after:
            self._tagged[tag].discard(key)
            if not self._tagged[tag]:
                del self._tagged[tag]

    def _protect(self, key: bytes, shelf: _Shelf[E]) -> None:
        del self._probation[key]
        self._protected[key] = shelf
        self._protected_bytes += shelf.size
        while self._protected_bytes > PROTECTED_SHARE * self.max_bytes:
            key, shelf = self._protected.popitem(last=False)
            self._protected_bytes -= shelf.size
            self._probation[key] = shelf

    def _evict(self) -> None:
        """Drops the oldest variant of the key longest unused. The last one on probation, which just came, is spared
        while there are protected ones: a large answer must be able to get in."""
        segment = self._probation if len(self._probation) > 1 or not self._protected else self._protected
        key, shelf = next(iter(segment.items()))
        oldest = shelf.variants.pop()
        self._note_change(key)
        self.used_bytes -= oldest.size
        if segment is self._protected:
            self._protected_bytes -= oldest.size
        self._index(key, oldest.tags, shelf.tags)
        if not shelf.variants:
            del segment[key]


class Marks:
    """Keys that must not be shared, with the reason, each until a time; the newest `most` of them."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._marks: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def put(self, key: bytes, reason: str, until: float) -> None:
        """Marks the key, in place of an earlier mark."""
        self._marks.pop(key, None)
        self._marks[key] = (reason, until)
        if len(self._marks) > self._most:
            self._marks.popitem(last=False)

    def forget(self, purge: Purge) -> Iterator[None]:
        """Drops the marks that the purge covers (not by tags), a part at a time."""
        for part in _parts(self._marks):
            for key in part:
                if purge.covers(key):
                    self._marks.pop(key, None)
            yield

    def reason(self, key: bytes, now: float) -> str | None:
        """Why the key is not shared; None when it is unknown or its mark has lapsed."""
        reason, until = self._marks.get(key, (None, 0.0))
        return reason if now < until else None

    def clear(self) -> None:
        """Drops all marks."""
        self._marks.clear()


def _ignore(key: bytes) -> None:
    """Does nothing."""


def _parts(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The keys as they are now."""
    all = list(keys)
    return (all[first : first + KEYS_AT_ONCE] for first in range(0, len(all), KEYS_AT_ONCE))
