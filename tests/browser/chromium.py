"""The system's Chromium, without a head and without a word to the outside."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The shell first: the same engine without a browser's windows, and a fresh profile costs it a fifth."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
]


def installed() -> str | None:
    """Where it is; None when this machine has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def unsteered(url: str, user_agent: str) -> AsyncIterator[None]:
    """A browser of its own that has opened `url` and does what its pages say, while in `async with`."""
    if (path := installed()) is None:
        pytest.skip(f"no Chromium found as {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = ["--headless", *FLAGS, f"--user-agent={user_agent}", f"--user-data-dir={profile}"]
        silent = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
        process = await asyncio.create_subprocess_exec(path, *flags, url, start_new_session=True, **silent)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser while in `async with`. Every context made in it is a profile of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed(), args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()
