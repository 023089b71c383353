"""Ends background tasks for certain.

Once cancelled, a task may go on all the same: clients of Redis, and `asyncio.wait_for` before Python 3.12, lose a
cancellation that comes in the same turn of the loop as what they wait for. `asyncio.TaskGroup` cancels its tasks once,
so whoever ends a group waits for ever then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN_SECONDS = 0.1
"""After which a task that goes on is cancelled again."""


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancels the tasks until all have ended. It waits for that even if it is cancelled itself."""
    cancelled: asyncio.CancelledError | None = None
    while going := [task for task in tasks if not task.done()]:
        for task in going:
            task.cancel()
        try:
            await asyncio.wait(going, timeout=AGAIN_SECONDS)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Runs the works at the same time until all have ended or one fails. None outlives the call; raises what the first
    failure raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        await ended(*tasks)
