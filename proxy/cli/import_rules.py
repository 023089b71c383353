"""`tailorbird import rules FILE`: makes a rule file of a decision table, and checks it before writing it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from proxy.cli.rulefolder import A_FILE, loaded_from, rules_option, store_option
from proxy.diagnostics import Finding, as_text, many
from proxy.errors import OperatorError
from proxy.rulebook.mending import mended
from proxy.rulebook.table import MADE, rules_from_table
from proxy.stores.ruledir import read_folder
from proxy.stores.whole_files import replace_whole


@click.command("rules")
@click.argument("file", type=A_FILE)
@rules_option()
@click.option("--timezone", default="UTC", show_default=True, help="the zone that the table's dates are in")
@store_option("whose imported attributes rules may ask about")
@click.option("--dry-run", is_flag=True, help="print the rule file, write nothing")
def import_rules(file: Path, rules: Path, timezone: str, store: str | None, dry_run: bool) -> None:
    """Import rules from FILE, a table as CSV: rows are rules, columns are words of a rule, a banner or a condition.

    They become the file NAME.rules.yaml in the rule folder, and are checked first. What `check --fix` would correct is
    corrected and listed. Exit code 1 when the table has problems; nothing is written then.
    """
    table = rules_from_table(_text(file), timezone)
    name, files = f"{file.stem}.rules.yaml", dict(read_folder(rules))
    if not dry_run and not files.get(name, MADE.encode()).startswith(MADE.encode()):
        help = "give the table another name, or take the file away"
        raise OperatorError(f"`{rules / name}` is there already, and was not made of a table", help=help)
    files[name] = table.text.encode()
    files, done = mended(files, lambda files: _mendable(loaded_from(files, None, store).findings, name))
    for change in done:
        row = table.row_of(change.finding.place.line)
        click.echo(f"{file.name}: row {row}: `{change.before}` read as {change.after}", err=True)
    loaded = loaded_from(files, None, store)
    problems = [finding for finding in loaded.findings if not finding.is_warning]
    if dry_run:
        click.echo(files[name], nl=False)
    if problems:
        for finding in problems:
            row = table.row_of(finding.place.line) if finding.place.file == name else 0
            click.echo(f"{file.name}: row {row}: {finding.what}" if row else str(finding.place), err=True)
        click.echo(as_text(problems, loaded.sources), err=True)
        sys.exit(1)
    if not dry_run:
        replace_whole(rules / name, files[name])
        count = len({row for row in table.rows if row})
        click.echo(f"{many(count, 'rule')} written to {rules / name}")


def _mendable(findings: Sequence[Finding], name: str) -> list[Finding]:
    """Those of the table's own words that are mended within their line."""
    own = (finding for finding in findings if finding.place.file == name and not finding.is_warning)
    return [finding for finding in own if not any("\n" in edit.replacement for edit in finding.edits)]


def _text(file: Path) -> str:
    """What the file says: as a spreadsheet saves it unless it is told otherwise, too."""
    raw = file.read_bytes()
    if b"\0" in raw:
        raise OperatorError(f"`{file}` is no text", help="save the spreadsheet as CSV, best as CSV UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        click.echo(f"{file.name}: is not UTF-8, read as Windows-1252", err=True)
        return raw.decode("cp1252", "replace")
