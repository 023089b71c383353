"""`tailorbird publish -m MESSAGE`: makes the draft in the rule folder the live version, on every worker."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import click

from proxy.cli.rulefolder import folder_arguments, loaded_from
from proxy.cli.states import author_of, is_published_mode, must_be_good, state_of
from proxy.drafts.report import checks_text
from proxy.errors import OperatorError
from proxy.rulebook.compile import version_of
from proxy.serve.drafts import checks_of
from proxy.settings import PREFIX, from_environment
from proxy.stores.history import Action, Entry
from proxy.stores.versions import Versions, written

APPROVALS = ("none", "required")


@click.command("publish")
@folder_arguments
@click.option("-m", "--message", required=True, help="what this changes, for the history")
@click.option("--author", help="who publishes  (default: as git knows you)")
def command(folder: Path, catalogue: Path | None, store: str | None, message: str, author: str | None) -> None:
    """Make the rules in DIR the live version. A draft with mistakes, or whose tests fail, is refused."""
    versions, draft = Versions(folder), state_of("draft", folder)
    loaded = loaded_from(draft.files, catalogue, store)
    must_be_good(draft, loaded)
    checks = checks_of(loaded, time.time())
    if not checks.may_publish:
        click.echo(f"not published: {checks_text(checks)}; `tailorbird test` says why", err=True)
        sys.exit(1)
    _must_be_published_here(versions, draft.files)
    is_asked = must_be_approved(versions.history())
    action = Action.REQUESTED if is_asked else Action.PUBLISHED
    entry = versions.publish(draft.files, author=author_of(author), message=message, now=time.time(), action=action)
    says = f"waits for a second person: tailorbird approve {entry.version}" if is_asked else "is live"
    click.echo(f"Version {entry.version} {says}")


def must_be_approved(history: Iterable[Entry]) -> bool:
    """Whether a second person has to approve: by the setting, and where nothing is set, when it was so last time, so
    that nobody gets round it by an environment of their own. Raises `OperatorError` for a setting that is neither."""
    approval = from_environment(os.environ).approval
    if approval not in APPROVALS:
        raise OperatorError(f"`approval` is `{approval}`", help="write none or required")
    if f"{PREFIX}APPROVAL" in os.environ:
        return approval == "required"
    asked = [entry.action for entry in history if entry.action in (Action.PUBLISHED, Action.REQUESTED)]
    return asked[-1:] == [Action.REQUESTED]


def _must_be_published_here(versions: Versions, files: dict[str, bytes]) -> None:
    if not is_published_mode(versions.history()):
        raise OperatorError(
            "this folder is live as it is saved, so there is nothing to publish",
            help="set TAILORBIRD_RULES_MODE=published, here and for `tailorbird serve`",
        )
    live = versions.live()
    if live and version_of(versions.files(live)) == version_of(written(files)):
        raise OperatorError(f"version {live} is live and has these files", help="change something first")
