"""`tailorbird rollback [NUMBER]`: makes an earlier version live again, on every worker."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import click

from proxy.cli.rulefolder import CATALOGUE, rules_option, store_option
from proxy.cli.states import author_of, author_option, is_published_mode, publication_of, state_of
from proxy.stores.history import before
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import Versions


@click.command("rollback")
@click.argument("number", type=click.IntRange(1), required=False)
@rules_option()
@CATALOGUE
@store_option()
@click.option("-m", "--message", default="", help="why, for the history")
@author_option("rolls back")
def command(
    number: int | None, rules: Path, catalogue: Path | None, store: str | None, message: str, author: str | None
) -> None:
    """Make version NUMBER live again; without it, the previous one. Where a saved folder is live, its files become
    those of the version, unless they have changes that are in no version yet."""
    versions = Versions(rules)
    history = versions.history()
    target = number or before(versions.live(), history)
    publication_of(state_of(str(target), rules), catalogue, store)
    saved = None if is_published_mode(history) else partial(read_folder, rules)
    versions.roll_back(target, author=author_of(author), message=message, now=time.time(), saved=saved)
    click.echo(f"Version {target} is live")
