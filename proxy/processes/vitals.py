"""Signs of life: how late the event loop is, and, in a worker, the heartbeat its supervisor listens for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from proxy.metrics import Metrics

LOOK_SECONDS = 0.2
STEPS_MS = (1_000, 250, 50)
"""What is counted: looks that came later than this."""
LASTING_MS = 100
LASTING_LOOKS = 17
"""Some five seconds: a burst of visitors is over sooner."""


class Lag:
    """Measures how late the event loop is: whatever blocks it blocks every visitor."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._late_looks = 0

    @property
    def is_lasting(self) -> bool:
        """True when it was late at every look for a while: the process is overloaded."""
        return self._late_looks >= LASTING_LOOKS

    async def watch(self) -> None:
        """Measures and counts until cancelled. A timer that sets itself anew costs an idle worker half of what a
        sleeping task does."""
        self._wait()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._timer.cancel()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + LOOK_SECONDS
        self._timer = loop.call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        self._note((asyncio.get_running_loop().time() - due) * 1_000)
        self._wait()

    def _note(self, late_ms: float) -> None:
        self._late_looks = self._late_looks + 1 if late_ms > LASTING_MS else 0
        over = next((step for step in STEPS_MS if late_ms > step), None)
        if over is not None:
            self._metrics.count("tailorbird_loop_late_total", "over", f"{over} ms")


async def beat(pipe: int, sign: bytes, seconds: float, on_end: Callable[[], None]) -> None:
    """Writes `sign` into the pipe again and again; calls `on_end` and returns when nobody reads it any more."""
    try:
        while True:
            await asyncio.sleep(seconds)
            os.write(pipe, sign)
    except OSError:
        on_end()
