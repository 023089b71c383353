"""`tailorbird publish -m MESSAGE`: makes the draft in the rule folder the live version, on every worker."""

from __future__ import annotations

import time
from pathlib import Path

import click

from proxy.cli.options import settings_now
from proxy.cli.rulefolder import folder_arguments, loaded_from
from proxy.cli.states import author_of, author_option, is_published_mode, must_be_good, state_of
from proxy.errors import OperatorError
from proxy.serve.publishing import publish
from proxy.stores.history import Action
from proxy.stores.versions import Versions


@click.command("publish")
@folder_arguments
@click.option("-m", "--message", required=True, help="what this changes, for the history")
@author_option("publishes")
def command(folder: Path, catalogue: Path | None, store: str | None, message: str, author: str | None) -> None:
    """Make the rules in DIR the live version. A draft with mistakes, or whose tests fail, is refused."""
    if not message.strip():
        raise click.BadParameter("say what this changes, for the history", param_hint="-m")
    versions, draft = Versions(folder), state_of("draft", folder)
    loaded = loaded_from(draft.files, catalogue, store)
    must_be_good(draft, loaded)
    if not is_published_mode(versions.history()):
        raise OperatorError(
            "this folder is live as it is saved, so there is nothing to publish",
            help="set TAILORBIRD_RULES_MODE=published, here and for `tailorbird serve`",
        )
    approval, by = settings_now().approval, author_of(author)
    entry = publish(versions, draft.files, loaded, approval=approval, author=by, message=message, now=time.time())
    is_asked = entry.action is Action.REQUESTED
    says = f"waits for a second person: tailorbird approve {entry.version}" if is_asked else "is live"
    click.echo(f"Version {entry.version} {says}")
