"""`tailorbird schema`: JSON Schema of rule files, with the names of a folder, and of cache.yaml."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.cli.options import as_json
from proxy.cli.rulefolder import A_FOLDER
from proxy.rulebook.check import check
from proxy.rulebook.schema import cache_schema, rule_schema
from proxy.stores.ruledir import read_folder


@click.command("schema")
@click.argument("folder", metavar="[DIR]", type=A_FOLDER, default=None, required=False)
@click.option("--of", "what", type=click.Choice(["rules", "cache"]), default="rules", help="rule files, or cache.yaml")
def command(folder: Path | None, what: str) -> None:
    """JSON Schema of rule files, for editors' completion. With DIR, it knows that folder's names.

    \b
    tailorbird schema rules > rules.schema.json
    and in a rule file: # yaml-language-server: $schema=rules.schema.json
    """
    names = check(read_folder(folder) if folder else {}).names
    schema = cache_schema() if what == "cache" else rule_schema(names)
    click.echo(as_json(schema))
