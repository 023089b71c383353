"""`tailorbird explain CODE`: what a finding means, with a wrong and a right example."""

from __future__ import annotations

import textwrap

import click

from proxy.diagnostics import did_you_mean
from proxy.rulebook.finding_kinds import FindingKind
from proxy.rulebook.findings import FINDINGS

WIDTH = 100


@click.command("explain")
@click.argument("code")
def command(code: str) -> None:
    """What a finding's code means, with a right and a wrong example."""
    known = {kind.code: kind for kind in FINDINGS}
    if code.upper() not in known:
        raise click.BadParameter(f"there is no finding `{code}`; {did_you_mean(code.upper(), list(known))}")
    click.echo(explained(known[code.upper()]))


def explained(kind: FindingKind) -> str:
    """A finding's row as the command line prints it."""
    return "\n\n".join(
        [
            f"{kind.code}: {kind.title}",
            textwrap.fill(kind.explanation, WIDTH),
            f"Wrong, in {kind.file}:\n\n{textwrap.indent(kind.wrong, '    ')}",
            f"Right:\n\n{textwrap.indent(kind.right, '    ')}",
        ]
    )
