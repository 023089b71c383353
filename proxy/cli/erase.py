"""`tailorbird erase VISITOR`: deletes everything stored about visitors, and gives a receipt of each."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from proxy.cli.existing_store import STORE, asked
from proxy.cli.options import as_json
from proxy.errors import OperatorError, StoreError
from proxy.stores import use_reserve
from proxy.stores.personal_data import Receipt, all_erased


@click.command("erase")
@click.argument("visitors", nargs=-1, required=True, metavar="VISITOR...")
@STORE
@click.option("--yes", is_flag=True, help="do not ask")
def command(visitors: tuple[str, ...], store: str, yes: bool) -> None:
    """Erase the person each VISITOR is, on every device, and print receipts: one as an object, several as a list. No
    replay or import brings them back. Servers that run on the store forget within seconds; asked for at their admin
    listener (`POST /api/erase`), at once. A SQLite file is written anew once for all, a large one
    by the next `tailorbird expire`.

    Exit code 1 when something was left.
    """
    if not yes:
        click.confirm(f"erase all that is kept of `{'`, `'.join(visitors)}`?", abort=True, err=True)
    receipts = _erased(store, visitors)
    click.echo(as_json(receipts if len(receipts) > 1 else receipts[0]))
    sys.exit(0 if all(receipt.is_whole for receipt in receipts) else 1)


def _erased(url: str, visitors: Sequence[str]) -> list[Receipt]:
    """On a full disk, where nobody has the store open, it cannot even be opened until some room is made."""

    def erase() -> list[Receipt]:
        return asked(url, lambda places: all_erased(places, visitors, time.time))

    try:
        return erase()
    except (OperatorError, StoreError):
        if not use_reserve(url):
            raise
        return erase()
