"""`tailorbird diff [A] [B]`: what differs between two states of the rules, in meaning and in text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import click

from proxy.cli.options import as_json, form_option
from proxy.cli.rulefolder import CATALOGUE, rules_option, store_option
from proxy.cli.states import State, publication_of, state_of
from proxy.drafts.changes import changes
from proxy.drafts.report import changes_text
from proxy.rulebook.read import DATA_FILES


@click.command("diff")
@click.argument("a", default="live")
@click.argument("b", default="draft")
@rules_option()
@CATALOGUE
@store_option()
@form_option()
def command(a: str, b: str, rules: Path, catalogue: Path | None, store: str | None, form: str) -> None:
    """Show what differs from A to B, each of them live, draft, a version's number or a folder: first the meaning, then
    the lines of text. Without them: from live to draft."""
    before, after = state_of(a, rules), state_of(b, rules)
    old, new = (publication_of(state, catalogue, store) for state in (before, after))
    found = changes(old, new, time.time())
    if form == "json":
        click.echo(as_json(found))
        return
    click.echo("\n".join([f"{before.name} → {after.name}", *changes_text(found), *_text(before, after)]))


def _text(before: State, after: State) -> Iterator[str]:
    for name in sorted((before.files.keys() | after.files.keys()) - set(DATA_FILES)):
        old, new = (state.files.get(name, b"").decode("utf-8", "replace").splitlines() for state in (before, after))
        yield from unified_diff(old, new, f"{before.name}/{name}", f"{after.name}/{name}", lineterm="")
