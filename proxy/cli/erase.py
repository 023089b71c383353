"""`tailorbird erase VISITOR`: nothing is kept of somebody any more, and a receipt says so."""

from __future__ import annotations

import asyncio
import sys
import time

import click
import msgspec

from proxy.cli.identity import STORE
from proxy.cli.rulefolder import places_in
from proxy.stores.holdings import Receipt, erased


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


async def _erased(visitor: str, url: str) -> Receipt:
    async with places_in(url) as places:
        return await erased(places, visitor, time.time())


def as_json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
