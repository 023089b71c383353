"""The cache of stored answers in memory, limited in bytes. It stores entries of any type by key and Vary, and does not
look at freshness.

Eviction is by segmented LRU (Karedla, Love and Wherry 1994): a new key is on probation, a key that is requested again
is protected. Keys on probation are evicted first, so a crawler that requests every address once evicts only what was
requested once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, Protocol, TypeVar

from proxy.httpcache.key import Varying, matches, supersedes
from proxy.httpcache.purge import Purge
from proxy.metrics import Tally
from proxy.model import Headers

E = TypeVar("E")

MAX_VARIANTS = 64
"""Variants of one key; beyond, the oldest is dropped. An origin that varies by User-Agent must not fill the cache."""

OVERHEAD_BYTES = 1_200
"""The memory of an entry besides its content: objects, and references to the key. Measured with small answers."""

TAG_BYTES = 128
"""The memory of a tag of an entry: its bytes, and its place in the index."""

MARK_BYTES = 200
"""How long a marked key is on average, at most."""

PROTECTED_SHARE = 0.8

CHUNK_KEYS = 500
"""Keys that a purge checks at a time: two milliseconds of work."""


class HasHeaders(Protocol):
    """A request, as far as the cache reads it."""

    @property
    def headers(self) -> Headers:
        """The header fields; read only if there are variants that depend on them."""


@dataclass(frozen=True, slots=True)
class _Variant(Generic[E]):
    varying: Varying
    entry: E
    size: int
    tags: frozenset[bytes]


@dataclass(slots=True)
class _Variants(Generic[E]):
    """The variants of one key."""

    newest_first: list[_Variant[E]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(variant.size for variant in self.newest_first)

    @property
    def tags(self) -> frozenset[bytes]:
        return frozenset().union(*(variant.tags for variant in self.newest_first))


class ResponseCache(Generic[E]):
    """Entries by key and by the request fields of their Vary. The sum of their sizes, `used_bytes`, is at most
    `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = self._configured_bytes = max_bytes
        self.on_change: Callable[[bytes], None] = _ignore
        """Called with each key whose entries changed, so that copies of them elsewhere can be dropped."""
        self._probation: OrderedDict[bytes, _Variants[E]] = OrderedDict()
        self._protected: OrderedDict[bytes, _Variants[E]] = OrderedDict()
        self._protected_bytes = 0
        self._tagged: dict[bytes, set[bytes]] = {}
        self.used_bytes = 0
        self.changes = 0
        """Counts the changes of entries, of any key."""
        self.evicted = Tally()
        """Counts the entries that were dropped to make room."""

    @property
    def key_count(self) -> int:
        """The number of keys."""
        return len(self._probation) + len(self._protected)

    def __len__(self) -> int:
        return sum(
            len(variants.newest_first)
            for segment in (self._probation, self._protected)
            for variants in segment.values()
        )

    def get(self, key: bytes, request: HasHeaders) -> E | None:
        """The newest entry of `key` whose Vary fields match the request; None if there is none."""
        variants = self._protected.get(key)
        if variants is not None:
            self._protected.move_to_end(key)
        else:
            variants = self._probation.get(key)
            if variants is None:
                return None
            self._protect(key, variants)
        for variant in variants.newest_first:
            if not variant.varying or matches(variant.varying, request.headers):
                return variant.entry
        return None

    def single(self, key: bytes) -> E | None:
        """The entry of `key`, if it is the only variant, fits any request, and was requested before; else None, and
        `get` has to select."""
        variants = self._protected.get(key)
        if variants is None:
            return None
        self._protected.move_to_end(key)
        newest_first = variants.newest_first
        return newest_first[0].entry if len(newest_first) == 1 and not newest_first[0].varying else None

    def __contains__(self, key: bytes) -> bool:
        return key in self._protected or key in self._probation

    def varying_names(self, key: bytes) -> frozenset[bytes]:
        """The request fields by which the variants of `key` differ."""
        variants = self._variants(key)
        return (
            frozenset(name for variant in variants.newest_first for name, _ in variant.varying)
            if variants
            else frozenset()
        )

    def put(self, key: bytes, varying: Varying, entry: E, size: int, tags: Collection[bytes] = ()) -> bool:
        """Stores the entry, in place of those that it supersedes, and of one without Vary, which would fit what the
        origin now tells apart (RFC 9111 4.1); False if it is larger than the whole cache. `size` is in bytes, without
        key, fields and tags."""
        size += len(key) + OVERHEAD_BYTES + sum(map(len, tags)) + TAG_BYTES * len(tags)
        size += sum(len(value) for _, value in varying)  # of 8 kB each, if somebody likes
        if size > self.max_bytes:
            self.discard(key)
            return False
        variants = self._variants(key) if varying else None  # what fits any request leaves none for the others
        before = variants.newest_first if variants else ()
        others = [each for each in before if each.varying and not supersedes(varying, each.varying)]
        self._set(key, [_Variant(varying, entry, size, frozenset(tags)), *others][:MAX_VARIANTS])
        while self.used_bytes > self.max_bytes:
            self._evict()
        return True

    def discard(self, key: bytes) -> None:
        """Removes all entries of `key`."""
        self._set(key, [])

    def replace_entries(self, key: bytes, change: Callable[[E], E]) -> None:
        """Replaces each entry of `key` by the result of `change`; the sizes stay as they were."""
        if variants := self._variants(key):
            self._note_change(key)
            variants.newest_first = [
                _Variant(variant.varying, change(variant.entry), variant.size, variant.tags)
                for variant in variants.newest_first
            ]

    def shrink(self, size: int) -> None:
        """Sets the limit `size` bytes below what is used now, but not below 1/64 of the configured one; `grow` raises
        it again."""
        self.max_bytes = max(min(self.used_bytes, self.max_bytes) - size, self._configured_bytes // 64)
        while self.used_bytes > self.max_bytes:
            self._evict()

    def grow(self) -> None:
        """Raises the limit by a twentieth, up to the configured one."""
        self.max_bytes = min(self._configured_bytes, int(1.05 * self.max_bytes) + 1)

    def keys_covered(self, purge: Purge) -> Iterator[list[bytes]]:
        """The stored keys that the purge covers, in chunks, so that other work can be done in between."""
        tagged = set[bytes]().union(*(self._tagged.get(tag, ()) for tag in purge.tags))
        for part in _chunks(tagged):
            yield [key for key in part if self._variants(key)]
        for part in _chunks(purge.urls if purge.needs_no_search else chain(self._probation, self._protected)):
            yield [key for key in part if key not in tagged and self._variants(key) and purge.covers(key)]

    def _variants(self, key: bytes) -> _Variants[E] | None:
        return self._protected.get(key) or self._probation.get(key)

    def _set(self, key: bytes, newest_first: list[_Variant[E]]) -> None:
        """Sets the key's variants, in its segment; without any, removes the key."""
        segment = self._protected if key in self._protected else self._probation
        variants = segment.pop(key, None) or _Variants()
        size, tags = variants.size, variants.tags
        variants.newest_first = newest_first
        self._note_change(key)
        if newest_first:
            segment[key] = variants
        self.used_bytes += variants.size - size
        if segment is self._protected:
            self._protected_bytes += variants.size - size
        self._index(key, tags, variants.tags)

    def _note_change(self, key: bytes) -> None:
        self.changes += 1
        self.on_change(key)

    def _index(self, key: bytes, before: frozenset[bytes], after: frozenset[bytes]) -> None:
        for tag in after - before:
            self._tagged.setdefault(tag, set()).add(key)
        for tag in before - after:
            self._tagged[tag].discard(key)
            if not self._tagged[tag]:
                del self._tagged[tag]

    def _protect(self, key: bytes, variants: _Variants[E]) -> None:
        del self._probation[key]
        self._protected[key] = variants
        self._protected_bytes += variants.size
        while self._protected_bytes > PROTECTED_SHARE * self.max_bytes:
            key, variants = self._protected.popitem(last=False)
            self._protected_bytes -= variants.size
            self._probation[key] = variants

    def _evict(self) -> None:
        """Drops the oldest variant of the least recently used key. The last key on probation, which was just stored,
        stays while there are protected ones: else a large answer could never be stored."""
        segment = self._probation if len(self._probation) > 1 or not self._protected else self._protected
        key, variants = next(iter(segment.items()))
        oldest = variants.newest_first.pop()
        self.evicted.count += 1
        self._note_change(key)
        self.used_bytes -= oldest.size
        if segment is self._protected:
            self._protected_bytes -= oldest.size
        self._index(key, oldest.tags, variants.tags)
        if not variants.newest_first:
            del segment[key]


class MarkedKeys:
    """Keys with a reason and a time until which it holds, as of answers that must not be shared; the newest `most`, or
    fewer where they are long: who makes up addresses must not fill the memory."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._marks: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._bytes = 0

    def add(self, key: bytes, reason: str, until: float) -> None:
        """Adds the key, or replaces its reason. `until` is in Unix seconds."""
        self._drop(key)
        self._marks[key] = (reason, until)
        self._bytes += len(key)
        while len(self._marks) > self._most or self._bytes > MARK_BYTES * self._most:
            self._drop(next(iter(self._marks)))

    def forget(self, purge: Purge) -> Iterator[None]:
        """Removes the keys that the purge covers (not by tags), in chunks."""
        for part in _chunks(self._marks):
            for key in part:
                if purge.covers(key):
                    self._drop(key)
            yield

    def reason(self, key: bytes, now: float) -> str | None:
        """The reason of the key; None if it has none, or no longer."""
        reason, until = self._marks.get(key, (None, 0.0))
        return reason if now < until else None

    def clear(self) -> None:
        """Removes all keys."""
        self._marks.clear()
        self._bytes = 0

    def _drop(self, key: bytes) -> None:
        if self._marks.pop(key, None) is not None:
            self._bytes -= len(key)


def _ignore(key: bytes) -> None:
    """Does nothing."""


def _chunks(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The keys as they are now, in lists."""
    snapshot = list(keys)
    return (snapshot[first : first + CHUNK_KEYS] for first in range(0, len(snapshot), CHUNK_KEYS))
