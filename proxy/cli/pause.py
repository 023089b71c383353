"""`tailorbird pause`: switches a rule, a slot or everything off, on every worker, without a change of the files."""

from __future__ import annotations

import time
from pathlib import Path

import click

from proxy.cli.rulefolder import rules_option
from proxy.cli.states import author_of, author_option, is_published_mode, state_of
from proxy.diagnostics import did_you_mean
from proxy.rulebook.check import check
from proxy.rulebook.pauses import Pause, What
from proxy.stores.versions import Versions


@click.command("pause")
@click.argument("what", type=click.Choice([what.value for what in What]))
@click.argument("name", default="")
@rules_option()
@author_option("pauses it")
def command(what: str, name: str, rules: Path, author: str | None) -> None:
    """Switch off `rule NAME`, `slot NAME` or `everything`, until `tailorbird resume`. A paused rule is skipped; with
    everything paused, pages are as the shop sent them."""
    versions = Versions(rules)
    pause = Pause(What(what), name)
    _must_be_there(pause, versions, rules)
    if versions.pause([pause], author=author_of(author), now=time.time()):
        name = f' "{pause.name}"' if pause.name else ""
        click.echo(f"{pause} is paused, until `tailorbird resume {pause.what}{name}`")
    else:
        click.echo(f"{pause} is paused already")


def _must_be_there(pause: Pause, versions: Versions, rules: Path) -> None:
    """Raises `click.BadParameter` for a name that no rule or slot has."""
    if pause.what is What.EVERYTHING:
        if pause.name:
            raise click.BadParameter("everything has no name", param_hint="NAME")
        return
    is_live_version = versions.live() and is_published_mode(versions.history())
    found = check(state_of("live" if is_live_version else "draft", rules).files)
    known = [rule.name for rule in found.rules] if pause.what is What.RULE else [rule.slot for rule in found.rules]
    if pause not in {Pause(pause.what, name) for name in known}:
        raise click.BadParameter(
            f"there is no {pause.what} `{pause.name}`; {did_you_mean(pause.name, sorted(set(known)))}",
            param_hint="NAME",
        )
