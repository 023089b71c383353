"""`tailorbird rules`: rule files as JSON, for programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from proxy.cli.rulefolder import folder_arguments, loaded_from
from proxy.diagnostics import as_text, many
from proxy.rulebook.asjson import as_json
from proxy.stores.ruledir import read_folder


@click.command("rules")
@folder_arguments
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="write the files there, instead of printing"
)
@click.option("--format", "form", type=click.Choice(["json"]), default="json", show_default=True)
def command(folder: Path, catalogue: Path | None, store: str | None, to: Path | None, form: str) -> None:
    """The rule files of a folder as JSON, with conditions as trees of operators. Such files, named *.rules.json, are
    rule files like any other: they are checked, tested and served. Exit code 1 when the folder has problems.
    """
    files = read_folder(folder)
    loaded = loaded_from(files, catalogue, store)
    if loaded.names is None or any(not finding.is_warning for finding in loaded.findings):
        click.echo(as_text(loaded.findings, loaded.sources), err=True)
        sys.exit(1)
    written = as_json(files, loaded.names)
    if to is None:
        click.echo(json.dumps({name: json.loads(text) for name, text in written.items()}, indent=2, ensure_ascii=False))
        return
    to.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (to / name).write_text(text, encoding="utf-8")
    click.echo(f"{many(len(written), 'file')} written to {to}")
