"""Starts the command as a user does, in a process of its own, and reads the links it prints."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

URL = re.compile(r"https?://\S+")
PATIENCE_SECONDS = 120


@asynccontextmanager
async def running(*arguments: str, until: str, **environment: str) -> AsyncIterator[str]:
    """Runs `tailorbird ARGUMENTS` while in `async with`; gives what it has printed, up to the line that has `until` in
    it. Standard error stays the test's own, so that a failure shows it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    try:
        yield await asyncio.wait_for(_printed(process, until), PATIENCE_SECONDS)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)  # SIGTERM would have it serve on for a while
        await process.wait()


async def _printed(process: asyncio.subprocess.Process, until: str) -> str:
    assert process.stdout is not None
    lines = [""]
    while until not in lines[-1]:
        lines.append((await process.stdout.readline()).decode())
        assert lines[-1], f"it ended before it printed {until!r}, having printed {lines}"
    return "".join(lines)


def link(printed: str, says: str) -> str:
    """The address on the line that has `says` in it, without its last slash."""
    found = (URL.search(line) for line in printed.splitlines() if says in line)
    return next(match[0] for match in found if match).rstrip("/")


DEMO = ("demo", "--port", "0", "--shop-port", "0", "--admin-port", "0")
"""The demo on free ports; it has printed all links when it says `Ctrl-C`."""
