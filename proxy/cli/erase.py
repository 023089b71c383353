"""`tailorbird erase VISITOR`: nothing is kept of somebody any more, and a receipt says so."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
import msgspec

from proxy.cli.identity import STORE
from proxy.cli.rulefolder import existing_store
from proxy.stores import open_outbox, open_views
from proxy.stores.holdings import Places, Receipt, erased


@click.command("erase")
@click.argument("visitor")
@STORE
@click.option("--yes", is_flag=True, help="do not ask")
def command(visitor: str, store: str, yes: bool) -> None:
    """Erase the person VISITOR is, on every device, and print a receipt. No replay or import brings them back. Servers
    that run on the store forget within seconds; asked for at their admin listener (`POST /api/erase`), at once.

    Exit code 1 when something was left.
    """
    if not yes:
        click.confirm(f"erase all that is kept of `{visitor}`?", abort=True, err=True)
    receipt = asyncio.run(_erased(visitor, store))
    click.echo(as_json(receipt))
    sys.exit(0 if receipt.is_whole else 1)


@asynccontextmanager
async def places_in(url: str) -> AsyncIterator[Places]:
    async with existing_store(url) as store:
        views, outbox = open_views(url), open_outbox(url)
        try:
            yield Places(store, views, outbox)
        finally:
            await views.aclose()
            await outbox.aclose()


async def _erased(visitor: str, url: str) -> Receipt:
    async with places_in(url) as places:
        return await erased(places, visitor, time.time())


def as_json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
