"""Ticks: all periodic work of an idle worker is done at the same moments; and a clock that was set back is noticed. To
wake up costs more than most of that work: 60 us each time, if the machine was asleep.

The workers of one machine have their ticks at different moments, so that a store is not asked by all of them at once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable

_PHASE = 0.618_034
"""Of one process behind the one before, as a part of a tick: many of them lie evenly in it."""


def until_tick(seconds: float, now: float) -> float:
    """The seconds from `now` (loop time) to this process's next tick of this period."""
    return seconds - (now - os.getpid() * _PHASE * seconds) % seconds if seconds else 0.0


async def tick(seconds: float) -> None:
    """Waits for the next tick of this period."""
    await asyncio.sleep(until_tick(seconds, asyncio.get_running_loop().time()))


# -- Notices that the system's clock was set back, as NTP does on a machine that started with a wrong time.
# Timestamps made before then lie in the future, and would count as new until the clock reaches them again, which may
# take days. A clock that is set forward needs no care: timestamps are old a little too soon.

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
