"""Work beside requests that goes on for as long as the process does: following the rule folder, say, or what others
tell.

A fault of ours ends the turn in which it happens, and is logged; the work begins anew after a pause. Its law: nothing
of it ends without a word. A worker that answers requests and follows nothing any more looks well, and shows what was
true once.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger("tailorbird.beside")

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
WELL_SECONDS = 600.0
"""Work that went on for so long begins anew after the first pause."""

Work = Callable[[], Awaitable[object]]


async def lasting(work: Work, first_pause_seconds: float = FIRST_PAUSE_SECONDS) -> None:
    """Does the work until it ends by itself or is cancelled."""
    pause = first_pause_seconds
    while True:
        begun = time.monotonic()
        try:
            await work()
            return
        except Exception:  # whatever fault of ours it is, it must not be the last turn
            log.exception("`%s` failed, and begins anew", name_of(work))
        if time.monotonic() - begun > WELL_SECONDS:
            pause = first_pause_seconds
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def name_of(work: Work) -> str:
    """What it is called in the code."""
    return str(getattr(work.func if isinstance(work, functools.partial) else work, "__qualname__", work))
