"""Who is a stranger: of whom the store has nothing, or nothing but what they did here. A worker knows that of nearly
all who come for the first time, without asking the store.

It has in mind whom the store knows, as a Bloom filter of two bytes each (`bloom_filter.py`): read when it begins and
whenever anybody may have been changed or erased, and kept by what it stores itself, what other workers tell it, and
what is found in the store when it is looked after (`invalidation.py`).

Its law: who is in the store is never taken for a stranger. So whoever is known to the memory of profiles
(`remembered.py`) may be missing here as long as they are there; what is under way to the store is told as if it were
there; and as long as not all is read, everybody may be known.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable, Iterable, Set

from proxy.errors import StoreError
from proxy.events.fold import is_deed
from proxy.model import Arrival, Deed, Profile
from proxy.ports import KnownVisitors, ProfileStore
from proxy.visitors.bloom_filter import BloomFilter

log = logging.getLogger("tailorbird.profiles")

LATELY = 20_000
"""So many of those told of last are known by name: to put somebody into a Bloom filter again takes ten times as
long."""
SPARE = 50_000
"""Room for so many who come later, and for a quarter more than there are."""
LEAST_PAUSE_SECONDS, REST = 1.0, 20.0
"""After each reading, at least; and so many times as long as it took: nobody reads more than a twentieth of the time,
however often somebody is erased."""


class Held(enum.Enum):
    """The most that the store can have of a visitor: `NOTHING`; `DEEDS`, only events of what they did; or `MORE`."""

    NOTHING = enum.auto()
    DEEDS = enum.auto()
    MORE = enum.auto()


class Known:
    """Two Bloom filters: the visitors of whom the store has anything, and those of whom it may have more than deeds."""

    def __init__(self, room: int) -> None:
        self.all, self.more = BloomFilter(room), BloomFilter(room)

    def add(self, visitor_id: str, *, has_more: bool) -> None:
        """Adds one visitor."""
        self.all.add(visitor_id)
        if has_more:
            self.more.add(visitor_id)

    def add_all(self, some: KnownVisitors) -> None:
        """Adds some of the store's visitors."""
        self.all.add_all(some.deeds)
        self.all.add_all(some.more)
        self.more.add_all(some.more)


class Strangers:
    """Knows for one worker whom the store knows. Until `follow` has read that, anybody may be known."""

    def __init__(self) -> None:
        self._known: Known | None = None
        self._coming: Known | None = None
        self._lately: set[str] = set()
        self._is_wanted = asyncio.Event()

    def held(self, visitor_id: str) -> Held:
        """The most that the store can have of this visitor."""
        known = self._known
        if known is None:
            return Held.MORE
        if visitor_id not in known.all:
            return Held.NOTHING
        return Held.MORE if visitor_id in known.more else Held.DEEDS

    def add(self, visitor_id: str, *, has_more: bool = True) -> None:
        """Says that the store has something of this visitor, or soon will."""
        for known in (self._known, self._coming):
            if known is not None:
                known.add(visitor_id, has_more=has_more)
        if self._known is not None and self._known.all.is_full:
            self._is_wanted.set()

    def add_doers(self, visitor_ids: Set[str]) -> None:
        """Says that the store has events of these visitors, or soon will."""
        new = visitor_ids - self._lately
        for visitor_id in new:
            self.add(visitor_id, has_more=False)
        if len(self._lately) >= LATELY:
            self._lately = set()
        self._lately |= new

    def add_known(self, visitor_id: str, profile: Profile | None, *, has_news: bool) -> None:
        """Says that the store has this profile, or soon will; None stands for a damaged one."""
        if profile is None or profile.attributes or profile.segments or profile.links or profile.bucket_key:
            self.add(visitor_id)
        elif has_news or profile.history:
            self.add(visitor_id, has_more=False)

    def forget(self) -> None:
        """Has all visitors read again; until then anybody may be known."""
        self._known = self._coming = None
        self._lately.clear()
        self._is_wanted.set()

    async def follow(self, store: ProfileStore, under_way: Callable[[], Iterable[Arrival | Deed]]) -> None:
        """Reads whom the store knows, whenever that has to be read again; never ends, but returns where the store
        cannot list its visitors. `under_way` returns the events that are not in the store yet."""
        tells = True
        while tells:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            begun = time.monotonic()
            try:
                tells = await self._read(store, under_way)
            except StoreError as error:
                log.debug("whom the store knows could not be read: %s", error)
                self._is_wanted.set()
            await asyncio.sleep(max(LEAST_PAUSE_SECONDS, (time.monotonic() - begun) * REST))

    async def _read(self, store: ProfileStore, under_way: Callable[[], Iterable[Arrival | Deed]]) -> bool:
        """Reads it once; False where the store does not tell."""
        some = await store.known_visitors("")
        if some is None:
            return False
        coming = self._coming = Known(some.of * 5 // 4 + SPARE)
        self._lately.clear()
        # What the store does not have by now is either among these, or will be told.
        for arrival in under_way():
            coming.add(arrival.visitor_id, has_more=not is_deed(arrival))
        place = ""
        while (some := await store.known_visitors(place)) is not None and self._coming is coming:
            coming.add_all(some)
            if not some.place:
                self._known, self._coming = coming, None
                break
            place = some.place
        return True
