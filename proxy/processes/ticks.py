"""Ticks: all periodic work of an idle worker is done at the same moments. To wake up costs more than most of that work:
60 us each time, if the machine was asleep.

The workers of one machine have their ticks at different moments, so that a store is not asked by all of them at once.
"""

from __future__ import annotations

import asyncio
import os

_PHASE = 0.618_034
"""Of one process behind the one before, as a part of a tick: many of them lie evenly in it."""


def until_tick(seconds: float, now: float) -> float:
    """The seconds from `now` (loop time) to this process's next tick of this period."""
    return seconds - (now - os.getpid() * _PHASE * seconds) % seconds if seconds else 0.0


async def tick(seconds: float) -> None:
    """Waits for the next tick of this period."""
    await asyncio.sleep(until_tick(seconds, asyncio.get_running_loop().time()))
