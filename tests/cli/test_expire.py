"""Forgetting what is old, from the command line."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import tailorbird
from proxy.model import Arrival, Event
from proxy.stores import open_store


@pytest.mark.parametrize(("days", "gone"), [("400", 1), ("30", 2), ("500", 0)])
def test_what_came_too_long_ago_is_forgotten(days: str, gone: int, tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/s.db"

    async def fill() -> None:
        store = open_store(url)
        for number, ago in enumerate((450, 100, 1)):
            at = time.time() - ago * 86_400
            await store.apply([Arrival("anna", Event(at, f"web:{number}", "page viewed", "/"), received_at=at)])
        await store.aclose()

    asyncio.run(fill())
    told = CliRunner().invoke(tailorbird, ["expire", "--days", days, "--store", url])
    assert told.output == f"{gone} events and 0 page views older than {days} days forgotten\n"
