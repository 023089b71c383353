"""Profiles for pages: from worker memory, else from the store, and never later than the budget.

A page is worth more than its personalisation. A read that is slow goes on by itself and fills the memory for the next
request, while this one goes on with what was remembered or without; a store that keeps failing is left alone for a
while; reads of one visitor at the same time are one read.
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
from proxy.model import Arrival, Deed, Profile
from proxy.ports import ProfileStore
from proxy.settings import DEFAULTS, Settings
from proxy.visitors.pending import Pending
from proxy.visitors.read_budget import Read, ReadBudget
from proxy.visitors.remembered import MISSING, Remembered
from proxy.visitors.strangers import Strangers
from proxy.visitors.unsaved_events import UnsavedEvents

log = logging.getLogger("tailorbird.profiles")

MAX_READS = 10_000


class ProfileReader:
    """One worker's way to the profiles. While it `is_strained` no page waits for one: what makes pages fit is given up
    before pages are. `clock` times the breaker and must be monotonic; `now`, Unix seconds, ages the memory."""

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
        self.strangers = Strangers()
        self.pending = Pending(metrics)
        self.memory = self._memory = Remembered(memory, memory_seconds, found, self.strangers, self.pending)
        self.remembered = self._memory.fresh
        self._is_strained = is_strained
        self._breaker = Breaker(clock, settings)
        self._budget = ReadBudget(settings.profile_budget_ms, self._settle, settings.profile_longest_ms)
        self._reads: dict[str, tuple[Read, asyncio.Task[None]]] = {}
        self._outdated: set[str] = set()
        self._renewals: dict[str, object] = {}
        self._ahead = UnsavedEvents()
        self._forget_too: list[Callable[[], None]] = []

    def held(self, visitor_id: str) -> Profile | None:
        """What memory has of this visitor, however old, to work things out beforehand."""
        return self._memory.held(visitor_id)

    def remember(self, visitor_id: str, profile: Profile | None, now: float) -> None:
        """Puts what the store now holds into memory, so that the next request sees it."""
        self._supersede(visitor_id)
        self.pending.flush()
        self._memory.put(visitor_id, profile, self._ahead.of(visitor_id), now)

    def shrink(self, _: int) -> None:
        """Forgets a tenth of those remembered, the longest unused: how large they are is not known."""
        self._memory.shrink()

    def grow(self) -> None:
        """Nothing: memory fills by itself."""

    # -- told what happened

    def foresee(self, arrivals: Sequence[Arrival | Deed]) -> None:
        """Has these events count from now on, though the store does not have them yet."""
        of_persons = self._memory.as_persons(arrivals)
        self._ahead.add(arrivals, of_persons)
        self._memory.count_in(of_persons)

    def arrived(self, foreseen: Sequence[Arrival | Deed], fresh: Sequence[Arrival | Deed]) -> None:
        """Says that the store has these events: foreseen ones, and `fresh` ones, which count from now on. Events that
        change more than histories are left to the store (`renew`). A read under way may be from before them, so it is
        repeated or dropped."""
        self._ahead.drop(foreseen)
        self._memory.count_in(fresh)
        self.outdate([one.via for one in fresh if one.via and self._memory.person(one.via) != one.visitor_id])
        if self._reads or self._renewals:
            for arrival in (*foreseen, *self._memory.as_persons(foreseen), *fresh):
                self._supersede(arrival.visitor_id)

    async def meet_all(self) -> None:
        """Keeps reading whom the store knows. Never ends; cancel it."""
        await self.strangers.follow(self._store, self._ahead.all)

    def forget(self) -> None:
        """Forgets everybody: anybody may have been changed or erased."""
        self._outdated.update(self._reads)
        self._renewals.clear()
        self._memory.forget()
        for forget in self._forget_too:
            forget()

    def along(self, forget: Callable[[], None]) -> None:
        """Has `forget` also call this, for others that remember visitors."""
        self._forget_too.append(forget)

    def outdate(self, visitor_ids: Iterable[str]) -> None:
        """Says that other processes changed these profiles: they are read again."""
        for visitor_id in visitor_ids:
            self._supersede(visitor_id)
            self._memory.outdate(visitor_id)

    def looked(self, at: float, changed: Collection[str]) -> None:
        """Says that until then others changed only these profiles: all others are as remembered."""
        ids = set(changed)
        self.outdate(self._memory.among(ids) | (ids & self._reads.keys()) | (ids & self._renewals.keys()))
        self._memory.looked(at, ids)

    async def renew(self, visitor_ids: Iterable[str], now: float) -> None:
        """As `outdate`; and asks the store for those that are remembered here, however long it takes, so that their
        next page need not."""
        self.outdate(visitor_ids)
        renewals = [self._renew(visitor_id, now) for visitor_id in self._memory.among(set(visitor_ids))]
        await asyncio.gather(*renewals, self.caught_up(visitor_ids))

    async def caught_up(self, visitor_ids: Iterable[str]) -> None:
        """Returns when the reads of these that are under way have ended: a page that gave one up left it going, and the
        next would wait for it again."""
        under_way = [self._reads[visitor_id][1] for visitor_id in visitor_ids if visitor_id in self._reads]
        if under_way:
            await asyncio.wait(under_way)

    async def _renew(self, visitor_id: str, now: float) -> None:
        mine = self._renewals[visitor_id] = object()
        with contextlib.suppress(StoreError):
            profile = await self._store.get_profile(visitor_id)
            if self._renewals.get(visitor_id) is mine:  # else something newer is there, or is being read
                self.remember(visitor_id, profile or Profile(visitor_id), now)

    def _supersede(self, visitor_id: str) -> None:
        """Has reads of these visitors that are under way repeated, or dropped: they may be from before the change."""
        if visitor_id in self._reads:
            self._outdated.add(visitor_id)
        self._renewals.pop(visitor_id, None)

    async def get(self, visitor_id: str, now: float) -> Profile | None:
        """The visitor's profile, an empty one for who is not in the store, within the budget; else what was remembered
        up to an hour ago; else None, so that nobody takes a store that is down for visitors who never did anything."""
        if self.remembered(visitor_id, now) is MISSING:
            outcome = await self._outcome(self._memory.person(visitor_id), now)
            if (person := self._memory.person(visitor_id)) in self._reads:  # by somebody else, if not given up
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

    def soon(self, visitor_id: str, now: float, then: Callable[[Profile | None], None]) -> bool:
        """As `get`, without a task that waits: `then` is called with what came of it. False when there is nothing to
        wait for."""
        whose = self._memory.person(visitor_id)
        read = self._begun(whose, now)
        if isinstance(read, str) or read.is_over:
            return False

        def tell() -> None:
            known = self._memory.stale(visitor_id, now)
            self._count(read.outcome)
            then(None if known is MISSING else known)

        read.then.append(tell)
        return True

    async def _outcome(self, visitor_id: str, now: float) -> str:
        read = self._begun(visitor_id, now)
        return read if isinstance(read, str) else await read.wait()

    def _begun(self, visitor_id: str, now: float) -> Read | str:
        """The read of that visitor, begun now or before; or the word why there is none."""
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
        """Asks the store and fills memory, also when no page waits any more."""
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
                self._outdated.discard(id)
            self._budget.end(read)
            if not read.is_over:
                self._settle(read, outcome)

    def _settle(self, read: Read, outcome: str = "timeout") -> None:
        """Lets the pages that wait for the read go on, and tells the breaker, once."""
        read.end(outcome)
        self._breaker.note(outcome not in ("timeout", "error"))

    async def _remember_from_store(self, visitor_id: str, now: float) -> tuple[str, str]:
        """What came of it, and the person whose device the visitor is."""
        try:
            profile = await self._current(visitor_id)
        except DamagedValueError:
            # The store is well, one value is not: remembered as unknown, and no reason to leave the store alone.
            self.remember(visitor_id, None, now)
            return "damaged", ""
        self.remember(visitor_id, profile or Profile(visitor_id), now)
        return ("store", profile.alias) if profile is not None else ("unknown", "")

    async def _current(self, visitor_id: str) -> Profile | None:
        while True:
            self._outdated.discard(visitor_id)
            profile = await self._store.get_profile(visitor_id)
            if visitor_id not in self._outdated:
                return profile
