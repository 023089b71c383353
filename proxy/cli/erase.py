"""`tailorbird erase VISITOR`: deletes everything stored about a visitor, and gives a receipt."""

from __future__ import annotations

import sys
import time

import click

from proxy.cli.existing_store import STORE, asked
from proxy.cli.options import as_json
from proxy.errors import OperatorError, StoreError
from proxy.stores import use_reserve
from proxy.stores.personal_data import Receipt, erased


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
    receipt = _erased(store, visitor)
    click.echo(as_json(receipt))
    sys.exit(0 if receipt.is_whole else 1)


def _erased(url: str, visitor: str) -> Receipt:
    """On a full disk, where nobody has the store open, it cannot even be opened until some room is made."""

    def erase() -> Receipt:
        return asked(url, lambda places: erased(places, visitor, time.time()))

    try:
        return erase()
    except (OperatorError, StoreError):
        if not use_reserve(url):
            raise
        return erase()
