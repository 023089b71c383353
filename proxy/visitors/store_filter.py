"""A filter in front of the store: it tells, without asking, of which visitors the store holds nothing, or nothing but
what they did here. So a new visitor's first pages need no read.

It is two Bloom filters of the store's visitors, some four bytes a visitor. All are read at the start, and again
whenever anybody may have been changed or erased; between, the filters are kept current by what this worker stores, what
other workers tell it, and the changes found in the store (`invalidation.py`).

Its law: a visitor of whom the store holds something is never taken for one of whom it does not. Visitors that are
remembered (`remembered.py`) may be missing here for as long; events under way to the store count as stored; and until
all visitors are read, the store may hold anything of anybody.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable, Iterable, Set

from proxy.errors import StoreError
from proxy.events.fold import is_history_only
from proxy.model import Arrival, PackedEvent, Profile
from proxy.ports import KnownVisitors, ProfileStore

log = logging.getLogger("tailorbird.profiles")

MOST_RECENT = 20_000
"""The visitors added most recently are kept by id, too: adding one to a Bloom filter again takes ten times as long."""
SPARE = 50_000
"""The filter has room for so many visitors to come, and a quarter more than there are."""
LEAST_PAUSE_SECONDS, REST = 1.0, 20.0
"""The pause after reading all visitors: at least this, and `REST` times as long as reading took, so that no more than a
twentieth of the time is spent reading, however often somebody is erased."""


class MayHold(enum.Enum):
    """The most that the store may hold of a visitor: `NOTHING`; `HISTORY`, only events; or `MORE`."""

    NOTHING = enum.auto()
    HISTORY = enum.auto()
    MORE = enum.auto()


class Filters:
    """Two Bloom filters: the visitors of whom the store holds anything, and those of whom it may hold more than a
    history."""

    def __init__(self, room: int) -> None:
        self.all, self.more = BloomFilter(room), BloomFilter(room)

    def add(self, visitor_id: str, *, has_more: bool) -> None:
        """Adds one visitor."""
        self.all.add(visitor_id)
        if has_more:
            self.more.add(visitor_id)

    def add_all(self, some: KnownVisitors) -> None:
        """Adds a part of the store's visitors."""
        self.all.add_all(some.history_only)
        self.all.add_all(some.more)
        self.more.add_all(some.more)


class StoreFilter:
    """The filter of one worker. Until `follow` has read the store's visitors, the store may hold anything of
    anybody."""

    def __init__(self) -> None:
        self._known: Filters | None = None
        self._next: Filters | None = None
        self._recent: set[str] = set()
        self._is_wanted = asyncio.Event()

    def may_hold(self, visitor_id: str) -> MayHold:
        """The most that the store may hold of this visitor."""
        known = self._known
        if known is None:
            return MayHold.MORE
        if visitor_id not in known.all:
            return MayHold.NOTHING
        return MayHold.MORE if visitor_id in known.more else MayHold.HISTORY

    def add(self, visitor_id: str, *, has_more: bool = True) -> None:
        """Notes that the store holds something of this visitor, or soon will."""
        for known in (self._known, self._next):
            if known is not None:
                known.add(visitor_id, has_more=has_more)
        self._note_full()

    def _note_full(self) -> None:
        if self._known is not None and self._known.all.is_full:
            self._is_wanted.set()

    def add_doers(self, visitor_ids: Set[str]) -> None:
        """Notes that the store holds events of these visitors, or soon will."""
        new = visitor_ids - self._recent
        for filters in (self._known, self._next):
            if filters is not None:
                filters.all.add_all(new)
        self._note_full()
        if len(self._recent) >= MOST_RECENT:
            self._recent = set()
        self._recent |= new

    def add_known(self, visitor_id: str, profile: Profile | None, *, has_news: bool) -> None:
        """Notes that the store holds this profile, or soon will; None stands for a damaged one."""
        if profile is None or profile.attributes or profile.segments or profile.links or profile.bucket_key:
            self.add(visitor_id)
        elif has_news or profile.history:
            self.add(visitor_id, has_more=False)

    def forget(self) -> None:
        """Has all visitors read again; until then the store may hold anything of anybody."""
        self._known = self._next = None
        self._recent.clear()
        self._is_wanted.set()

    async def follow(self, store: ProfileStore, under_way: Callable[[], Iterable[Arrival | PackedEvent]]) -> None:
        """Reads the store's visitors whenever that is due. Never ends, unless the store cannot list its visitors.
        `under_way` returns the events that are not in the store yet."""
        can_list = True
        while can_list:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            begun = time.monotonic()
            try:
                can_list = await self._read(store, under_way)
            except StoreError as error:
                log.debug("the store's visitors could not be read: %s", error)
                self._is_wanted.set()
            await asyncio.sleep(max(LEAST_PAUSE_SECONDS, (time.monotonic() - begun) * REST))

    async def _read(self, store: ProfileStore, under_way: Callable[[], Iterable[Arrival | PackedEvent]]) -> bool:
        """Reads them once; False where the store cannot list them."""
        some = await store.known_visitors("")
        if some is None:
            return False
        new = self._next = Filters(some.total * 5 // 4 + SPARE)
        self._recent.clear()
        # An event that the store does not have by now is either among these, or will be added.
        for arrival in under_way():
            new.add(arrival.visitor_id, has_more=not is_history_only(arrival))
        place = ""
        while (some := await store.known_visitors(place)) is not None and self._next is new:
            new.add_all(some)
            if not some.place:
                self._known, self._next = new, None
                break
            place = some.place
        return True


BITS_EACH = 10
"""At least, when it is full: then one lookup in 30 of a text that is not in it is a false positive. On average it is
one in 100, since the size is rounded up to a power of two."""
MOST_BITS = 1 << 28
"""32 MB, for some 27 million texts. With more there are more false positives."""


class BloomFilter:
    """A Bloom filter of texts, with room for at least so many; `is_full` when it holds more. A text in it is always
    found; now and then one that is not is found, too (a false positive).

    Each sets two bits, chosen by Python's own hash, which has a different secret in each process, so that nobody can
    make up texts that collide. A lookup takes a third of a microsecond.
    """

    __slots__ = ("_bits", "_many", "_mask", "_room")

    def __init__(self, room: int) -> None:
        bits = min(1 << (max(room, 1) * BITS_EACH - 1).bit_length(), MOST_BITS)
        self._bits = bytearray(bits // 8)
        self._mask = bits - 1
        self._room = bits // BITS_EACH if bits < MOST_BITS else bits
        self._many = 0

    @property
    def is_full(self) -> bool:
        """True when it should be replaced by a larger one."""
        return self._many > self._room

    def add(self, text: str) -> None:
        """Adds a text."""
        number, mask, bits = hash(text), self._mask, self._bits
        one, other = number & mask, number >> 32 & mask
        bit, other_bit = 1 << (one & 7), 1 << (other & 7)
        if not bits[one >> 3] & bit or not bits[other >> 3] & other_bit:
            bits[one >> 3] |= bit
            bits[other >> 3] |= other_bit
            self._many += 1

    def add_all(self, texts: Iterable[str]) -> None:
        """Adds texts."""
        for text in texts:
            self.add(text)

    def __contains__(self, text: str) -> bool:
        number, mask, bits = hash(text), self._mask, self._bits
        place = number & mask
        if not bits[place >> 3] >> (place & 7) & 1:
            return False
        place = number >> 32 & mask
        return bool(bits[place >> 3] >> (place & 7) & 1)
