"""Notices that the system's clock was set back: a machine that began with a wrong one is put right by NTP.

What was dated by the clock before then lies in the future, and would count as new until the clock has come there again,
be it days. A clock that is set forward needs no care: what is dated is old a little too soon.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from proxy.processes.ticks import tick

LOOK_SECONDS = 1.0
SLACK_SECONDS = 2.0
"""So little makes no difference to anything."""


async def set_back(clock: Callable[[], float], every_seconds: float = LOOK_SECONDS) -> AsyncGenerator[float, None]:
    """By how many seconds the clock was set back, each time that it is. Never ends; cancel it."""
    before = clock()
    while True:
        await tick(every_seconds)
        now = clock()
        if now < before - SLACK_SECONDS:
            yield before - now
        before = now
