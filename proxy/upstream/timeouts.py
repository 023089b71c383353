"""Timeouts with an origin: how long it may be silent.

One timer serves everything that waits. It is set to the earliest deadline known when it was set; a deadline that was
moved since is noticed when the timer fires. (A timer for each exchange, made and cancelled, cost as much as reading the
answer's head.)
"""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import Protocol

from proxy.settings import Settings
from proxy.upstream.connection import FaultListener, call_guarded


class Waiting(FaultListener, Protocol):
    """Something that waits for an origin, until `deadline` on the monotonic clock."""

    deadline: float

    def look(self, now: float) -> None:
        """The deadline has passed: gives up, or sets a later one."""


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

    def watch(self, one: Waiting) -> None:
        """Watches the deadline of `one`, or a new one of it, until it leaves."""
        self._waiting[one] = None
        if one.deadline < self._next_check:
            self._set(one.deadline)

    def leave(self, one: Waiting) -> None:
        """Stops watching; it need not have been watched."""
        self._waiting.pop(one, None)

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next_check = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - monotonic()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._next_check = None, inf
        now = monotonic()
        for one in [one for one in self._waiting if one.deadline <= now]:
            call_guarded(one, one.look, now)
        first = min((one.deadline for one in self._waiting), default=inf)
        if first < inf:
            self._set(first)
