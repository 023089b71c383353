"""Ticks: what a worker does again and again when it has nothing else to do, it does at the same moment. To wake up
costs more than most of it: 60 us where the machine had gone to sleep, for each that wakes by itself.

Workers of one machine have their ticks at different moments, so that no store is asked by all of them at once.
"""

from __future__ import annotations

import asyncio
import os

_PHASE = 0.618_034
"""Of one process behind the one before, as a part of a tick: many of them lie evenly in it."""


def until_tick(seconds: float, now: float) -> float:
    """How long it is from `now`, by the loop's clock, to the next of this process's ticks, which are so far apart."""
    return seconds - (now - os.getpid() * _PHASE * seconds) % seconds if seconds else 0.0


async def tick(seconds: float) -> None:
    """Waits for the next."""
    await asyncio.sleep(until_tick(seconds, asyncio.get_running_loop().time()))
