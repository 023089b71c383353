"""Starts the command as a user does, in a process of its own, and reads the links it prints."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LINK = re.compile(r"^\s*(.+?)\s+(https?://\S+)")
PATIENCE_SECONDS = 30


@asynccontextmanager
async def running(*arguments: str, until: str, **environment: str) -> AsyncIterator[dict[str, str]]:
    """Runs `tailorbird ARGUMENTS` while in `async with`; gives the printed links by their names, once the one named
    `until` has come. Standard error stays the test's own, so that a failure shows it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    try:
        yield await asyncio.wait_for(_links(process, until), PATIENCE_SECONDS)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _links(process: asyncio.subprocess.Process, until: str) -> dict[str, str]:
    assert process.stdout is not None
    links: dict[str, str] = {}
    while until not in links:
        line = (await process.stdout.readline()).decode()
        assert line, f"it ended before it printed {until!r}, having printed {links}"
        if found := LINK.match(line):
            links[found[1]] = found[2]
    return links
