"""The journal of one worker: brings events to the store, many in one transaction, and tells whoever waits when theirs
are durable.

Events that come during a transaction go with the next. The first event after a pause waits 2 ms for others; one that
nobody waits for waits 500 ms, since in this worker it counts already. When the queue is full, events that somebody
waits for are refused, and the sender tries again; events that nobody waits for (those recorded by pages) are retried
while the store is away, and dropped and counted when there are too many.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from proxy.errors import RequestError, StoreError
from proxy.events.fold import is_history_only
from proxy.metrics import Metrics
from proxy.model import Arrival, PackedEvent
from proxy.ports import Applied, EventStore, Refused
from proxy.processes.lasting import lasting
from proxy.settings import DEFAULTS, Settings
from proxy.stores.record import arrivals_of
from proxy.visitors.consent_changes import ConsentWord, consents_in
from proxy.visitors.pending import Pending
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.unsaved_events import Entry, Queue, not_applied_early, rows_of, visitors_not_stored

log = logging.getLogger("tailorbird.journal")

NOTED_SECONDS = 0.5
"""How long events that nobody waits for are collected: with 500 pages a second there are 2 transactions, not 500."""
ROWS, NOTED_ROWS = 500, 1_000
"""The most events of a transaction, as other workers wait for it, and pages of this one for the processing; the second
is for events that nobody waits for, which are quicker to store."""
AGAIN_SECONDS = 0.5
MOST_REFUSED = 1_000

Hear = Callable[[Applied], None]


class Change(NamedTuple):
    """What the other workers are told: `history_only`, events that change nothing but histories; `visitor_ids` of the
    profiles to be read again; the `names` of these changes in the store; and what was written of `consents`."""

    history_only: Sequence[Arrival | PackedEvent] = ()
    visitor_ids: Collection[str] = ()
    names: Sequence[str] = ()
    consents: Mapping[str, ConsentWord] = {}


Tell = Callable[[Change, bool], Awaitable[None]]
"""Tells the other workers; with True, waits until they know."""


class Journal:
    """Brings one worker's events to the store. `tell` sends a change to the other workers; `subscribe` has to be called
    before events come."""

    def __init__(
        self,
        store: EventStore,
        profiles: ProfileReader,
        metrics: Metrics,
        tell: Tell,
        clock: Callable[[], float] = time.time,
        settings: Settings = DEFAULTS,
    ) -> None:
        self._store = store
        self._profiles = profiles
        self._metrics = metrics
        self._tell = tell
        self._clock = clock
        self._most_rows = settings.waiting_events
        self._most_bytes = settings.waiting_event_bytes
        self._company_seconds = settings.event_company_ms / 1_000
        self._enough = settings.event_rows
        self._hear: list[Hear] = []
        self._awaited = Queue()
        self._noted: list[Arrival | PackedEvent] = []
        self._tried = Queue()  # nobody waits for them; their transaction failed, and may be in the store all the same
        self._refused: list[Refused] = []
        self._woken, self._pressed = asyncio.Event(), asyncio.Event()
        self._again_at = self.failed_at = 0.0
        self.why_not = ""  # the error while events cannot be stored; "" while they can
        self._is_closing = False
        self._running: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Future[None]] = set()

    def subscribe(self, hear: Hear) -> None:
        """Has `hear` called after each transaction, with what this worker applied. Other workers' events are in the
        store's log."""
        self._hear.append(hear)

    # -- in

    @property
    def pending(self) -> Pending:
        """The views that have to be counted before their visitors' histories are read."""
        return self._profiles.pending

    def schedule(self) -> None:
        """Notes that views are pending: they go to the store with the next events."""
        if not self._woken.is_set():
            self._wake()

    async def record(self, arrivals: Sequence[Arrival], size: int) -> None:
        """Returns when the events, which came in `size` bytes, are durable and count on their visitors' next request to
        any worker. Raises `StoreError`; `RequestError` when there is no room."""
        if not arrivals:
            return
        if self._awaited.rows + len(arrivals) > self._most_rows or self._awaited.size + size > self._most_bytes:
            self._count("busy", len(arrivals))
            raise RequestError("too many events wait for the store", status=503)
        entry = Entry(arrivals, size, asyncio.get_running_loop().create_future())
        self._awaited.add(entry)
        self._wake()
        assert entry.done is not None  # for the type checker
        await entry.done

    def note(self, arrivals: Sequence[Arrival | PackedEvent]) -> None:
        """Makes the events count on their visitors' next request to this worker at once, and stores them soon, without
        waiting."""
        if not arrivals:
            return
        left = self._left + len(arrivals)
        if left > self._most_rows:
            self._count("lost", len(arrivals))
            return
        self._profiles.apply_early(arrivals)
        self._noted += arrivals
        if left >= NOTED_ROWS or not self._woken.is_set():
            self._wake()

    def refuse(self, refused: Refused) -> None:
        """Adds an event to the list of refused ones; of each second, the first thousand."""
        self._metrics.count("tailorbird_events_refused_total", "reason", refused.reason)
        if len(self._refused) < MOST_REFUSED:
            self._refused.append(refused)
            self._woken.set()

    # -- on

    def _wake(self) -> None:
        self._woken.set()
        if self._is_pressing:
            self._pressed.set()

    def open(self) -> None:
        """Starts writing to the store."""
        self._running = asyncio.create_task(lasting(self._run))

    async def aclose(self) -> None:
        """Writes what is left, unless the store is away, and stops."""
        self.pending.flush()
        self._is_closing = True
        self._wake()
        if self._running is not None:
            await self._running
        await asyncio.gather(*self._telling)

    async def _run(self) -> None:
        while not self._is_closing or self._is_due:
            is_first = not self._is_due
            if is_first:
                await self._woken.wait()
            await self._wait_for_company(is_first=is_first)
            self._woken.clear()
            await self._bring()

    async def _wait_for_company(self, *, is_first: bool) -> None:
        if not self._is_pressing:
            self._pressed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(NOTED_SECONDS):
                    await self._pressed.wait()
        if is_first and self._awaited.rows + self._left < self._enough and not self._is_closing:
            await asyncio.sleep(self._company_seconds)

    @property
    def _is_pressing(self) -> bool:
        """Whether to write at once: somebody waits, or there are many events."""
        return bool(self._awaited.rows) or self._left >= NOTED_ROWS or self._is_closing

    @property
    def _left(self) -> int:
        """The number of events that nobody waits for."""
        return len(self._noted) + self._tried.rows

    @property
    def _is_due(self) -> bool:
        """Whether there is something to write now."""
        return bool(self._awaited.rows or (self._left and self._is_well))

    @property
    def _is_well(self) -> bool:
        return asyncio.get_running_loop().time() >= self._again_at

    async def _bring(self) -> None:
        """Writes one transaction, first the events that somebody waits for."""
        await self.pending.flushed()
        entries, noted = self._awaited.take(ROWS), list[Arrival | PackedEvent]()
        room = ROWS - rows_of(entries)
        if room > 0 and self._is_well:
            entries += self._tried.take(room) if self._tried.rows else []
            room = max(ROWS - rows_of(entries), 0) if entries else NOTED_ROWS
            noted, self._noted = self._noted[:room], self._noted[room:]
        if entries or noted:
            await self._apply(entries, noted)
        await self._bring_refused()

    async def _apply(self, entries: Sequence[Entry], noted: Sequence[Arrival | PackedEvent]) -> None:
        page_events = [one for one in noted if isinstance(one, PackedEvent)]
        told = [one for one in noted if not isinstance(one, PackedEvent)] if len(page_events) < len(noted) else []
        arrivals = [*(arrival for entry in entries for arrival in entry.arrivals), *told]
        early = [*(arrival for entry in entries if not entry.done for arrival in entry.arrivals), *noted]
        count = len(arrivals) + len(page_events)
        try:
            applied = await self._store.apply(arrivals, page_events)
        except StoreError as error:
            self._failed(entries, noted, error)
            return
        except Exception as error:  # a fault of ours over one event must not stop all others
            log.exception("events could not be applied")
            self._count("lost", count)
            self._profiles.arrived(early, ())
            self._failed(
                [entry for entry in entries if entry.done], (), StoreError(f"events were not applied: {error}")
            )
            return
        if self.why_not:
            self.why_not = ""
            log.warning("events can be stored again")
        fresh = applied.all_new
        self._profiles.arrived(early, not_applied_early(fresh, early))
        if len(fresh) < count:
            self._profiles.invalidate(visitors_not_stored(fresh, early))
        self._count("applied", len(fresh))
        self._count("repeated", count - len(fresh))
        self._metrics.count("tailorbird_store_lost_total", by=applied.losses)
        for hear in self._hear:
            asyncio.get_running_loop().call_soon(hear, applied)
        self._spawn(self._notify([entry.done for entry in entries if entry.done], applied))

    def _spawn(self, telling: Awaitable[None]) -> None:
        self._telling.add(task := asyncio.ensure_future(telling))
        task.add_done_callback(self._telling.discard)

    async def _notify(self, waiting: Sequence[asyncio.Future[None]], applied: Applied) -> None:
        """Tells all workers, then those who wait. The next transaction does not wait for this."""
        telling = {arrival.visitor_id for arrival in applied.new if not is_history_only(arrival)}
        try:
            if telling:
                await self._profiles.renew(telling, self._clock())
            if fresh := applied.all_new:
                history_only = [one for one in fresh if is_history_only(one)] if telling else fresh
                change = Change(history_only, telling, applied.changes, consents_in(applied.new))
                await self._tell(change, bool(waiting))
            if waiting:
                await self._profiles.reads_ended(applied.visitors)
        finally:
            for done in waiting:
                if not done.done():
                    done.set_result(None)

    def _failed(self, entries: Sequence[Entry], noted: Sequence[Arrival | PackedEvent], error: StoreError) -> None:
        if str(error) != self.why_not:  # not again with each retry
            self.why_not = str(error)
            log.warning("events cannot be stored: %s", error)
        loop, self.failed_at = asyncio.get_running_loop(), self._clock()
        self._again_at = loop.time() + AGAIN_SECONDS
        loop.call_at(self._again_at, self._woken.set)
        if noted:
            self._tried.add(Entry(arrivals_of(noted), 0))
        for entry in reversed(entries):
            if entry.done is None:
                self._tried.add(entry, is_first=True)
            elif not entry.done.done():
                entry.done.set_exception(error)
                self._count("failed", len(entry.arrivals))
        # The store may have them all the same; sent again, they would be duplicates, which nobody is told of.
        if sent := {arrival.visitor_id for entry in entries if entry.done for arrival in entry.arrivals}:
            self._profiles.invalidate(sent)
            self._spawn(self._tell(Change(visitor_ids=sent), False))

    async def _bring_refused(self) -> None:
        refused, self._refused = self._refused, []
        if not refused:
            return
        try:
            await self._store.refuse(refused)
        except StoreError as error:
            log.debug("%s refused events were not kept: %s", len(refused), error)

    def _count(self, outcome: str, by: int) -> None:
        if by:
            self._metrics.count("tailorbird_events_total", "outcome", outcome, by)
