"""Signs of life: how late the event loop is, and, in a worker, the heartbeat its supervisor listens for."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from proxy.metrics import Metrics
from proxy.processes.ticks import until_tick

LOOK_SECONDS, IDLE_SECONDS = 0.2, 1.0
IDLE_SHARE = 0.05
"""Of the time, at most, in which a loop computes that has nothing to do: that is looked at less often."""
STEPS_MS = (1_000, 250, 50)
"""What is counted: looks that came later than this."""
LASTING_MS = 100
LASTING_LOOKS = 17
"""Some five seconds: a burst of visitors is over sooner."""


class Lag:
    """Measures how late the event loop is: whatever blocks it delays every visitor."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._late_looks = 0

    @property
    def is_lasting(self) -> bool:
        """True when it was late at every measurement for a while: the process is overloaded."""
        return self._late_looks >= LASTING_LOOKS

    async def watch(self) -> None:
        """Measures and counts until cancelled. A timer that renews itself costs an idle worker half of what a sleeping
        task does."""
        loop = asyncio.get_running_loop()
        self._wait(loop, is_idle=False)
        try:
            await loop.create_future()
        finally:
            self._timer.cancel()

    def _wait(self, loop: asyncio.AbstractEventLoop, *, is_idle: bool) -> None:
        self._looked_at, self._used = loop.time(), time.thread_time()
        pause = until_tick(IDLE_SECONDS, self._looked_at) if is_idle else LOOK_SECONDS
        due = self._looked_at + pause
        self._timer = loop.call_at(due, self._look, loop, due)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        self._note((now - due) * 1_000)
        computed = time.thread_time() - self._used
        self._wait(loop, is_idle=not self._late_looks and computed < IDLE_SHARE * (now - self._looked_at))

    def _note(self, late_ms: float) -> None:
        self._late_looks = self._late_looks + 1 if late_ms > LASTING_MS else 0
        over = next((step for step in STEPS_MS if late_ms > step), None)
        if over is not None:
            self._metrics.count("tailorbird_loop_late_total", "over", f"{over} ms")


async def beat(pipe: int, first: bytes, sign: bytes, seconds: float, on_end: Callable[[], None]) -> None:
    """Writes `first` into the pipe, then `sign` again and again; calls `on_end` and returns when nobody reads it."""
    try:
        os.write(pipe, first)
        while True:
            await asyncio.sleep(seconds)
            os.write(pipe, sign)
    except OSError:
        on_end()
