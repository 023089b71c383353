"""`tailorbird expire`: forgets what came too long ago. Run it every night."""

from __future__ import annotations

import asyncio
import time

import click

from proxy.cli.identity import STORE
from proxy.cli.rulefolder import existing_store
from proxy.stores.retention import expire

DAY_SECONDS = 86_400


@click.command("expire")
@click.option("--days", type=click.IntRange(min=1), required=True, help="how many days everything is kept")
@STORE
def command(days: int, store: str) -> None:
    """Forget every event and import that came more than so many days ago, and who was not heard of since."""
    gone = asyncio.run(_expired(store, time.time() - days * DAY_SECONDS))
    click.echo(f"{gone} events older than {days} days forgotten")


async def _expired(url: str, before: float) -> int:
    async with existing_store(url) as store:
        return await expire(store, before)
