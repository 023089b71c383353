"""`tailorbird approve NUMBER`: makes a version live that somebody else asked to publish."""

from __future__ import annotations

import time
from pathlib import Path

import click

from proxy.cli.rulefolder import CATALOGUE, rules_option, store_option
from proxy.cli.states import author_of, author_option, publication_of, state_of
from proxy.stores.history import must_wait_for
from proxy.stores.versions import Versions


@click.command("approve")
@click.argument("number", type=click.IntRange(1))
@rules_option()
@CATALOGUE
@store_option()
@author_option("approves")
def command(number: int, rules: Path, catalogue: Path | None, store: str | None, author: str | None) -> None:
    """Make version NUMBER live, which somebody else asked for: `tailorbird diff live NUMBER` shows it."""
    versions, by = Versions(rules), author_of(author)
    must_wait_for(number, versions.history(), by)
    publication_of(state_of(str(number), rules), catalogue, store)
    versions.approve(number, author=by, now=time.time())
    click.echo(f"Version {number} is live")
