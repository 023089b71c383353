"""Invalidation of remembered profiles: every second this worker asks the store whose profiles others changed, and reads
those again. Everything else it remembers is as the store has it, however long ago it was read.

Others are the workers of this and other machines, whose messages may be lost, and commands, which send none. This
worker's own changes, and those that others told it of, are known already. A change that was only announced is checked
again when it is certain to be over, as its writer may have died. While the store is away, profiles count as fresh only
for the time given in `remembered.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable

from proxy.errors import StoreError
from proxy.ports import LONGEST_CHANGE_SECONDS, Changed, ProfileStore
from proxy.processes.ticks import tick
from proxy.visitors.profiles import ProfileReader

log = logging.getLogger("tailorbird.profiles")

EVERY_SECONDS = 1.0
SETTLE_SECONDS = 0.1
"""The pause in which this worker learns of its own changes that the store has already: so it does not read them
again."""
MOST_KNOWN = 10_000
CLOCK_TOLERANCE_SECONDS = 5.0
"""Machines that ask a time server are apart by less."""


class Invalidation:
    """Follows the store's changes for one worker. `settle_seconds` is the pause between noticing a change and asking
    what it was."""

    def __init__(
        self,
        store: ProfileStore,
        profiles: ProfileReader,
        clock: Callable[[], float],
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._store = store
        self._profiles = profiles
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._place = ""
        self._known: list[str] = []
        self._begun: deque[tuple[float, Collection[str]]] = deque()
        self._is_away = self._clocks_differ = False
        self._looked_at = 0.0
        self._hear: Callable[[Collection[str]], None] = lambda _: None

    def on_changed(self, hear: Callable[[Collection[str]], None]) -> None:
        """Has `hear` called with the visitors whom others changed."""
        self._hear = hear

    def know(self, changes: Iterable[str]) -> None:
        """Notes that memory has these changes already (`Applied.changes`)."""
        self._known += changes
        if len(self._known) > MOST_KNOWN:
            del self._known[: MOST_KNOWN // 2]

    async def follow(self, every_seconds: float) -> None:
        """Checks every so many seconds. Never ends; cancel it."""
        while True:
            await self.look()
            await tick(every_seconds)

    async def look(self) -> None:
        """Checks once. When the store is away, that is logged once, and once that it is back."""
        try:
            await self._look()
        except StoreError as error:
            if not self._is_away:
                log.warning("profiles cannot be read, pages go on without them: %s", error)
            self._is_away = True
        else:
            if self._is_away:
                log.warning("profiles can be read again")
            self._is_away = False

    async def _look(self) -> None:
        at = self._clock()
        newest = await self._store.newest_change()
        if self._place and newest != self._place:
            self._compare_clocks(newest, self._looked_at, self._clock())
        self._looked_at = at
        changed = await self._changed(newest) if newest != self._place else Changed()
        self._place = newest
        if changed is None:
            self._profiles.forget()
        ids, begun = changed or Changed()
        self._profiles.synced(at, {*ids, *self._over(at)})
        self._hear(ids)
        if begun:
            self._begun.append((at, begun))

    def _compare_clocks(self, newest: str, since: float, until: float) -> None:
        """Warns once when a change of that time by our clock has another by the store's, with whose milliseconds the
        place begins (Redis and Valkey). Of what is told on two machines, the later word counts, by their clocks."""
        told, is_time, _ = newest.partition("-")
        if not (is_time and told.isdecimal() and int(told)):  # 0: nothing was told, as after the store lost everything
            return
        apart = max(since - int(told) / 1_000, int(told) / 1_000 - until)
        if apart > CLOCK_TOLERANCE_SECONDS and not self._clocks_differ:
            what = (
                "the clocks of this machine and of the store are %d seconds apart: the older word about a visitor may"
            )
            log.warning(what + " count on pages; have both ask a time server (NTP)", apart)
        self._clocks_differ = apart > CLOCK_TOLERANCE_SECONDS

    def _over(self, at: float) -> set[str]:
        """The visitors whose announced change is certain to be over."""
        over: set[str] = set()
        while self._begun and at - self._begun[0][0] >= LONGEST_CHANGE_SECONDS:
            over.update(self._begun.popleft()[1])
        return over

    async def _changed(self, newest: str) -> Changed | None:
        """The profiles that others changed since the last check; None when it may be any, as at the first check."""
        if not self._place:
            return None
        before, self._known = self._known, []
        try:
            await asyncio.sleep(self._settle_seconds)
            return await self._store.changed(self._place, newest, before + self._known)
        except StoreError:
            self._known = before + self._known
            raise


def pause_of(memory_seconds: float) -> float:
    """Seconds between checks: less than profiles count as fresh without one."""
    return max(min(EVERY_SECONDS, memory_seconds / 2), SETTLE_SECONDS)
