"""Signs of life: how late the event loop is, and, in a worker, the heartbeat its supervisor listens for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from proxy.metrics import Metrics

LOOK_SECONDS = 0.1
STEPS_MS = (1_000, 250, 50)
"""What is counted: looks that came later than this."""


async def watch_lag(metrics: Metrics) -> None:
    """Counts how often the event loop is late, for as long as it is let. What holds it holds every visitor."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        late_ms = (loop.time() - due) * 1_000
        for step in STEPS_MS:
            if late_ms > step:
                metrics.count("tailorbird_loop_late_total", "over", f"{step} ms")
                break


async def beat(pipe: int, sign: bytes, seconds: float, on_end: Callable[[], None]) -> None:
    """Writes `sign` into the pipe again and again; calls `on_end` and returns when nobody reads it any more."""
    try:
        while True:
            await asyncio.sleep(seconds)
            os.write(pipe, sign)
    except OSError:
        on_end()
