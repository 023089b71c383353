"""Timeouts with an origin: how long it may be silent.

One timer serves everything that waits. It is set to the earliest deadline known when it was set; a deadline that was
moved since is noticed when the timer fires. (A timer for each exchange, made and cancelled, cost as much as reading the
answer's head.)

A timer that fires late shows that this process stood still, as on a machine that is busy or was paused: an answer may
have come meanwhile, and only have not been read. So what came is read first, and as much time is given again, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from time import monotonic
from typing import Protocol

from proxy.errors import Fault
from proxy.settings import Settings
from proxy.upstream.connection import FaultListener, call_guarded

LATE_SECONDS = 0.05
"""A timer is never quite on time."""


class Waiting(FaultListener, Protocol):
    """Something that waits for an origin, until `deadline` on the monotonic clock."""

    deadline: float

    def look(self, now: float) -> None:
        """The deadline has passed: gives up, or sets a later one."""


class _Within:
    """A block that has to end in time."""

    def __init__(self, block: asyncio.Timeout, deadline: float) -> None:
        self._block, self.deadline = block, deadline

    def look(self, now: float) -> None:
        """As `Waiting`."""
        self.deadline = inf
        self._block.reschedule(asyncio.get_running_loop().time())

    def on_fault(self, fault: Fault) -> None:
        """As `Waiting`: the block is ended by its time."""


class Timeouts:
    """In seconds: `first_byte` until an answer's head is there, `change` until that of a request is that changes
    something, `between_bytes` within bodies."""

    def __init__(self, settings: Settings) -> None:
        self.first_byte = settings.first_byte_timeout_ms / 1_000
        self.change = max(self.first_byte, settings.change_timeout_ms / 1_000)
        self.between_bytes = settings.between_bytes_timeout_ms / 1_000
        self._waiting: dict[Waiting, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_check = inf
        self._was_late = False

    def watch(self, one: Waiting) -> None:
        """Watches the deadline of `one`, or a new one of it, until it leaves."""
        self._waiting[one] = None
        if one.deadline < self._next_check:
            self._set(one.deadline)

    def leave(self, one: Waiting) -> None:
        """Stops watching; it need not have been watched."""
        self._waiting.pop(one, None)

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """As `asyncio.timeout`."""
        async with asyncio.timeout(None) as block:
            one = _Within(block, monotonic() + seconds)
            self.watch(one)
            try:
                yield
            finally:
                self.leave(one)

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next_check = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - monotonic()), self._on_timer)

    def _on_timer(self) -> None:
        now = monotonic()
        late = now - self._next_check
        self._timer, self._next_check = None, inf
        self._was_late = late > LATE_SECONDS and not self._was_late
        if self._was_late:
            self._set(now + min(late, self.first_byte))
            return
        for one in [one for one in self._waiting if one.deadline <= now]:
            call_guarded(one, one.look, now)
        first = min((one.deadline for one in self._waiting), default=inf)
        if first < inf:
            self._set(first)
