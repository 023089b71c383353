"""Background work that lasts as long as the process: following the rule folder, or the events of other workers.

A fault of ours ends the current run, and is logged; the work starts again after a pause. Its law: none of it ends
silently. A worker that answers requests but follows nothing any more looks healthy, and shows outdated content.
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
    """Runs the work until it ends by itself or is cancelled; restarts it after a failure."""
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
    """The name of the work in the code."""
    return str(getattr(work.func if isinstance(work, functools.partial) else work, "__qualname__", work))
