"""`tailorbird explain CODE`: what a finding means, with a wrong and a right example."""

from __future__ import annotations

import click

from proxy.diagnostics import did_you_mean
from proxy.rulebook.findings import FINDINGS


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """What a finding's code means, with a right and a wrong example."""
    known = {kind.code: kind for kind in FINDINGS}
    if code.upper() not in known:
        raise click.BadParameter(f"there is no finding `{code}`; {did_you_mean(code.upper(), list(known))}")
    click.echo(str(known[code.upper()]))
