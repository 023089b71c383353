"""What browser tests share: one Chromium for all of them, a clean page for each, and what its console said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page

from tests.browser.chromium import NAMES, chromium, installed

PATIENCE_MS = 120_000
"""A busy machine takes its time."""


@dataclass
class Tab:
    """A page in a fresh browser profile, and the complaints its console has heard: errors, warnings, exceptions."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keeps errors and warnings; information is no complaint."""
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if installed() is None:
        pytest.skip(f"no Chromium found as {', '.join(NAMES)}: run tests/browser/install-chromium as root")
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    async with await browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        tab = Tab(await context.new_page())
        tab.page.on("console", tab.hear)
        tab.page.on("pageerror", lambda error: tab.complaints.append(f"exception: {error}"))
        yield tab
