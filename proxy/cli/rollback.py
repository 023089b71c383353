"""`tailorbird rollback [NUMBER]`: makes an earlier version live again, on every worker."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from proxy.cli.rulefolder import A_FILE, A_FOLDER
from proxy.cli.states import author_of, is_published_mode, publication_of, state_of
from proxy.errors import OperatorError
from proxy.rulebook.compile import version_of
from proxy.rulebook.read import CATALOGUE_FILE
from proxy.stores.ruledir import read_folder
from proxy.stores.versions import GOES_LIVE, Action, Entry, Versions


@click.command("rollback")
@click.argument("number", type=click.IntRange(1), required=False)
@click.option("--rules", type=A_FOLDER, default="rules", envvar="TAILORBIRD_RULES", help="the rule folder")
@click.option("--catalogue", envvar="TAILORBIRD_CATALOGUE", type=A_FILE, help="products as JSON lines")
@click.option("--store", envvar="TAILORBIRD_STORE", metavar="URL", help="where imported attributes are known")
@click.option("-m", "--message", default="", help="why, for the history")
@click.option("--author", help="who rolls back  (default: as git knows you)")
def command(
    number: int | None, rules: Path, catalogue: Path | None, store: str | None, message: str, author: str | None
) -> None:
    """Make version NUMBER live again; without it, the one that was live before. Where a saved folder is live, its files
    become those of the version, unless they hold what is in no version yet."""
    versions = Versions(rules)
    history = versions.history()
    target = number or before(versions.live(), history)
    publication_of(state_of(str(target), rules), catalogue, store)
    if not is_published_mode(history):
        files = read_folder(rules)
        _must_be_known(files, history)
        versions.restore(target, files)
    versions.go_live(target, author=author_of(author), message=message, now=time.time(), action=Action.ROLLED_BACK)
    click.echo(f"Version {target} is live")


def before(live: int, history: Sequence[Entry]) -> int:
    """The latest version before the live one that was live. Raises `OperatorError` when there was none."""
    earlier = {entry.version for entry in history if entry.action in GOES_LIVE and entry.version < live}
    if not earlier:
        raise OperatorError("no version was live before this one", help="`tailorbird history` lists them")
    return max(earlier)


def _must_be_known(files: dict[str, bytes], history: Sequence[Entry]) -> None:
    own = {name: content for name, content in files.items() if name != CATALOGUE_FILE}
    if version_of(own) not in {entry.content for entry in history}:
        raise OperatorError(
            "the folder holds changes that are in no version, and rolling back would lose them",
            help="mend them, or take them away, as with `git stash`",
        )
