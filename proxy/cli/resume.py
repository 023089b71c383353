"""`tailorbird resume`: ends pauses."""

from __future__ import annotations

import time
from pathlib import Path

import click

from proxy.cli.rulefolder import rules_option
from proxy.cli.states import author_of, author_option
from proxy.errors import OperatorError
from proxy.rulebook.pauses import Pause, What
from proxy.stores.versions import Versions


@click.command("resume")
@click.argument("what", type=click.Choice([what.value for what in What]), required=False)
@click.argument("name", default="")
@rules_option()
@author_option("lets it go on")
def command(what: str | None, name: str, rules: Path, author: str | None) -> None:
    """End the pause of `rule NAME`, `slot NAME` or `everything`. Without an argument: end all pauses."""
    versions = Versions(rules)
    off = versions.pauses()
    wanted = frozenset({Pause(What(what), name)}) if what else off
    for pause in wanted - off:
        listed = ", ".join(map(str, sorted(off))) or "nothing"
        raise OperatorError(f"{pause} is not paused", help=f"what is paused: {listed}")
    versions.resume(wanted, author=author_of(author), now=time.time())
    click.echo("\n".join(f"{pause} goes on" for pause in sorted(wanted)) or "nothing is paused")
