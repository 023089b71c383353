"""`tailorbird export VISITOR`: everything stored about a visitor, as JSON."""

from __future__ import annotations

import click

from proxy.cli.existing_store import STORE, asked
from proxy.cli.options import as_json
from proxy.stores.personal_data import exported


@click.command("export")
@click.argument("visitor")
@STORE
def command(visitor: str, store: str) -> None:
    """Print everything stored about the person VISITOR, on every device, as JSON."""
    click.echo(as_json(asked(store, lambda places: exported(places, visitor))))
