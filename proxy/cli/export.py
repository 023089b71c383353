"""`tailorbird export VISITOR`: all that is kept of somebody, as JSON."""

from __future__ import annotations

import asyncio

import click

from proxy.cli.erase import as_json
from proxy.cli.identity import STORE
from proxy.cli.rulefolder import places_in
from proxy.stores.holdings import Values, exported


@click.command("export")
@click.argument("visitor")
@STORE
def command(visitor: str, store: str) -> None:
    """All that is kept of the person VISITOR is, on every device, as JSON."""
    click.echo(as_json(asyncio.run(_exported(visitor, store))))


async def _exported(visitor: str, url: str) -> Values:
    async with places_in(url) as places:
        return await exported(places, visitor)
