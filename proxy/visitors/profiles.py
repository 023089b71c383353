"""Profiles for pages: from worker memory, else from the store, and never later than the budget.

A page is worth more than its personalisation. If a read is slow, the page goes on with what was remembered or without a
profile, while the read goes on and fills memory for the next request. A store that keeps failing is not asked for a
while (circuit breaker). Concurrent reads of one visitor are one read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from proxy.breaker import Breaker
from proxy.errors import DamagedValueError, StoreError
from proxy.metrics import Metrics
from proxy.model import Arrival, PackedEvent, Profile
from proxy.ports import ProfileStore
from proxy.settings import DEFAULTS, Settings
from proxy.visitors.pending import Pending
from proxy.visitors.read_budget import Read, ReadBudget
from proxy.visitors.remembered import MISSING, Remembered
from proxy.visitors.store_filter import StoreFilter
from proxy.visitors.unsaved_events import UnsavedEvents

log = logging.getLogger("tailorbird.profiles")

MAX_READS = 10_000


class ProfileReader:
    """Reads profiles for one worker. While it `is_strained`, no page waits for one: under load, personalisation is
    given up before pages are. `clock` times the breaker and must be monotonic; `now` (Unix seconds) ages the memory."""

    def __init__(
        self,
        store: ProfileStore,
        metrics: Metrics,
        *,
        memory: int = 50_000,
        memory_seconds: float = 5.0,
        is_strained: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        settings: Settings = DEFAULTS,
    ) -> None:
        self._store = store
        self._metrics = metrics
        found = metrics.tally("tailorbird_profile_lookups_total", "outcome", "memory")
        self.store_filter = StoreFilter()
        self.pending = Pending(metrics)
        self.memory = self._memory = Remembered(memory, memory_seconds, found, self.store_filter, self.pending)
        self.remembered = self._memory.fresh
        self._is_strained = is_strained
        self._breaker = Breaker(clock, settings)
        self._budget = ReadBudget(settings.profile_budget_ms, self._settle, settings.profile_longest_ms)
        self._reads: dict[str, tuple[Read, asyncio.Task[None]]] = {}
        self._invalidated: set[str] = set()
        self._renewals: dict[str, object] = {}
        self._unsaved = UnsavedEvents()
        self._also_forget: list[Callable[[], None]] = []

    def held(self, visitor_id: str) -> Profile | None:
        """The remembered profile, however old: for calculations in advance."""
        return self._memory.held(visitor_id)

    def remember(self, visitor_id: str, profile: Profile | None, now: float) -> None:
        """Puts a profile as the store holds it into memory, so that the next request sees it."""
        self._supersede(visitor_id)
        self.pending.flush()
        self._memory.put(visitor_id, profile, self._unsaved.of(visitor_id), now)

    def shrink(self, _: int) -> None:
        """Forgets the tenth unused for longest. (The size in bytes is not known.)"""
        self._memory.shrink()

    def grow(self) -> None:
        """Nothing: memory fills by itself."""

    # -- changes

    def apply_early(self, arrivals: Sequence[Arrival | PackedEvent]) -> None:
        """Applies events to memory before the store has them, so that they count from now on."""
        of_persons = self._memory.by_person(arrivals)
        self._unsaved.add(arrivals, of_persons)
        self._memory.apply_events(of_persons)

    def arrived(self, early: Sequence[Arrival | PackedEvent], fresh: Sequence[Arrival | PackedEvent]) -> None:
        """Notes that the store has these events: those applied `early`, and `fresh` ones, which count from now on.
        Events that change more than histories need `renew`, too. Reads under way may not have them, so they are
        repeated or dropped."""
        fresh = self._unsaved.unknown(fresh)
        self._unsaved.drop(early)
        self._memory.apply_events(fresh)
        self.invalidate([one.via for one in fresh if one.via and self._memory.person(one.via) != one.visitor_id])
        if self._reads or self._renewals:
            for arrival in (*early, *self._memory.by_person(early), *fresh):
                self._supersede(arrival.visitor_id)

    async def follow_store(self) -> None:
        """Keeps the store filter current. Never ends; cancel it."""
        await self.store_filter.follow(self._store, self._unsaved.all)

    def forget(self) -> None:
        """Forgets all visitors: any of them may have been changed or erased."""
        self._invalidated.update(self._reads)
        self._renewals.clear()
        self._memory.forget()
        for forget in self._also_forget:
            forget()

    def on_forget(self, forget: Callable[[], None]) -> None:
        """Has `forget` call this as well: for others that remember visitors."""
        self._also_forget.append(forget)

    def invalidate(self, visitor_ids: Iterable[str]) -> None:
        """Notes that other processes changed these profiles: they are read again when needed."""
        for visitor_id in visitor_ids:
            self._supersede(visitor_id)
            self._memory.invalidate(visitor_id)

    def synced(self, at: float, changed: Collection[str]) -> None:
        """Notes that others changed only these profiles up to `at`: all others are as remembered."""
        ids = set(changed)
        self.invalidate(self._memory.among(ids) | (ids & self._reads.keys()) | (ids & self._renewals.keys()))
        self._memory.synced(at, ids)

    async def renew(self, visitor_ids: Iterable[str], now: float) -> None:
        """As `invalidate`; and reads those that are remembered here again, however long it takes, so that their next
        page need not."""
        self.invalidate(visitor_ids)
        renewals = [self._renew(visitor_id, now) for visitor_id in self._memory.among(set(visitor_ids))]
        await asyncio.gather(*renewals, self.reads_ended(visitor_ids))

    async def reads_ended(self, visitor_ids: Iterable[str]) -> None:
        """Returns when reads of these that are under way have ended. (A page gives up waiting, but the read goes on,
        and the next page would wait for it.)"""
        under_way = [self._reads[visitor_id][1] for visitor_id in visitor_ids if visitor_id in self._reads]
        if under_way:
            await asyncio.wait(under_way)

    async def _renew(self, visitor_id: str, now: float) -> None:
        mine = self._renewals[visitor_id] = object()
        with contextlib.suppress(StoreError):
            profile = await self._store.get_profile(visitor_id)
            if self._renewals.get(visitor_id) is mine:  # else a newer one is there, or is being read
                self.remember(visitor_id, profile or Profile(visitor_id), now)

    def _supersede(self, visitor_id: str) -> None:
        """Has a read under way repeated or dropped: it may be from before a change."""
        if visitor_id in self._reads:
            self._invalidated.add(visitor_id)
        self._renewals.pop(visitor_id, None)

    async def get(self, visitor_id: str, now: float) -> Profile | None:
        """The visitor's profile, within the budget: an empty one for a visitor who is not in the store. If that takes
        longer, one remembered up to an hour ago; else None, which is not an empty profile: nothing is known."""
        if self.remembered(visitor_id, now) is MISSING:
            outcome = await self._outcome(self._memory.person(visitor_id), now)
            if (
                person := self._memory.person(visitor_id)
            ) in self._reads:  # being read by another page, if not given up
                outcome = await self._outcome(person, now)
            self._count(outcome)
        known = self._memory.stale(visitor_id, now)
        return None if known is MISSING else known

    async def aclose(self) -> None:
        """Gives up the reads under way."""
        tasks = [task for _, task in self._reads.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._budget.close()

    def _count(self, outcome: str) -> None:
        self._metrics.count("tailorbird_profile_lookups_total", "outcome", outcome)

    def when_read(self, visitor_id: str, now: float, then: Callable[[Profile | None], None]) -> bool:
        """As `get`, without a task: `then` is called with the profile once it is read. False when there is nothing to
        wait for, and `then` will not be called."""
        whose = self._memory.person(visitor_id)
        read = self._start_read(whose, now)
        if isinstance(read, str) or read.is_over:
            return False

        def tell() -> None:
            known = self._memory.stale(visitor_id, now)
            self._count(read.outcome)
            then(None if known is MISSING else known)

        read.then.append(tell)
        return True

    async def _outcome(self, visitor_id: str, now: float) -> str:
        read = self._start_read(visitor_id, now)
        return read if isinstance(read, str) else await read.wait()

    def _start_read(self, visitor_id: str, now: float) -> Read | str:
        """The read of that visitor, started now or before; or the reason why there is none."""
        if visitor_id not in self._reads:
            if self._is_strained():
                self._metrics.count("tailorbird_shed_total", "what", "profile")
                return "shed"
            if len(self._reads) >= MAX_READS:
                return "busy"
            if not self._breaker.allows():
                return "open"
            read = self._budget.begin()
            self._reads[visitor_id] = read, asyncio.create_task(self._read(read, visitor_id, now))
        return self._reads[visitor_id][0]

    async def _read(self, read: Read, visitor_id: str, now: float) -> None:
        """Reads from the store into memory, even when no page waits any more."""
        outcome, whose, ids = "error", visitor_id, [visitor_id]
        try:
            while whose:
                outcome, whose = await self._remember_from_store(whose, now)
                if whose in self._reads:
                    break
                if whose:
                    self._reads[whose] = self._reads[visitor_id]
                    ids.append(whose)
        except StoreError as error:
            log.debug("a profile could not be read: %s", error)
        finally:
            for id in ids:
                del self._reads[id]
                self._invalidated.discard(id)
            self._budget.end(read)
            if not read.is_over:
                self._settle(read, outcome)

    def _settle(self, read: Read, outcome: str = "timeout") -> None:
        """Ends the wait of pages for the read, and tells the breaker, once."""
        read.end(outcome)
        self._breaker.note(outcome not in ("timeout", "error"))

    async def _remember_from_store(self, visitor_id: str, now: float) -> tuple[str, str]:
        """The outcome, and the person whose device the visitor is, "" if none."""
        try:
            profile = await self._current(visitor_id)
        except DamagedValueError:
            # One value is damaged, the store is well: no reason to open the breaker.
            self.remember(visitor_id, None, now)
            return "damaged", ""
        self.remember(visitor_id, profile or Profile(visitor_id), now)
        return ("store", profile.alias) if profile is not None else ("unknown", "")

    async def _current(self, visitor_id: str) -> Profile | None:
        while True:
            self._invalidated.discard(visitor_id)
            profile = await self._store.get_profile(visitor_id)
            if visitor_id not in self._invalidated:
                return profile
