"""Notices that the system's clock was set back, as NTP does on a machine that started with a wrong time.

Timestamps made before then lie in the future, and would count as new until the clock reaches them again, which may take
days. A clock that is set forward needs no care: timestamps are old a little too soon.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from proxy.processes.ticks import tick

LOOK_SECONDS = 1.0
SLACK_SECONDS = 2.0
"""So little makes no difference to anything."""


async def set_back(clock: Callable[[], float], every_seconds: float = LOOK_SECONDS) -> AsyncGenerator[float, None]:
    """Yields the seconds by which the clock was set back, each time. Never ends; cancel it."""
    before = clock()
    while True:
        await tick(every_seconds)
        now = clock()
        if now < before - SLACK_SECONDS:
            yield before - now
        before = now
