"""`tailorbird approve NUMBER`: makes a version live that somebody else asked to publish."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from proxy.cli.rulefolder import A_FILE, A_FOLDER
from proxy.cli.states import author_of, publication_of, state_of
from proxy.errors import OperatorError
from proxy.stores.versions import GOES_LIVE, Action, Entry, Versions


@click.command("approve")
@click.argument("number", type=click.IntRange(1))
@click.option("--rules", type=A_FOLDER, default="rules", envvar="TAILORBIRD_RULES", help="the rule folder")
@click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help="products as JSON lines")
@click.option("--store", envvar="TAILORBIRD_STORE", metavar="URL", help="where imported attributes are known")
@click.option("--author", help="who approves  (default: as git knows you)")
def command(number: int, rules: Path, catalogue: Path | None, store: str | None, author: str | None) -> None:
    """Make version NUMBER live, which somebody else asked for: `tailorbird diff live NUMBER` shows it."""
    versions, by = Versions(rules), author_of(author)
    asked = must_wait_for(number, versions.history(), by)
    publication_of(state_of(str(number), rules), catalogue, store)
    versions.go_live(number, author=by, message=asked.message, now=time.time(), action=Action.APPROVED)
    click.echo(f"Version {number} is live")


def must_wait_for(number: int, history: Sequence[Entry], by: str) -> Entry:
    """The request for that version. Raises `OperatorError` when there is none, when who asked would approve, and when
    another version went live since, which this one would undo."""
    place = next(
        (i for i, entry in enumerate(history) if (entry.version, entry.action) == (number, Action.REQUESTED)), None
    )
    if place is None:
        raise OperatorError(f"nobody asked for version {number}", help="`tailorbird history` tells what waits")
    since = next((entry for entry in history[place:] if entry.action in GOES_LIVE), None)
    if since is not None:
        raise OperatorError(
            f"version {since.version} went live since version {number} was asked for",
            help="publish again what is to come on top of it",
        )
    if history[place].author.casefold() == by.casefold():
        raise OperatorError(f"{by} asked for version {number}", help="somebody else has to approve it")
    return history[place]
