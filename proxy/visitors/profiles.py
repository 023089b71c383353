"""Profiles for pages: from worker memory, else from the store, and never later than the budget.

A page is worth more than its personalisation. A read that is slow goes on by itself and fills the memory for the next
request, while this one goes on with what was remembered or without; a store that keeps failing is left alone for a
while; reads of one visitor at the same time are one read.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from proxy.breaker import Breaker
from proxy.errors import DamagedValueError, StoreError
from proxy.events.fold import fold, is_deed
from proxy.metrics import Metrics
from proxy.model import Arrival, Profile
from proxy.ports import ProfileStore
from proxy.settings import DEFAULTS, Settings
from proxy.visitors.ahead import Ahead
from proxy.visitors.patience import Patience, Read

log = logging.getLogger("tailorbird.profiles")

STALE_SECONDS = 3_600.0
MAX_READS = 10_000
MOST_NEWS = 16
"""So many events of a visitor whose deeds nobody asks for wait to be counted together."""


class Memory(enum.Enum):
    """`MISSING`: memory says nothing of this visitor. None, unlike it, says that the stored profile is damaged."""

    MISSING = enum.auto()


MISSING: Final = Memory.MISSING


@dataclass(slots=True)
class Remembered:
    """What was read of a visitor, and when, and what they did since, which counts when somebody asks for it."""

    at: float
    profile: Profile | None
    news: list[Arrival]

    def current(self) -> Profile | None:
        """The profile with all of that."""
        if self.profile is not None and self.news:
            self.profile = fold(self.profile, self.news, of_one_log=True)
        self.news = []
        return self.profile


class ProfileReader:
    """One worker's way to the profiles. While it `is_strained` no page waits for one: what makes pages fit is given up
    before pages are. `clock` times the breaker and must be monotonic; `now`, Unix seconds, ages
    the memory."""

    def __init__(
        self,
        store: ProfileStore,
        metrics: Metrics,
        *,
        budget_ms: float = 10.0,
        memory: int = 50_000,
        memory_seconds: float = 5.0,
        is_strained: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        settings: Settings = DEFAULTS,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._from_memory = metrics.tally("tailorbird_profile_lookups_total", "outcome", "memory")
        self._memory: OrderedDict[str, Remembered] = OrderedDict()  # the longest unused first
        self._most = memory
        self._memory_seconds = memory_seconds
        self._is_strained = is_strained
        self._breaker = Breaker(clock, settings)
        self._patience = Patience(budget_ms, self._settle, settings.profile_longest_ms)
        self._reads: dict[str, tuple[Read, asyncio.Task[None]]] = {}
        self._outdated: set[str] = set()
        self._renewals: dict[str, object] = {}
        self._persons: OrderedDict[str, str] = OrderedDict()  # whose devices these are, the longest unused first
        self._ahead = Ahead()

    def held(self, visitor_id: str) -> Profile | None:
        """What memory has of this visitor, however old: what is worked out for them beforehand starts from it."""
        known = self._memory.get(visitor_id)
        return known.current() if known else None

    def remembered(self, visitor_id: str, now: float, *, has_news: bool = True) -> Profile | Memory | None:
        """What memory knows and is fresh; `MISSING` when the store would have to be asked. Who asks for nothing that
        the visitor did needs no news of it."""
        known = self._recall(self._persons.get(visitor_id, visitor_id), now, self._memory_seconds, has_news=has_news)
        if known is not MISSING:
            self._from_memory.count += 1
        return known

    def remember(self, visitor_id: str, profile: Profile | None, now: float) -> None:
        """Puts what the store now holds into memory, so that the next request sees it."""
        self._outdate(visitor_id)
        self._renewals.pop(visitor_id, None)
        self._memory.pop(visitor_id, None)
        self._persons.pop(visitor_id, None)
        if profile is not None and profile.alias:
            self._persons[visitor_id] = profile.alias
            if len(self._persons) > self._most:
                self._persons.popitem(last=False)
            return
        self._memory[visitor_id] = Remembered(now, profile, self._ahead.of(visitor_id))
        if len(self._memory) > self._most:
            self._memory.popitem(last=False)

    def shrink(self, _: int) -> None:
        """Forgets a tenth of those remembered, the longest unused: how large they are is not known."""
        for _ in range(len(self._memory) // 10 + 1):
            if self._memory:
                self._memory.popitem(last=False)

    def grow(self) -> None:
        """Whoever comes is remembered anyway."""

    # -- told what happened

    def foresee(self, arrivals: Sequence[Arrival]) -> None:
        """These events count from now on, though the store does not have them yet."""
        arrivals = self._as_persons(arrivals)
        self._ahead.add(arrivals)
        self._count_in(arrivals)

    def arrived(self, foreseen: Sequence[Arrival], fresh: Iterable[Arrival]) -> None:
        """The store has these events now: those that were foreseen, and `fresh` ones, which count from now on; but for
        those that say more than what was done, which are for the store to judge: `renew`. What a read that is under way
        brings may be from before them."""
        self._ahead.drop(foreseen)
        if (persons := self._as_persons(foreseen)) is not foreseen:
            self._ahead.drop(persons)
        self._count_in(fresh)
        if self._reads or self._renewals:
            for arrival in (*foreseen, *persons, *fresh):
                self._outdate(arrival.visitor_id)
                self._renewals.pop(arrival.visitor_id, None)

    def _count_in(self, arrivals: Iterable[Arrival]) -> None:
        for arrival in arrivals:
            known = self._memory.get(arrival.visitor_id)
            if known and is_deed(arrival):
                known.news.append(arrival)
                if len(known.news) >= MOST_NEWS:
                    known.current()

    def _as_persons(self, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """What devices did, as the persons' whose they are."""
        if self._persons.keys().isdisjoint(arrival.visitor_id for arrival in arrivals):
            return arrivals
        persons = ((one, self._persons.get(one.visitor_id, one.visitor_id)) for one in arrivals)
        return [msgspec.structs.replace(arrival, visitor_id=person) for arrival, person in persons]

    def forget(self) -> None:
        """Somebody was erased. Who it was is not told, so nobody is remembered: they are read again when they come."""
        self._outdated.update(self._reads)
        self._persons.clear()
        self._memory.clear()

    def outdate(self, visitor_ids: Iterable[str]) -> None:
        """Another worker changed these profiles: the store is asked again."""
        for visitor_id in visitor_ids:
            self._outdate(visitor_id)
            self._persons.pop(visitor_id, None)
            if known := self._memory.get(visitor_id):
                known.at -= self._memory_seconds

    async def renew(self, visitor_ids: Iterable[str], now: float) -> None:
        """As `outdate`; and asks the store for those that are remembered here, however long it takes, so that their
        next page need not."""
        self.outdate(visitor_ids)
        renewals = [self._renew(visitor_id, now) for visitor_id in visitor_ids if visitor_id in self._memory]
        await asyncio.gather(*renewals, self.caught_up(visitor_ids))

    async def caught_up(self, visitor_ids: Iterable[str]) -> None:
        """Returns when the reads of these that are under way have brought what the store has now: a page that gave one
        up left it going, and the next would have to wait for it again."""
        under_way = [self._reads[visitor_id][1] for visitor_id in visitor_ids if visitor_id in self._reads]
        if under_way:
            await asyncio.wait(under_way)

    async def _renew(self, visitor_id: str, now: float) -> None:
        mine = self._renewals[visitor_id] = object()
        with contextlib.suppress(StoreError):
            profile = await self._store.get_profile(visitor_id)
            if self._renewals.get(visitor_id) is mine:  # else something newer is there, or is being read
                self.remember(visitor_id, profile or Profile(visitor_id), now)

    def _outdate(self, visitor_id: str) -> None:
        """What a read that is under way brings may be from before the change: it is read again."""
        if visitor_id in self._reads:
            self._outdated.add(visitor_id)

    async def get(self, visitor_id: str, now: float) -> Profile | None:
        """The visitor's profile, an empty one for who is not in the store, within the budget; else what was remembered
        up to an hour ago; else None, so that nobody takes a store that is down for visitors who never did anything."""
        if self.remembered(visitor_id, now) is MISSING:
            self._count(await self._outcome(self._persons.get(visitor_id, visitor_id), now))
        known = self._recall(self._persons.get(visitor_id, visitor_id), now, STALE_SECONDS)
        return None if known is MISSING else known

    async def aclose(self) -> None:
        """Gives up the reads under way."""
        tasks = [task for _, task in self._reads.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._patience.close()

    def _count(self, outcome: str) -> None:
        self._metrics.count("tailorbird_profile_lookups_total", "outcome", outcome)

    def _recall(self, visitor_id: str, now: float, seconds: float, *, has_news: bool = True) -> Profile | Memory | None:
        known = self._memory.get(visitor_id)
        if known is None or abs(now - known.at) >= seconds:
            return MISSING
        self._memory.move_to_end(visitor_id)
        return known.current() if known.news and has_news else known.profile

    async def _outcome(self, visitor_id: str, now: float) -> str:
        if visitor_id not in self._reads:
            if self._is_strained():
                self._metrics.count("tailorbird_shed_total", "what", "profile")
                return "shed"
            if len(self._reads) >= MAX_READS:
                return "busy"
            if not self._breaker.allows():
                return "open"
            read = self._patience.begin()
            self._reads[visitor_id] = read, asyncio.create_task(self._read(read, visitor_id, now))
        read, _ = self._reads[visitor_id]
        await read.over.wait()
        return read.outcome

    async def _read(self, read: Read, visitor_id: str, now: float) -> None:
        """Asks the store and fills memory, also when no page waits any more."""
        outcome = "error"
        try:
            outcome = await self._remember_from_store(visitor_id, now)
        except StoreError as error:
            log.debug("a profile could not be read: %s", error)
        finally:
            del self._reads[visitor_id]
            self._outdated.discard(visitor_id)
            self._patience.end(read)
            if not read.over.is_set():
                self._settle(read, outcome)

    def _settle(self, read: Read, outcome: str = "timeout") -> None:
        """Lets the pages that wait for the read go on, and tells the breaker, once."""
        read.outcome = outcome
        read.over.set()
        self._breaker.note(outcome not in ("timeout", "error"))

    async def _remember_from_store(self, visitor_id: str, now: float) -> str:
        try:
            profile = await self._current(visitor_id)
        except DamagedValueError:
            # The store is well, one value is not: remembered as unknown, and no reason to leave the store alone.
            self.remember(visitor_id, None, now)
            return "damaged"
        self.remember(visitor_id, profile or Profile(visitor_id), now)
        if profile is not None and profile.alias:
            return await self._remember_from_store(profile.alias, now)
        return "store" if profile is not None else "unknown"

    async def _current(self, visitor_id: str) -> Profile | None:
        while True:
            self._outdated.discard(visitor_id)
            profile = await self._store.get_profile(visitor_id)
            if visitor_id not in self._outdated:
                return profile
